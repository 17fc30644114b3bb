"""What an answer says in words, all of it made from figures. Decides none of them.

What was simulated is called simulated; nothing here may sound as if it had been tested.
"""

import math
from collections.abc import Iterator, Sequence

from stentor.charts.scale import figure
from stentor.rehearsal import found
from stentor.rehearsal.answer import Figure, Limit, Outcome, Promise, Witness
from stentor.simulate.fleet.course import Course

_SAID = {
    Outcome.HOLDS: "It would hold",
    Outcome.LINE: "It would hold, with a line",
    Outcome.FAILS: "It would not hold",
}

REFUTED = "Not to be relied on: real listeners do not bear this simulation out. It says: "

_CALLED = {
    "deliveries": "CPU for deliveries",
    "joins": "CPU for those who join",
    "cpu": "CPU",
    "descriptors": "number of descriptors",
}
_FEW = 0.001  # of all who come: such as those who come in the last second
_MANY = 2.0  # from three times on, a share says less than a multiple
_LESS = {
    "network": "joiners get a lower bitrate, then a place in line",
    "cpu": "joiners get slower lanes, and wait for their turn",
}


def sentence(course: Course, outcome: Outcome, first: Limit, figures: Sequence[Figure]) -> str:
    values = {one.name: one.value for one in figures}
    fleet = course.fleet
    p95 = found.quantile(course, "first_audio_s", 0.95)
    heard = "" if p95 is None else f"; 95 of 100 hear audio within {figure(p95)} s"
    never = course.counts.get("never_heard", 0)
    if never > _FEW * values["people"]:
        heard = f"; {whole(never)} never hear any{_of_the_rest(course, p95)}"
    wait = found.quantile(course, "wait_s", 0.95)
    line = (
        ""
        if wait is None or outcome is Outcome.HOLDS
        else f", up to {whole(values['waiting_peak'])} wait in line, 95 of 100 of them no"
        f" longer than {span(wait)}"
    )
    machines = counted(fleet.machines, "machine")
    return (
        f"{_SAID[outcome]}: simulated, {whole(values['people'])} people come,"
        f" {whole(values['listeners_peak'])} listen at once before {machines} of"
        f" {counted(fleet.cores, 'core')} and {fleet.network_gbit_per_s:g} Gbit/s{heard}{line}."
        f" {_first(first, values['listeners_peak'])} It sends at most"
        f" {scaled(values['bits_per_s'], 'bit/s')}, {scaled(values['bytes'], 'B')} in all, and"
        f" costs about {whole(values['cost'])} {course.scenario.prices.currency}."
    )


def _of_the_rest(course: Course, p95: float | None) -> str:
    """Say how the others fared; p95 is also of who had neither audio nor a place."""
    if p95 is None or course.counts.get("unheard", 0):
        return ""
    return f", of those who do not wait 95 of 100 within {figure(p95)} s"


def _first(first: Limit, peak: float) -> str:
    more = first.listeners / max(1.0, peak) - 1.0
    if more >= 0:
        told = f"{more:.0%} more than" if more < _MANY else f"{whole(more + 1)} times what"
        return (
            f"What runs out first is the {called(first.name)}, at {whole(first.listeners)} at once"
            f" ({told} listened)."
        )
    return (
        f"The {called(first.name)} is short from {whole(first.listeners)} at once on,"
        f" {-more:.0%} fewer than listened: beyond that"
        f" {_LESS.get(first.name, 'joiners stand in line')}."
    )


def called(thing: str) -> str:
    """Return what people call a thing that runs out; it takes a definite article."""
    return _CALLED.get(thing, thing)


