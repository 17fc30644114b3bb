"""The answer as one HTML page: would it hold, what breaks first, what it takes; then the course.

Deterministic: the same answer and course give the same bytes. Loads nothing, runs nothing, and
says of every figure what it rests on. Decides nothing.
"""

from collections.abc import Iterator
from html import escape

import numpy as np

from stentor.charts.bars import Beside, besides
from stentor.charts.page import page, table
from stentor.charts.scale import clock
from stentor.charts.shares import Shares
from stentor.rehearsal.answer import Answer, Basis, Outcome, Quantiles
from stentor.rehearsal.band import APART_MAX, OPTIMISTIC_MAX, RESOLUTION_S
from stentor.rehearsal.courses import charts
from stentor.rehearsal.found import FIRST_AUDIO_S, PEOPLE
from stentor.rehearsal.takes import breaks, peers, takes
from stentor.rehearsal.wording import scaled, whole, with_unit
from stentor.simulate.fleet.course import Course

_INK = {Outcome.HOLDS: "yes", Outcome.LINE: "open", Outcome.FAILS: "no"}
_ROWS_MAX = 60
_DRAWN = ("first_audio_s", "served_audio_s", "wait_s", "behind_s", "back_s", "stalled_s")
_BASES = {
    Basis.MEASURED: "with real listeners on real sockets of the machine named below",
    Basis.SIMULATED: "by a simulation of every listener under virtual time; nobody was there",
    Basis.EXTRAPOLATED: "a cost on that machine times a number of the scenario; arithmetic",
    Basis.ASSUMED: "stated by the scenario, or as it comes with the code",
    Basis.PUBLISHED: "by others, of something else",
}


def answer_page(answer: Answer, course: Course) -> str:
    """Return the whole page."""
    return page(f"Rehearsal: {answer.scenario}", _body(answer, course))


def _body(answer: Answer, course: Course) -> Iterator[str]:
    yield f"<main><h1>Rehearsal: {escape(answer.scenario)}</h1>"
    yield f'<p class="soft">{escape(answer.about)}</p>'
    verdict, _, rest = answer.sentence.partition(":")
    yield (f'<p class="lead"><b class="{_ink(answer)}">{escape(verdict)}</b>:{escape(rest)}</p>')
    for one in answer.because:
        yield f"<p>{escape(one)}</p>"
    yield from _promises(answer)
    yield from takes(answer)
    yield from breaks(answer)
    yield "<h2>How it goes, second by second</h2>"
    yield (
        '<p class="soft">All simulated. Hours and minutes are from the scenario\'s beginning;'
        " shaded is what fails and who attacks.</p>"
    )
    yield from charts(course)
    yield table(
        ("Step of the ladder", "Half of the edges", "The worst edge"),
        [(one.step, _time(one.median_s), _time(one.worst_s)) for one in answer.steps],
        numbers=(1, 2),
        caption="How long the ladder stood on each step (simulated)",
    )
    yield f"<details><summary>The same in figures</summary>{_minutes(answer)}</details>"
    yield from _people(answer, course)
    yield from _witnesses(answer)
    yield from peers(answer)
    yield from _rests(answer)
    yield "</main>"


def _ink(answer: Answer) -> str:
    return "no" if answer.refuted else _INK[answer.outcome]


def _promises(answer: Answer) -> Iterator[str]:
    yield "<h2>Would each promise be kept?</h2>"
    yield table(
        ("Promise", "At most", "Found", "Kept"),
        [
            (
                one.about,
                with_unit(one.limit, one.unit),
                "nobody" if one.found is None else with_unit(one.found, one.unit),
                "–" if one.found is None else "yes" if one.kept else "no",
            )
            for one in answer.promises
        ],
        numbers=(1, 2),
        caption="Simulated, over all people of the scenario",
    )


def _people(answer: Answer, course: Course) -> Iterator[str]:
    yield "<h2>How people fared</h2>"
    lines: list[tuple[str, int, list[float], list[float]]] = []
    for name in _DRAWN:
        spread = course.people.get(name)
        if spread is None or not int(spread.counts.sum()):
            continue
        shares = np.cumsum(spread.counts) / spread.counts.sum()
        ink = len(lines) % 6 + 1
        lines.append((PEOPLE[name][0], ink, spread.edges[1:].tolist(), shares.tolist()))
    if lines:
        yield Shares(
            "Of those to whom it happened, how many had no more than so much",
            "seconds",
            lines,
            [(FIRST_AUDIO_S, f"{FIRST_AUDIO_S:g} s")],
        ).html()
    yield table(
        ("", "Of", "p50", "p75", "p90", "p95", "p99"),
        [_quantiles(one) for one in answer.people],
        numbers=range(1, 7),
        caption="Percentiles over people (or seconds they listened), not over machines (simulated)",
    )


