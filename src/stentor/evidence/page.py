"""The report as one HTML page: the verdict first, then promises, courses, and how to check it all.

Deterministic: the same ledger, key and heads give the same bytes. Decides nothing, and names no
perpetrator.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import chain

from stentor.charts.page import page, table
from stentor.charts.scale import clock, figure
from stentor.charts.timeline import Moment, Series, Span, Timeline
from stentor.evidence.course import STEPS, Course
from stentor.evidence.findings import Report as Checked
from stentor.evidence.promises import Held, Kept
from stentor.evidence.sources import Code, Sources, how_to_repeat
from stentor.evidence.verdict import Verdict, was_so
from stentor.evidence.words import Word

_CLASS = {Kept.YES: "yes", Kept.NO: "no", Kept.UNKNOWN: "open"}
_NOTES_SHOWN = 100
_FINDINGS_SHOWN = 50
_ROWS_MAX = 60
_NOTES = {
    "undo-ban": "An operator lifted the ban of a network, on the operator's page",
    "shield-paused": "An operator paused the shield",
    "shield-resumed": "An operator let the shield go on",
    "part-restarted": "A part died and was started again",
    "part-added": "A part was added",
    "deploy": "A part was replaced by a deploy",
    "clock-jumped": "The clock jumped",
    "ledger-gap": "The ledger has a gap",
    "event-key-replaced": "A new event: networks have other names",
}
# Whose ban it was is in the ledger under the event's key: who has that could try out addresses.
_NOTES_UNNAMED = {"undo-ban", "shield-resumed"}


_HEADLINE = {
    Word.QUIET: "A quiet evening: nobody had to wait, and no attack was seen.",
    Word.CROWD: "A flash crowd: more people than there was room for, and no attack was seen.",
    Word.WITHSTOOD: "There was an attack, and it was withstood.",
    Word.ATTACK: "Attack-caused: without the attack it would not have failed.",
    Word.BOTH: "An overload: there was an attack, and without it people would have waited too.",
    Word.EITHER: "An overload: people alone were too many, whether or not there was an attack too.",
    Word.OWN: "Self-inflicted: what failed was our own.",
    Word.UNTOLD: "Cannot be told from the records.",
}


def report_page(
    course: Course,
    promises: Sequence[Held],
    verdict: Verdict,
    checked: Checked,
    sources: Sources,
    code: Code,
) -> str:
    """Return the whole page."""
    title = course.plan.title or course.room
    body = _body(course, promises, verdict, checked, title)
    end = _end(course.room, checked, sources, code)
    return page(f"What happened: {title}", chain(body, end))


def _body(
    course: Course, promises: Sequence[Held], verdict: Verdict, checked: Checked, title: str
) -> Iterator[str]:
    yield f"<h1>What happened: {escape(title)}</h1>"
    yield f'<p class="soft">{escape(_when(course))}</p>'
    if not checked.whole:
        yield (
            '<p class="lead"><b class="no">This ledger is not whole: records were changed, or are'
            " missing.</b> What follows is read from those that hold; see the end of this page.</p>"
        )
    yield (
        f'<p class="lead"><b>{escape(_HEADLINE[verdict.word])}</b> By the conduct of connections'
        f" the likelihood that attack traffic was there is {verdict.likelihood:.1%}, as the method"
        " is calibrated.</p>"
    )
    if verdict.beneath.because:
        said = "; ".join(verdict.beneath.because)
        yield (
            f"<p>Beneath the connections, by the kernel's counters: {escape(said)}. That goes by a"
            " rule, of which no error rate is measured; the addresses of such packets may be"
            " forged.</p>"
        )
    so = verdict.measured.get(was_so(verdict.word.value))
    if so is not None:
        yield (
            f"<p>Of the simulated evenings of which that was said, it was so of {escape(so)}.</p>"
        )
    yield "<h2>Did we keep each promise?</h2>"
    rows = "".join(
        f'<tr><td class="long">{escape(one.promise)}</td><td class="word {_CLASS[one.kept]}"><b>'
        f'{escape(one.kept.value)}</b></td><td class="long">{escape(one.found)}</td></tr>'
        for one in promises
    )
    yield (
        '<div class="wide"><table><thead><tr><th scope="col">Promise</th><th scope="col">Kept</th>'
        f'<th scope="col">What was measured</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    yield "<h2>Crowd, attack, or our own doing?</h2>"
    yield table(
        ("Question", "Answer", "Why"),
        [(one.question, one.told.value, "; ".join(one.because)) for one in verdict.answers],
    )
    yield "<h2>How sure that is</h2>"
    yield from _method(verdict)
    yield "<h2>The course of it</h2>"
    for chart in _charts(course):
        yield chart.html()
    yield f"<details><summary>The same in figures</summary>{_figures(course)}</details>"
    yield from _refused(course)
    yield from _noted(course)
    yield from _set_up(course, checked)


def _end(room: str, checked: Checked, sources: Sources, code: Code) -> Iterator[str]:
    yield "<h2>How to check this</h2>"
    yield from _checked(checked)
    yield from how_to_repeat(room, sources, code)
    yield (
        '<p class="soft">This report says what traffic there was and what it did. It cannot say'
        " who sent it, and does not try.</p>"
    )


def _method(verdict: Verdict) -> Iterator[str]:
    said = [one for one in verdict.signs if one.adds]
    yield (
        "<p>Each sign adds to the log-odds of an attack what it exceeds the ordinary by; what is"
        " ordinary, and how often the method errs, was measured on simulated evenings.</p>"
    )
    yield table(
        ("Sign", "Found", "Adds"),
        [(one.sign, f"{one.value:.3f}", f"{one.adds:+.2f}") for one in said],
        numbers=(1, 2),
    )
    silent = len(verdict.signs) - len(said)
    yield f"<p>{silent} more signs were looked for and were not beyond the ordinary.</p>"
    if verdict.measured:
        yield table(("Of the method", "Measured"), list(verdict.measured.items()))


def _checked(checked: Checked) -> Iterator[str]:
    if checked.whole:
        yield "<p>Every record of these files is signed by the key below and in its place.</p>"
    for finding in checked.findings[:_FINDINGS_SHOWN]:
        where = f"{finding.file}, record {finding.record}"
        if finding.to != finding.record:
            where += f" to {finding.to}"
        yield f'<p class="no">{escape(f"{where}: {finding.fault}: {finding.why}.")}</p>'
    more = len(checked.findings) + checked.unlisted - _FINDINGS_SHOWN
    if more > 0:
        yield f"<p>… and {more} more.</p>"
    for doubt in checked.doubts:
        yield f"<p>{escape(doubt)}</p>"
    keys = ", ".join(sorted({one.key for one in checked.files}))
    yield f"<p>The key of these files: <code>{escape(keys)}</code></p>"


def _when(course: Course) -> str:
    if not course.at_s:
        return "Nothing was recorded of it."
    from_to = f"{clock(course.at_s[0], seconds=True)} to {clock(course.at_s[-1], seconds=True)} UTC"
    hour = clock(course.plan.epoch_ms / 1000) if course.plan.epoch_ms else "not known"
    many = f" with {course.plan.expected:,} listeners expected" if course.plan.expected else ""
    return f"Room {course.room}; planned for {hour} UTC{many}; records from {from_to}."


def _charts(course: Course) -> Iterator[Timeline]:
    spans = [Span(first, last, "not recorded", 5) for first, last in course.gaps_s]
    epoch_s = course.plan.epoch_ms / 1000
    hour = [Moment(epoch_s, "the hour")] if epoch_s else []

    def chart(title: str, unit: str, *series: Series, most: float | None = None) -> Timeline:
        return Timeline(title, unit, series, spans, hour, most)

    at = course.at_s
    yield chart(
        "People",
        "at once",
        Series("listening", at, course.listeners, 1, filled=True),
        Series("inside before the hour", at, course.inside, 3),
        Series("waiting in line", at, course.waiting, 2),
    )
    yield chart(
        "Who came",
        "a second",
        Series("asked to join", at, course.asked, 5),
        Series("joined", at, course.joined, 1),
        Series("got a place in line", at, course.places, 2),
        Series("did what no player does", at, course.wrong, 6, dashed=True),
        Series("turned away with nothing", at, course.nothing_told, 4, dashed=True),
        Series("hung up in the queue", at, course.gave_up, 3, dashed=True),
    )
    yield chart(
        "From connecting to audio",
        "seconds, as the edges saw it",
        Series("half of all", at, course.audio_p50_s, 1),
        Series("95 of 100", at, course.audio_p95_s, 2),
    )
    yield chart(
        "Interrupted",
        "jumps and returns a second",
        Series("listeners", at, course.interrupted, 6),
    )
    use = [100 * one for one in course.use]
    yield chart(
        "Used for deliveries",
        "% of the busiest edge's CPU",
        Series("use", at, use, 1, filled=True),
        most=100.0,
    )
    yield chart(
        "The ladder",
        f"step: {', '.join(f'{n} {name}' for n, name in enumerate(STEPS))}",
        Series("step", at, course.step, 4),
        most=float(len(STEPS) - 1),
    )
    yield chart(
        "The shield",
        "networks banned; packets dropped by the kernel a second",
        Series("bans", at, course.bans, 6),
        Series("dropped", at, course.kernel, 5, dashed=True),
    )
    if any(course.unfinished) or any(course.strays):
        yield chart(
            "Beneath the connections",
            "a second, by the kernel's counters",
            Series("SYN-ACKs that nobody answered", at, course.unfinished, 6),
            Series("datagrams of strangers at media ports", at, course.strays, 3),
        )


def _figures(course: Course) -> str:
    """Return a table of minutes, or of as many seconds as make it no longer than a page."""
    if not course.at_s:
        return "<p>Nothing.</p>"
    step = max(1, -(-len(course) // _ROWS_MAX))
    rows = []
    for first in range(0, len(course), step):
        span = slice(first, first + step)
        p95 = [one for one in course.audio_p95_s[span] if math.isfinite(one)]
        rows.append(
            (
                clock(course.at_s[first], seconds=True),
                figure(max(course.listeners[span])),
                figure(max(course.waiting[span])),
                figure(sum(course.joined[span])),
                figure(sum(course.places[span])),
                figure(sum(course.wrong[span])),
                figure(sum(course.nothing_told[span])),
                figure(sum(course.gave_up[span])),
                figure(sum(course.interrupted[span])),
                f"{max(p95):.2f}" if p95 else "–",
                STEPS[int(max(course.step[span]))],
            )
        )
    head = ("From", "Listening", "Waiting", "Joined", "Places", "Wrong", "Nothing", "Hung up")
    more = ("Interrupted", "Audio p95, s", "Step")
    return table((*head, *more), rows, numbers=range(1, 10))


def _set_up(course: Course, checked: Checked) -> Iterator[str]:
    """Say which settings were not as they come, and from when: a deploy may change them."""
    rows: list[tuple[str, str, str]] = []
    before: dict[str, str] = {}
    for one in sorted(checked.files, key=lambda file: file.first_ms):
        if not course.at_s or one.first_ms > course.at_s[-1] * 1000:
            break
        since = clock(one.first_ms / 1000, seconds=True)
        if one.settings is None:
            rows.append((since, "all", f"not told: {one.file} has lost its first record"))
            continue
        changed = {**dict.fromkeys(before, "as it comes"), **one.settings}
        rows += [
            (since, name, value)
            for name, value in sorted(changed.items())
            if before.get(name) != one.settings.get(name)
        ]
        before = one.settings
    yield "<h2>How it was set up</h2>"
    if rows:
        yield table(("From", "Setting", "Value"), rows)
    else:
        yield "<p>Every setting was as it comes.</p>"


def _refused(course: Course) -> Iterator[str]:
    """Say why anybody was told no, but for places in line, which are told above."""
    if not course.refused:
        return
    yield "<h2>What was refused, and why</h2>"
    most = sorted(course.refused.items(), key=lambda one: (-one[1], one[0]))
    shown = [(why.replace("-", " "), f"{times:,}") for why, times in most]
    yield table(("Reason", "Times"), shown, numbers=(1,))


def _noted(course: Course) -> Iterator[str]:
    if not course.notes:
        return
    yield "<h2>What was done</h2>"
    yield table(
        ("When", "What", "About"),
        [
            (
                clock(at_s, seconds=True),
                _NOTES.get(what, what),
                "" if what in _NOTES_UNNAMED else about,
            )
            for at_s, what, about in course.notes[:_NOTES_SHOWN]
        ],
    )
    if len(course.notes) > _NOTES_SHOWN:
        yield f"<p>… and {len(course.notes) - _NOTES_SHOWN} more, in the ledger.</p>"
