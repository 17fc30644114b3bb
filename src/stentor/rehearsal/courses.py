"""The charts over time of an answer's page, from the course: what the fleet and its people met."""

from collections.abc import Iterator

import numpy as np

from stentor.admission.ladder import BITS_LINE, MEMORY_LINE
from stentor.admission.lanes import LANE_PARTS, period_s
from stentor.charts.frame import Moment, Span
from stentor.charts.stacked import Stacked
from stentor.charts.timeline import Series, Timeline
from stentor.rehearsal.found import FIRST_AUDIO_S, STEPS, course_of, headroom
from stentor.simulate.fleet.course import Course, Floats

_FAULT_INKS, _ATTACK_INK = (5, 4, 3, 2), 6
_FAULTS = {
    "edges-lost": "edges are lost",
    "region-lost": "a region is lost",
    "control-dead": "control is dead",
    "cut": "listeners are cut off",
    "exit": "listeners leave",
    "slow": "all is slower",
}
_AT_ONCE = ("cut", "exit")  # nothing to shade: they are over when they begin


def spans(course: Course) -> tuple[Span, ...]:
    """Return what went wrong and who attacked, as stretches of time."""
    scenario = course.scenario
    last_s = scenario.event.lasts_s
    faults = [
        Span(
            one.at_s,
            one.at_s + one.for_s if one.for_s else last_s,
            _FAULTS.get(one.kind, one.kind),
            _FAULT_INKS[n % len(_FAULT_INKS)],
        )
        for n, one in enumerate(scenario.faults)
        if one.kind not in _AT_ONCE
    ]
    attacks = [
        Span(one.from_s, one.from_s + one.for_s, f"attack: {one.family}", _ATTACK_INK)
        for one in scenario.attacks
    ]
    return tuple(faults + attacks)


def moments(course: Course) -> tuple[Moment, ...]:
    """Return the hour, the end, and faults that are over at once."""
    event, faults = course.scenario.event, course.scenario.faults
    found = [Moment(event.hour_s, "the hour")]
    if event.ends_s is not None:
        found.append(Moment(event.ends_s, "it ends"))
    found += [Moment(one.at_s, _FAULTS[one.kind]) for one in faults if one.kind in _AT_ONCE]
    return tuple(found)


def charts(course: Course) -> Iterator[str]:
    """Return the charts as HTML, in the order in which people would ask."""
    drawn = _Drawn(course)
    yield from _of_people(drawn)
    yield from _of_delivery(drawn)
    yield from _of_machines(drawn)
    yield from _of_what_is_left(drawn)


