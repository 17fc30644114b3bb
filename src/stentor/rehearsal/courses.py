"""The charts over time of an answer's page, from the course: what the fleet and its people met."""

from collections.abc import Iterator, Sequence

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
    seconds = [float(at) for at in range(len(course.lanes))]
    shaded, marked = spans(course), moments(course)

    def values(name: str, scale: float = 1.0) -> list[float]:
        return _list(course_of(course, name) * scale)

    def chart(title: str, unit: str, *series: Series, most: float | None = None) -> str:
        if most is not None:
            most = max(most, *(value for one in series for value in one.values))
        return Timeline(title, unit, series, shaded, marked, most).html()

    def at_all(name: str, level: float) -> Series:
        return Series(name, seconds[:1] + seconds[-1:], [level, level], 4, dashed=True)

    yield chart(
        "Listening and waiting",
        "people at once",
        Series("listening", seconds, values("listeners"), 1, filled=True),
        Series("waiting in line", seconds, values("waiting"), 2),
    )
    returned = course_of(course, "returned")
    yield chart(
        "Who came",
        "people a second",
        Series("came", seconds, values("came"), 5),
        Series("let in, for the first time or again", seconds,
               _list(course_of(course, "joined") + returned), 1),
        Series("told a place in line", seconds, values("told"), 2),
        Series("gave up", seconds, values("gave_up"), 6, dashed=True),
    )  # fmt: skip
    if course.scenario.attacks:
        yield chart(
            "Attackers",
            "acts a second",
            Series("acts", seconds, values("bots"), 6),
            Series("networks banned", seconds, values("banned"), 4, dashed=True),
        )
    yield from _of_minutes(
        course, "first_audio_s", "From coming to audio", shaded, marked, FIRST_AUDIO_S
    )
    yield from _of_minutes(
        course, "ahead", "Place in line, when one was told it", shaded, marked, unit="people ahead"
    )
    yield from _of_minutes(course, "wait_s", "In line, of those who were let in", shaded, marked)
    yield Stacked(
        "Listeners by lane",
        "people at once; the slower the lane, the further behind live",
        seconds,
        [
            (f"{period_s(parts):g} s", _list(course.lanes[:, n].astype(np.float64)))
            for n, parts in enumerate(LANE_PARTS)
        ],
        shaded,
        marked,
    ).html()
    yield from _of_minutes(course, "behind_s", "Behind live", shaded, marked)
    yield chart(
        "The ladder",
        f"step: {', '.join(f'{n} {name}' for n, name in enumerate(STEPS))}",
        Series("half of the edges", seconds, values("step_median"), 1),
        Series("the worst edge", seconds, values("step_worst"), 6, dashed=True),
        most=float(len(STEPS) - 1),
    )
    yield chart(
        "CPU",
        "% of what edges have",
        Series("all edges", seconds, values("cpu", 100), 1, filled=True),
        Series("of it, deliveries", seconds, values("deliveries_cpu", 100), 3),
        Series("the fullest edge", seconds, values("cpu_worst", 100), 6, dashed=True),
        most=100.0,
    )
    has = course.fleet.machines * course.fleet.network_gbit_per_s
    yield chart(
        "Network",
        "Gbit/s on the wire, all machines",
        Series("sent", seconds, values("bits_per_s", 1e-9), 1, filled=True),
        at_all("joiners are put in line from here on", has * BITS_LINE),
    )
    yield chart(
        "The fullest machine",
        "% of what it has",
        Series("network", seconds, values("network_worst", 100), 1),
        Series("memory", seconds, values("memory_worst", 100), 3),
        Series("descriptors", seconds, values("descriptors_worst", 100), 2),
        at_all("joiners are put in line from here on", 100 * MEMORY_LINE),
        most=100.0,
    )
    yield chart(
        "Headroom",
        "% left of whatever is scarcest, up to the ladder's ceilings",
        Series("headroom", seconds, _list(np.maximum(0.0, headroom(course)) * 100), 3, filled=True),
        most=100.0,
    )
    yield chart(
        "Silence",
        "listeners whose buffer is dry",
        Series("without audio", seconds, values("stalling"), 6, filled=True),
        Series("cut off", seconds, values("cut"), 4, dashed=True),
    )
    yield chart(
        "Edges",
        "processes alive",
        Series("alive", seconds, values("edges"), 3, filled=True),
    )


def _of_minutes(
    course: Course,
    name: str,
    title: str,
    shaded: Sequence[Span],
    marked: Sequence[Moment],
    limit: float | None = None,
    unit: str = "seconds",
) -> Iterator[str]:
    found = course.percentiles.get(name)
    if found is None or not len(found):
        return
    rows = np.asarray(found, dtype=np.float64)
    at = [60.0 * n + 30.0 for n in range(len(rows))]
    series = [
        Series("half of all", at, _list(rows[:, 0]), 1),
        Series("95 of 100", at, _list(rows[:, 1]), 2),
    ]
    ends = (0.0, float(max(1, len(course.lanes) - 1)))
    if limit is not None:
        series.append(Series("promised to 95 of 100", ends, [limit, limit], 4, dashed=True))
    yield Timeline(
        title, f"{unit}, by the minute", series, shaded, marked, first_s=ends[0], last_s=ends[1]
    ).html()


def _list(values: Floats) -> list[float]:
    return [float(one) for one in values]
