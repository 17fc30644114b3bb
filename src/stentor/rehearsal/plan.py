"""How many machines a scenario needs, by each thing that they could run out of, and which binds.

The ceilings are the ladder's own: a machine counts as full where the edge would put joiners into a
lower bitrate or a line. Arithmetic on expected demand and on costs; what a crowd really meets on
such a fleet is the simulation's answer, not this one's.
"""

from math import ceil

import msgspec
import numpy as np

from stentor.admission.ladder import (
    BITS_LOWER,
    DESCRIPTORS_LINE,
    LANE_CEILINGS,
    MEMORY_LINE,
)
from stentor.admission.lanes import LANE_PARTS, lane_for_period, margin_parts, period_s
from stentor.rehearsal.demand import Demand, Floats, demand, smoothed
from stentor.simulate.fleet.bots import ACTS, costs_s, rates
from stentor.simulate.fleet.calibration import Calibration, Costs
from stentor.simulate.fleet.edges import (
    connections_of,
    costs_of,
    delivery_costs_s,
    edges_per_machine,
    wire_bits,
)
from stentor.simulate.fleet.scenario import Fleet, Scenario

CPU_CEILING = 0.95  # deliveries, joins and the processes themselves together
RETURNS_WITHIN_S = 30.0  # who is cut off by a fault is to be back: a player's buffer and patience
_GIB = float(1 << 30)
_LOST = ("edges-lost", "region-lost")


class Part(msgspec.Struct, frozen=True):
    """One thing that a fleet can run out of. `needed` is of the whole fleet at its worst second."""

    name: str  # deliveries, joins, cpu, network, memory
    unit: str
    needed: float
    per_machine: float  # what one machine may give, at the ceiling
    ceiling: float  # share of what the machine has
    machines: int
    at_s: float


class Plan(msgspec.Struct, frozen=True):
    """What a scenario needs of one kind of machine, in one lane."""

    lane_parts: int
    peak: int  # listeners at once
    peak_per_s: int  # who come a second, as a mean over three
    parts: tuple[Part, ...]  # the one that binds first
    lost: float  # share of the machines that the scenario's faults take at once
    machines: int  # with those lost
    attacked_machines: int  # were attackers' CPU time to be had too; the same without attacks
    processes_per_machine: int
    bits_per_s: float  # of the fleet on the wire, at the worst second
    bytes_sent: float
    machine_hours: float
    cost: float
    currency: str

    @property
    def binds(self) -> str:
        """The name of what decides how many machines are needed."""
        return self.parts[0].name

    @property
    def processes(self) -> int:
        """Edge processes of the whole fleet."""
        return self.machines * self.processes_per_machine


def make_plan(
    scenario: Scenario,
    calibration: Calibration,
    asked: Demand | None = None,
    lane_parts: int | None = None,
) -> Plan:
    """Return the fleet needed if all listen in one lane: the slowest that the scenario allows."""
    asked = asked or demand(scenario)
    lane = lane_parts or lane_for_period(scenario.programme.lane_ms_max)
    lost = lost_at_once(scenario)
    parts = parts_needed(scenario, calibration, asked, lane, lost)
    machines = _with_lost(scenario, parts, lost)
    attacked = parts
    if scenario.attacks:
        attacked = parts_needed(scenario, calibration, asked, lane, lost, attacked=True)
    per_machine = edges_per_machine(
        scenario, msgspec.structs.replace(scenario.fleet, machines=machines), calibration
    )
    on_wire = bits_per_s(scenario, calibration, asked, lane, lost)
    sent = float(on_wire.sum()) / 8
    hours = machines * scenario.event.lasts_s / 3600
    prices = scenario.prices
    return Plan(
        lane_parts=lane,
        peak=ceil(asked.peak - 1e-6),
        peak_per_s=ceil(asked.peak_per_s - 1e-6),
        parts=parts,
        lost=lost,
        machines=machines,
        attacked_machines=_with_lost(scenario, attacked, lost),
        processes_per_machine=per_machine,
        bits_per_s=float(on_wire.max(initial=0.0)),
        bytes_sent=sent,
        machine_hours=hours,
        cost=hours * prices.machine_hour + sent / 1e9 * prices.gigabyte,
        currency=prices.currency,
    )


def _with_lost(scenario: Scenario, parts: tuple[Part, ...], lost: float) -> int:
    machines = max(1, ceil(parts[0].machines / (1.0 - lost) - 1e-9))
    regions = scenario.fleet.regions  # as many in each: as many people come from each
    return regions * ceil(machines / regions)


def planned_fleet(scenario: Scenario, plan: Plan) -> Fleet:
    """Return the scenario's fleet with its machines filled in: those stated, or those needed."""
    fleet = scenario.fleet
    machines = fleet.machines or max(fleet.regions, ceil(plan.machines * fleet.share - 1e-9))
    return msgspec.structs.replace(fleet, machines=machines)


