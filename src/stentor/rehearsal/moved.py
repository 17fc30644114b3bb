"""What each further part would move: the plan once more, with one thing changed.

Nothing is estimated here: how many a fleet carries and how many machines a crowd needs are the
plan's own arithmetic on the changed scenario. A TLS front's own machines are not in it.
"""

from collections.abc import Iterator
from math import ceil

from msgspec.structs import replace

from stentor.admission.lanes import LANE_PARTS, lane_for_period, period_s, target_s
from stentor.rehearsal.answer import LaneNeed, Sensitivity
from stentor.rehearsal.demand import demand
from stentor.rehearsal.plan import Part, lost_at_once, make_plan, parts_needed
from stentor.simulate.fleet.calibration import Calibration
from stentor.simulate.fleet.edges import costs_of
from stentor.simulate.fleet.scenario import Scenario

_INTERFACES = (0.1, 1.0, 2.5, 5.0, 10.0, 25.0, 40.0, 50.0, 100.0, 200.0, 400.0, 800.0)  # Gbit/s
_MORE_MACHINES = 0.1
_JOIN_SHARE_MAX = 0.9  # deliveries come first, but an edge has other things to do as well


def carried(scenario: Scenario, calibration: Calibration, machines: int) -> tuple[int, str]:
    """Return how many listeners at once so many machines carry, and what would run out first.

    The crowd grows as a whole: who comes a second and who listens by the same factor. After the
    scenario's faults what is left of the machines has to do. The region with fewest decides.
    """
    capacities = by_part(scenario, calibration, machines)
    name = min(capacities, key=lambda one: (capacities[one], one))
    return capacities[name], name


def by_part(scenario: Scenario, calibration: Calibration, machines: int) -> dict[str, int]:
    """Return how many listeners at once each thing would carry if it alone ran out.

    Attackers' CPU time is taken, as if nothing kept them out; they grow with the crowd too.
    """
    asked = demand(scenario)
    lane = lane_for_period(scenario.programme.lane_ms_max)
    lost = lost_at_once(scenario)
    regions = scenario.fleet.regions
    even = regions * (machines // regions) or machines  # people come to their own region
    left = even * (1.0 - lost)

    def listeners(part: Part) -> int:
        return int(left * part.per_machine / max(1e-9, part.needed) * asked.peak)

    parts = parts_needed(scenario, calibration, asked, lane, lost, attacked=True)
    return {part.name: listeners(part) for part in parts}


def sensitivities(
    scenario: Scenario, calibration: Calibration, machines: int
) -> tuple[Sensitivity, ...]:
    """Return each change with what it moves, the one that moves most first."""
    now, _ = carried(scenario, calibration, machines)
    found = []
    for change, changed, known, there in changes(scenario, calibration, machines):
        listeners, binds = carried(changed, known, there)
        plan = make_plan(changed, known)
        moved = listeners / max(1, now) - 1.0
        found.append(Sensitivity(change, listeners, moved, binds, plan.machines, plan.cost))
    return tuple(sorted(found, key=lambda one: (-one.moved, one.change)))


def lane_needs(scenario: Scenario, calibration: Calibration) -> tuple[LaneNeed, ...]:
    """Return what the crowd needs by the slowest lane that anybody is in, the fastest first.

    Latency is what capacity is bought with: each lane is a price.
    """
    programme = scenario.programme
    fastest = lane_for_period(programme.lane_ms_min)
    found = []
    for parts in (one for one in LANE_PARTS if one >= fastest):
        changed = replace(
            scenario, programme=replace(programme, lane_ms_max=round(period_s(parts) * 1000))
        )
        plan = make_plan(changed, calibration)
        cores = next(part.needed for part in plan.parts if part.name == "cpu")
        found.append(LaneNeed(period_s(parts), target_s(parts), plan.machines, cores, plan.binds))
    return tuple(found)


def changes(
    scenario: Scenario, calibration: Calibration, machines: int
) -> Iterator[tuple[str, Scenario, Calibration, int]]:
    """Yield each change by name, with the scenario, costs and machines that it makes."""
    fleet, programme = scenario.fleet, scenario.programme

    def with_fleet(**parts: float) -> Scenario:
        return replace(scenario, fleet=replace(fleet, **parts))

    def with_programme(**parts: float) -> Scenario:
        return replace(scenario, programme=replace(programme, **parts))

    more = fleet.regions * max(1, ceil(machines * _MORE_MACHINES / fleet.regions))
    yield f"{more:,} more machine{'s' * (more > 1)}", scenario, calibration, machines + more
    yield "one more core each", with_fleet(cores=fleet.cores + 1), calibration, machines
    twice = 2 * fleet.memory_gib
    yield f"{twice:g} GiB of memory each", with_fleet(memory_gib=twice), calibration, machines
    faster = [one for one in _INTERFACES if one > fleet.network_gbit_per_s]
    if faster:
        changed = with_fleet(network_gbit_per_s=faster[0])
        yield f"an interface of {faster[0]:g} Gbit/s", changed, calibration, machines
    more_share = min(_JOIN_SHARE_MAX, 1.5 * fleet.join_share)
    if more_share > fleet.join_share:
        change = f"{more_share:.0%} of the CPU for those who come, not {fleet.join_share:.0%}"
        yield change, with_fleet(join_share=more_share), calibration, machines
    if fleet.admissions_per_s_max:
        yield (
            "no fixed pace at the door",
            with_fleet(admissions_per_s_max=0.0),
            calibration,
            machines,
        )
    if programme.tls:
        yield "TLS ended by a front", with_programme(tls=False), calibration, machines
    if programme.lower_bits_per_s < programme.bits_per_s:
        lower = programme.lower_bits_per_s
        changed = with_programme(bits_per_s=lower)
        change = f"{lower / 1000:g} instead of {programme.bits_per_s / 1000:g} kbit/s"
        yield change, changed, calibration, machines
    slowest = lane_for_period(programme.lane_ms_max)
    fastest = lane_for_period(programme.lane_ms_min)
    for parts in LANE_PARTS:
        if fastest <= parts != slowest:
            changed = with_programme(lane_ms_max=round(period_s(parts) * 1000))
            word = "no slower lane than" if parts < slowest else "a slower lane:"
            yield f"{word} {period_s(parts):g} s", changed, calibration, machines
    way = "tls" if programme.tls else "plain"
    dearer = replace(calibration, **{way: costs_of(programme, calibration).times(1.5)})
    yield "costs half as much again as calibrated", scenario, dearer, machines