def because(
    course: Course, kept: Sequence[Promise], refuted: str, machines_needed: int
) -> Iterator[str]:
    for one in kept:
        if not one.kept and one.found is not None:
            yield f"Not kept: {one.about} ({with_unit(one.found, one.unit)} found)."
    unheard, people = course.counts.get("unheard", 0), course.counts.get("people", 0)
    if unheard:
        yield (
            f"{whole(unheard)} of {whole(people)} who came had neither audio nor a place in line;"
            " they count with as long as they waited."
        )
    if refuted:
        yield refuted
    fleet, wanted = course.fleet, course.scenario.fleet
    if not wanted.machines and wanted.share < 1 and fleet.machines > machines_needed * wanted.share:
        share = fleet.machines / machines_needed
        if share >= (1 + wanted.share) / 2:
            yield (
                f"The fleet has {share:.0%} of what the plan asks for, not {wanted.share:.0%}:"
                f" each of its {fleet.regions} regions has a machine at least. Take more listeners."
            )
    if not course.calibration.measured:
        yield "Costs are those that come with the code, not of this machine."


def refutation(witnesses: Sequence[Witness]) -> str:
    wrong = sum(not one.holds for one in witnesses)
    if not wrong:
        return ""
    return f"The trials on this machine refute {wrong} of the simulation's predictions."


def assumed(course: Course) -> Iterator[str]:
    scenario, fleet, calibration = course.scenario, course.fleet, course.calibration
    staying = scenario.staying
    yield (
        "Every machine of the fleet costs for a listener what"
        f" {calibration.machine} did; more cores share the load evenly."
    )
    yield (
        f"{counted(fleet.machines, 'machine')} in {fleet.regions} regions, each with"
        f" {fleet.cores} cores for edges, {fleet.memory_gib:g} GiB and"
        f" {fleet.network_gbit_per_s:g} Gbit/s that nobody else uses; what is between machine"
        " and listener carries it."
    )
    yield (
        f"People stay {figure(staying.median_s)} s (median, log-normal, σ = {staying.sigma:g}),"
        f" wait {figure(staying.patience_s)} s in line (median), and {staying.returns:.0%} of those"
        " who are cut off come back."
    )
    yield (
        f"Those who come may take {fleet.join_share:.0%} of an edge's CPU from those who listen"
        " (STENTOR_EDGE_JOIN_SHARE)."
    )
    yield (
        f"{scenario.prices.machine_hour:g} {scenario.prices.currency} for an hour of a machine,"
        f" {scenario.prices.gigabyte:g} for a gigabyte sent."
    )
    for one in scenario.arrivals:
        about = f": {one.source}" if one.source else ""
        yield f"{one.share:.0%} of the people come as “{one.model}” describes{about}."


def sources(course: Course) -> tuple[str, ...]:
    scenario = course.scenario
    people = [one.source for one in scenario.arrivals if one.source]
    attacks = [one.source for one in scenario.attacks if one.source]
    return tuple(dict.fromkeys((*scenario.sources, *people, *attacks)))


def whole(value: float) -> str:
    """Return a count as people write it: no more digits than are known."""
    if abs(value) < 100 and value != int(value):
        return figure(value)
    if abs(value) < 10_000:
        return f"{value:,.0f}"
    size = 10 ** (math.floor(math.log10(abs(value))) - 2)
    return f"{round(value / size) * size:,.0f}"


def counted(n: int, what: str) -> str:
    """Return a number of things."""
    return f"{n:,} {what}{'s' * (n != 1)}"


def scaled(value: float, unit: str) -> str:
    """Return a large quantity with its prefix."""
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{figure(value / size)} {prefix}{unit}"
    return f"{figure(value)} {unit}"


def with_unit(value: float, unit: str) -> str:
    """Return a figure with its unit; a share, which has none, as a percentage."""
    if not unit:
        if abs(value) >= 10:
            return f"{value:,.0f} ×"
        digits = 0 if abs(value) >= 0.1 or not value else 1 if abs(value) >= 0.01 else 2
        return f"{value:.{digits}%}"
    return f"{whole(value) if value >= 10_000 else figure(value)} {unit}"


def span(seconds: float) -> str:
    """Return a stretch of time in the unit that fits."""
    if seconds < 120:
        return f"{figure(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{figure(seconds / 3600)} h"