def delivery_s(known: Costs, parts: int) -> float:
    """Return the cost of a delivery in a lane: measured, or drawn between the lanes that were."""
    return float(delivery_costs_s(known)[LANE_PARTS.index(parts)])


def lost_at_once(scenario: Scenario) -> float:
    """Return the greatest share of the machines that a fault takes; at most all but one region."""
    shares = [
        1.0 / max(1, scenario.fleet.regions) if one.kind == "region-lost" else one.share
        for one in scenario.faults
        if one.kind in _LOST
    ]
    return min(0.9, max(shares, default=0.0))


def bits_per_s(
    scenario: Scenario, calibration: Calibration, asked: Demand, lane: int, lost: float = 0.0
) -> Floats:
    """Return the bits a second on the wire: the programme, and what joiners are given at once."""
    burst_s = period_s(lane + margin_parts(lane))
    joins = smoothed(asked.comes_per_s) + _returns_per_s(scenario, asked, lost)
    listening = asked.listening + joins * (asked.listening > 0) * burst_s
    known = costs_of(scenario.programme, calibration)
    each = wire_bits(scenario.programme.bits_per_s, known.overhead)[LANE_PARTS.index(lane)]
    return listening * float(each)


def parts_needed(
    scenario: Scenario,
    calibration: Calibration,
    asked: Demand,
    lane: int,
    lost: float = 0.0,
    *,
    attacked: bool = False,
) -> tuple[Part, ...]:
    """Return what is needed of each thing, the scarcest first. Machines are those that survive.

    `attacked`: with the CPU time of all attackers, as if no ban kept any of them out.
    """
    fleet, known = scenario.fleet, costs_of(scenario.programme, calibration)
    delivering = asked.listening / period_s(lane) * delivery_s(known, lane)
    returning = _returns_per_s(scenario, asked, lost)
    joining = (smoothed(asked.comes_per_s) + returning) * known.join_s
    if attacked:
        joining = joining + attackers_cores(scenario, known, len(joining))
    processes = fleet.edges or fleet.cores
    cores = min(fleet.cores, processes)  # a process has no more than one
    idle = processes * calibration.edge_s
    joins = cores * fleet.join_share
    if fleet.admissions_per_s_max:
        joins = min(joins, processes * fleet.admissions_per_s_max * known.join_s)
    each = known.memory_bytes + calibration.edge_bytes / (DESCRIPTORS_LINE * connections_of(fleet))
    slowest = lane == lane_for_period(scenario.programme.lane_ms_max)
    lane_ceiling = LANE_CEILINGS[LANE_PARTS[-1] if slowest else lane]  # as the ladder has it
    memory = fleet.memory_gib * _GIB * MEMORY_LINE - processes * calibration.edge_bytes
    network = fleet.network_gbit_per_s * 1e9
    wire = bits_per_s(scenario, calibration, asked, lane, lost)
    found = [
        _part("deliveries", "cores", delivering, cores * lane_ceiling, lane_ceiling),
        _part("joins", "cores", joining, joins, joins / fleet.cores),
        _part("cpu", "cores", delivering + joining, cores * CPU_CEILING - idle, CPU_CEILING),
        _part("network", "bit/s", wire, network * BITS_LOWER, BITS_LOWER),
        _part("memory", "bytes", asked.present * each, memory, MEMORY_LINE),
    ]
    return tuple(sorted(found, key=lambda one: (-one.needed / one.per_machine, one.name)))


def attackers_cores(scenario: Scenario, known: Costs, seconds: int) -> Floats:
    """Return the cores that attackers take by the second if they are told what people are."""
    cores = np.zeros(seconds)
    for one in scenario.attacks:
        cores += rates(one, seconds) * costs_s(known, ACTS[one.family])
    return cores


def _part(name: str, unit: str, course: Floats, per_machine: float, ceiling: float) -> Part:
    at = int(np.argmax(course)) if len(course) else 0
    needed = float(course[at]) if len(course) else 0.0
    per_machine = max(per_machine, 1e-9)
    machines = max(1, ceil(needed / per_machine - 1e-9))
    return Part(name, unit, needed, per_machine, ceiling, machines, float(at))


def _returns_per_s(scenario: Scenario, asked: Demand, lost: float) -> Floats:
    """Return who comes back a second, after faults that cut people off."""
    returning = np.zeros(len(asked.present))
    for one in scenario.faults:
        share = lost if one.kind in _LOST else one.share if one.kind == "cut" else 0.0
        first = int(one.at_s)
        if not share or first >= len(returning):
            continue
        back = asked.present[first] * share * scenario.staying.returns / RETURNS_WITHIN_S
        returning[first : first + int(RETURNS_WITHIN_S)] += back
    return returning
