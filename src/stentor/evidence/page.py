"""The report as one HTML page: the verdict first, then promises, courses, and how to check it all.

Deterministic: the same ledger gives the same bytes. Decides nothing, and names no perpetrator.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from stentor.charts.page import page, table
from stentor.charts.scale import clock, figure
from stentor.charts.timeline import Moment, Series, Span, Timeline
from stentor.evidence.course import STEPS, Course
from stentor.evidence.promises import Held, Kept

_CLASS = {Kept.YES: "yes", Kept.NO: "no", Kept.UNKNOWN: "open"}
_NOTES_SHOWN = 100
_ROWS_MAX = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the four questions, its answer in a few words, and the figures behind it."""

    question: str
    answer: str
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """All that the page says beyond the course and the promises."""

    headline: str
    likelihood: str
    answers: Sequence[Answer]
    method: Sequence[str]  # how sure the method is, measured how
    checks: Sequence[str]  # what the ledger's verification said
    files: Sequence[tuple[str, str, str]]  # name, SHA-256, records
    attack_spans: Sequence[tuple[float, float, str]] = ()
    code: str = ""


def report_page(course: Course, promises: Sequence[Held], told: Told) -> str:
    """Return the whole page."""
    title = course.plan.title or course.room
    return page(f"What happened: {title}", _body(course, promises, told, title))


def _body(course: Course, promises: Sequence[Held], told: Told, title: str) -> Iterator[str]:
    yield f"<h1>What happened: {escape(title)}</h1>"
    yield f'<p class="soft">{escape(_when(course))}</p>'
    yield f'<p class="lead"><b>{escape(told.headline)}</b> {escape(told.likelihood)}</p>'
    yield "<h2>Did we keep each promise?</h2>"
    rows = "".join(
        f'<tr><td>{escape(one.promise)}</td><td class="{_CLASS[one.kept]}"><b>'
        f"{escape(one.kept.value)}</b></td><td>{escape(one.found)}</td></tr>"
        for one in promises
    )
    yield (
        '<div class="wide"><table><thead><tr><th scope="col">Promise</th><th scope="col">Kept</th>'
        f'<th scope="col">What was measured</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    yield "<h2>Crowd, attack, or our own doing?</h2>"
    yield table(
        ("Question", "Answer", "Why"),
        [(one.question, one.answer, one.why) for one in told.answers],
    )
    yield from _paragraphs(told.method)
    yield "<h2>The course of it</h2>"
    for chart in _charts(course, told):
        yield chart.html()
    yield "<h2>The same in figures</h2>"
    yield _figures(course)
    yield from _noted(course)
    yield "<h2>How to check this</h2>"
    yield from _paragraphs(told.checks)
    yield table(("File", "SHA-256", "Records"), told.files, numbers=(2,))
    yield (
        f"<p>Made by Stentor {escape(told.code)} from these files alone. Whoever has them gets this"
        " page again, bit for bit: <code>stentor ledger verify FILE…</code>, then"
        f" <code>stentor report {escape(course.room)} --ledger FILE…</code>.</p>"
    )
    yield (
        '<p class="soft">This report says what traffic there was and what it did. It cannot say'
        " who sent it, and does not try.</p>"
    )


def _paragraphs(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield f"<p>{escape(text)}</p>"


def _when(course: Course) -> str:
    if not course.at_s:
        return "Nothing was recorded of it."
    from_to = f"{clock(course.at_s[0], seconds=True)} to {clock(course.at_s[-1], seconds=True)} UTC"
    hour = clock(course.plan.epoch_ms / 1000) if course.plan.epoch_ms else "not known"
    return f"Room {course.room}; planned for {hour} UTC; records from {from_to}."


def _charts(course: Course, told: Told) -> Iterator[Timeline]:
    spans = [Span(first, last, name) for first, last, name in told.attack_spans]
    spans += [Span(first, last, "not recorded", 5) for first, last in course.gaps_s]
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
                figure(sum(course.interrupted[span])),
                f"{max(p95):.2f}" if p95 else "–",
                STEPS[int(max(course.step[span]))],
            )
        )
    head = ("From", "Listening", "Waiting", "Joined", "Places", "Wrong", "Nothing", "Interrupted")
    return table((*head, "Audio p95, s", "Step"), rows, numbers=range(1, 9))


def _noted(course: Course) -> Iterator[str]:
    if not course.notes:
        return
    yield "<h2>What was done</h2>"
    yield table(
        ("When", "What", "About"),
        [(clock(at_s, seconds=True), what, about) for at_s, what, about in course.notes][
            :_NOTES_SHOWN
        ],
    )
    if len(course.notes) > _NOTES_SHOWN:
        yield f"<p>… and {len(course.notes) - _NOTES_SHOWN} more, in the ledger.</p>"