def _quantiles(one: Quantiles) -> tuple[str, ...]:
    values = (one.p50, one.p75, one.p90, one.p95, one.p99)
    return (one.about, whole(one.of), *(with_unit(value, one.unit) for value in values))


def _witnesses(answer: Answer) -> Iterator[str]:
    yield "<h2>Two witnesses: predicted beside measured</h2>"
    if not answer.witnesses and answer.refuted:
        yield f"<p>{escape(answer.refuted)}</p>"
        return
    if not answer.witnesses:
        yield (
            "<p>Nothing was measured for this answer: it was only simulated"
            f" (<code>--simulate-only</code>), with costs that were {answer.costs.value}.</p>"
        )
        return
    held = sum(one.holds for one in answer.witnesses)
    yield (
        f"<p>{held} of {len(answer.witnesses)} predictions hold: within {APART_MAX:.0%} of what"
        f" real listeners showed, and never optimistic by more than {OPTIMISTIC_MAX:.0%}. Times"
        f" that differ by less than {RESOLUTION_S * 1000:g} ms are the same. Each size was"
        " predicted with costs from the other sizes, for the speed that the machine had just then:"
        " how long always the same small work took beside the trial.</p>"
    )
    yield besides(
        "Predicted by the simulation, measured on this machine; the middle is what was measured",
        ("What, with how many listeners", "Off", "Predicted", "Measured", "Holds"),
        [
            Beside(
                f"{one.what}, {one.listeners:,} {one.way}",
                one.predicted,
                one.measured,
                (
                    with_unit(one.predicted, one.unit),
                    with_unit(one.measured, one.unit),
                    "yes" if one.holds else "no",
                ),
                ink=1 if one.holds else 6,
            )
            for one in answer.witnesses
        ],
        (1.0 - OPTIMISTIC_MAX, 1.0 + APART_MAX),
    )


def _rests(answer: Answer) -> Iterator[str]:
    yield "<h2>What this rests on</h2>"
    yield table(
        ("Word", "Means"), [(one.value, about) for one, about in _BASES.items()], caption="Words"
    )
    costs = (
        "measured on" if answer.costs is Basis.MEASURED else "not measured for this; they are of"
    )
    yield f"<p>{escape(f'Costs were {costs} {answer.machine}.')}</p>"
    yield _items(answer.assumed)
    if answer.sources:
        yield f"<h3>Sources of the scenario</h3>{_items(answer.sources)}"
    yield "<h2>How each machine would be set</h2>"
    yield table(
        ("Setting", "Value"),
        list(answer.settings.items()),
        caption="What was simulated is what these make true; descriptors as the scenario says",
    )
    yield "<h2>How to run it again</h2>"
    yield f"<p><code>{escape(answer.again)}</code></p>"
    yield (
        f"<p>Seed {answer.seed}, Stentor {escape(answer.version)}. The same scenario, costs and"
        " seed give the same course, bit for bit; real listeners do not.</p>"
    )


def _items(texts: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in texts)}</ul>"


def _minutes(answer: Answer) -> str:
    step = max(1, -(-len(answer.minutes) // _ROWS_MAX))
    rows = [
        (
            clock(one.at_s),
            whole(one.listeners),
            whole(one.waiting),
            whole(one.came),
            whole(one.joined),
            whole(one.stalling),
            scaled(one.bits_per_s, "bit/s"),
            f"{one.cpu_worst:.0%}",
            f"{one.headroom:.0%}",
            "–" if one.first_audio_p95_s is None else f"{one.first_audio_p95_s:.2f}",
            one.step,
        )
        for one in answer.minutes[::step]
    ]
    head = ("At", "Listening", "Waiting", "Came", "Joined", "Silent", "Network", "CPU", "Headroom")
    return table(
        (*head, "Audio p95, s", "Step"),
        rows,
        numbers=range(1, 10),
        caption="Minutes, each at its worst second; who came and joined is in all",
    )


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s"