class _Drawn:
    """A course that charts are drawn of, with what all of them show."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.seconds = [float(at) for at in range(len(course.lanes))]
        self.shaded = spans(course)
        self.marked = moments(course)

    def values(self, name: str, scale: float = 1.0) -> list[float]:
        return _list(course_of(self.course, name) * scale)

    def series(
        self, title: str, name: str, ink: int, scale: float = 1.0, *, filled: bool = False,
        dashed: bool = False,
    ) -> Series:  # fmt: skip
        values = self.values(name, scale)
        return Series(title, self.seconds, values, ink, filled=filled, dashed=dashed)

    def at_all(self, title: str, level: float) -> Series:
        ends = self.seconds[:1] + self.seconds[-1:]
        return Series(title, ends, [level, level], 4, dashed=True)

    def chart(self, title: str, unit: str, *series: Series, most: float | None = None) -> str:
        if most is not None:
            most = max(most, *(value for one in series for value in one.values))
        return Timeline(title, unit, series, self.shaded, self.marked, most).html()

    def minutes(
        self, name: str, title: str, limit: float | None = None, unit: str = "seconds"
    ) -> Iterator[str]:
        found = self.course.percentiles.get(name)
        if found is None or not len(found):
            return
        rows = np.asarray(found, dtype=np.float64)
        at = [60.0 * n + 30.0 for n in range(len(rows))]
        series = [
            Series("half of all", at, _list(rows[:, 0]), 1),
            Series("95 of 100", at, _list(rows[:, 1]), 2),
        ]
        ends = (0.0, float(max(1, len(self.course.lanes) - 1)))
        if limit is not None:
            series.append(Series("promised to 95 of 100", ends, [limit, limit], 4, dashed=True))
        yield Timeline(
            title,
            f"{unit}, by the minute",
            series,
            self.shaded,
            self.marked,
            first_s=ends[0],
            last_s=ends[1],
        ).html()


def _of_people(drawn: _Drawn) -> Iterator[str]:
    yield drawn.chart(
        "Listening and waiting",
        "people at once",
        drawn.series("listening", "listeners", 1, filled=True),
        drawn.series("waiting in line", "waiting", 2),
    )
    let_in = _list(course_of(drawn.course, "joined") + course_of(drawn.course, "returned"))
    yield drawn.chart(
        "Who came",
        "people a second",
        drawn.series("came", "came", 5),
        Series("let in, for the first time or again", drawn.seconds, let_in, 1),
        drawn.series("told a place in line", "told", 2),
        drawn.series("gave up", "gave_up", 6, dashed=True),
    )
    if drawn.course.scenario.attacks:
        yield drawn.chart(
            "Attackers",
            "acts a second",
            drawn.series("acts", "bots", 6),
            drawn.series("networks banned", "banned", 4, dashed=True),
        )
    yield from drawn.minutes("first_audio_s", "From coming to audio", FIRST_AUDIO_S)
    yield from drawn.minutes("ahead", "Place in line, when one was told it", unit="people ahead")
    yield from drawn.minutes("wait_s", "In line, of those who were let in")


def _of_delivery(drawn: _Drawn) -> Iterator[str]:
    yield Stacked(
        "Listeners by lane",
        "people at once; the slower the lane, the further behind live",
        drawn.seconds,
        [
            (f"{period_s(parts):g} s", _list(drawn.course.lanes[:, n].astype(np.float64)))
            for n, parts in enumerate(LANE_PARTS)
        ],
        drawn.shaded,
        drawn.marked,
    ).html()
    yield from drawn.minutes("behind_s", "Behind live")
    yield drawn.chart(
        "The ladder",
        f"step: {', '.join(f'{n} {name}' for n, name in enumerate(STEPS))}",
        drawn.series("half of the edges", "step_median", 1),
        drawn.series("the worst edge", "step_worst", 6, dashed=True),
        most=float(len(STEPS) - 1),
    )


def _of_machines(drawn: _Drawn) -> Iterator[str]:
    yield drawn.chart(
        "CPU",
        "% of what edges have",
        drawn.series("all edges", "cpu", 1, 100, filled=True),
        drawn.series("of it, deliveries", "deliveries_cpu", 3, 100),
        drawn.series("the fullest edge", "cpu_worst", 6, 100, dashed=True),
        most=100.0,
    )
    has = drawn.course.fleet.machines * drawn.course.fleet.network_gbit_per_s
    yield drawn.chart(
        "Network",
        "Gbit/s on the wire, all machines",
        drawn.series("sent", "bits_per_s", 1, 1e-9, filled=True),
        drawn.at_all("joiners are put in line from here on", has * BITS_LINE),
    )
    yield drawn.chart(
        "The fullest machine",
        "% of what it has",
        drawn.series("network", "network_worst", 1, 100),
        drawn.series("memory", "memory_worst", 3, 100),
        drawn.series("descriptors", "descriptors_worst", 2, 100),
        drawn.at_all("joiners are put in line from here on", 100 * MEMORY_LINE),
        most=100.0,
    )


def _of_what_is_left(drawn: _Drawn) -> Iterator[str]:
    left = _list(np.maximum(0.0, headroom(drawn.course)) * 100)
    yield drawn.chart(
        "Headroom",
        "% left of whatever is scarcest, up to the ladder's ceilings",
        Series("headroom", drawn.seconds, left, 3, filled=True),
        most=100.0,
    )
    yield drawn.chart(
        "Silence",
        "listeners whose buffer is dry",
        drawn.series("without audio", "stalling", 6, filled=True),
        drawn.series("cut off", "cut", 4, dashed=True),
    )
    yield drawn.chart("Edges", "processes alive", drawn.series("alive", "edges", 3, filled=True))


def _list(values: Floats) -> list[float]:
    return [float(one) for one in values]
