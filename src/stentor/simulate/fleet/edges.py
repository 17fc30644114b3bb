"""The edges of a fleet as columns: who is on them by lane, what their work costs, what they have.

Costs are the calibration's; limits are the machine's, shared evenly by its edges. Decides nothing.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from stentor.admission.ladder import DESCRIPTORS_LINE
from stentor.admission.lanes import LANE_PARTS, lane_for_period, margin_parts, period_s
from stentor.admission.pace import ROOM_MAX
from stentor.base.errors import UsageError
from stentor.base.machine import DESCRIPTORS_RESERVED
from stentor.media.grid import PART_S
from stentor.simulate.fleet.calibration import Calibration, Costs
from stentor.simulate.fleet.limits import EDGES_MAX
from stentor.simulate.fleet.scenario import Fleet, Programme, Scenario
from stentor.simulate.fleet.wire import delivery

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LANES = len(LANE_PARTS)
PERIODS_S: Floats = np.array([period_s(parts) for parts in LANE_PARTS])
MARGINS_S: Floats = np.array([margin_parts(parts) * PART_S for parts in LANE_PARTS])
BURSTS_S: Floats = np.array([period_s(parts + margin_parts(parts)) for parts in LANE_PARTS])
UNMEASURED_PER_S = 1_000.0  # edge.door_limits
_GIB = float(1 << 30)
_CALIBRATED_BITS = 48_000.0  # the programme of `Costs.overhead`


def costs_of(programme: Programme, calibration: Calibration) -> Costs:
    """Return what holds for this programme."""
    return calibration.tls if programme.tls else calibration.plain


def delivery_costs_s(costs: Costs) -> Floats:
    """Return the cost of a delivery by lane: measured, or drawn between the lanes that were."""
    known = sorted(costs.delivery_s)
    return np.interp(LANE_PARTS, known, [costs.delivery_s[parts] for parts in known])


def wire_bits(bits_per_s: float, overhead: float) -> Floats:
    """Return the bits a second on the wire of one listener, by lane.

    The overhead of 48 kbit/s in the 0.96 s lane is the calibration's; how others differ from it is
    counted: a slower lane has fewer boxes, a lower bitrate as many for less.
    """
    counted = np.array([delivery(parts, bits_per_s).overhead for parts in LANE_PARTS])
    bits: Floats = bits_per_s * overhead * counted / delivery(3, _CALIBRATED_BITS).overhead
    return bits


def edges_per_machine(scenario: Scenario, fleet: Fleet, calibration: Calibration) -> int:
    """Return how many edge processes a machine runs: one a core, more if descriptors demand it.

    As many as hold the listeners whom its network, its CPU and its memory would bear.
    """
    if fleet.edges:
        return fleet.edges
    programme = scenario.programme
    costs = costs_of(programme, calibration)
    bits = float(wire_bits(programme.bits_per_s, costs.overhead)[-1])
    cpu_s = float(delivery_costs_s(costs)[-1] / PERIODS_S[-1])
    most = min(
        fleet.network_gbit_per_s * 1e9 / bits,
        fleet.cores / cpu_s,
        fleet.memory_gib * _GIB / costs.memory_bytes,
        scenario.event.listeners / max(1, fleet.machines),
    )
    usable = DESCRIPTORS_LINE * connections_of(fleet)
    return int(max(1, fleet.cores, ceil(most / usable)))


def connections_of(fleet: Fleet) -> int:
    """Return how many connections an edge may have: descriptors, less those for other things."""
    return max(16, fleet.descriptors_per_process - DESCRIPTORS_RESERVED)


@dataclass(slots=True)
class Edges:
    """All edges; those of machine m are rows `m * per_machine` and on. CPU is in cores."""

    per_machine: int
    machines: int
    region: NDArray[np.int64]  # of a machine
    costs: Costs
    delivery_s: Floats  # by lane
    bits: Floats  # on the wire of one listener, by lane
    lower_bits: Floats
    burst_bits: Floats  # that a joiner is given at once: bitrate (the lower one is 1) × lane
    edge_s: float
    edge_bytes: float
    share: float  # of a core, an edge's own
    join_share: float  # of that, for those who come
    per_s_max: float  # that an edge lets in; 0: what it can
    network_per_s: float  # places of a network at a machine's edges
    machine_cores: float
    descriptors: int  # of an edge
    memory_bytes: float  # of an edge
    machine_bits: float
    alive: NDArray[np.bool_]
    slow: Floats  # how many times as much everything costs
    present: Counts  # edge × lane
    present_lower: Counts  # edge × lane: of those, with the lower bitrate
    woken_s: Floats  # CPU seconds of waking up for somebody, in this second
    extra_s: Floats  # CPU seconds of others' work (notices, attackers) that came in this tick
    guests: Counts  # edge × lane: listeners who are none of the people (attackers)
    guests_bits: Floats  # that those were given at once, in this tick
    idle: Counts  # connections that only hold a descriptor
    left: Counts  # listeners, in this second
    others_asked: Counts  # in this second, who are none of the people
    # The ladder's, from its last look.
    lane: NDArray[np.uint8]
    present_parts: Counts  # `Decision.present_parts`
    lower: NDArray[np.bool_]
    wants_line: NDArray[np.bool_]
    pauses: NDArray[np.bool_]
    per_s: Floats
    room: Counts
    leaving_per_s: Floats
    step: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.alive)

    @property
    def listeners(self) -> Counts:
        """Return how many listen, by edge, guests included."""
        listeners: Counts = self.present.sum(axis=1) + self.guests.sum(axis=1)
        return listeners

    def by_machine(self) -> Counts:
        """Return how many listen to each machine."""
        listeners: Counts = self.listeners.reshape(self.machines, -1).sum(axis=1)
        return listeners

    def machine(self, edges: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the machines of edges."""
        return edges.astype(np.int64) // self.per_machine

    def hold(
        self,
        edges: NDArray[np.integer],
        lanes: NDArray[np.uint8],
        lower: NDArray[np.bool_],
        sign: int,
    ) -> None:
        """Count listeners who come to (`sign` 1) or go from (-1) edges' lanes."""
        at = edges.astype(np.int64) * LANES + lanes
        size = self.present.size
        self.present += sign * np.bincount(at, minlength=size).reshape(self.present.shape)
        if lower.any():
            some = np.bincount(at[lower], minlength=size).reshape(self.present.shape)
            self.present_lower += sign * some


def make_edges(scenario: Scenario, fleet: Fleet, calibration: Calibration) -> Edges:
    """Return a fleet with nobody there; raises `UsageError` if it has no machine, or too many."""
    if fleet.machines < 1:
        raise UsageError("The fleet has no machines: say how many, or let the plan find them.")
    programme = scenario.programme
    costs = costs_of(programme, calibration)
    per_machine = edges_per_machine(scenario, fleet, calibration)
    n = per_machine * fleet.machines
    if n > EDGES_MAX:
        raise UsageError(f"The fleet has {n:,} edge processes: {EDGES_MAX:,} is the most.")
    fastest = LANE_PARTS.index(lane_for_period(programme.lane_ms_min))
    memory = fleet.memory_gib * _GIB / per_machine
    return Edges(
        per_machine=per_machine,
        machines=fleet.machines,
        region=np.arange(fleet.machines, dtype=np.int64) % fleet.regions,
        costs=costs,
        delivery_s=delivery_costs_s(costs),
        bits=wire_bits(programme.bits_per_s, costs.overhead),
        lower_bits=wire_bits(programme.lower_bits_per_s, costs.overhead),
        burst_bits=np.outer(
            (programme.bits_per_s, programme.lower_bits_per_s), BURSTS_S * costs.overhead
        ),
        edge_s=calibration.edge_s,
        edge_bytes=calibration.edge_bytes,
        share=min(1.0, fleet.cores / per_machine),
        join_share=fleet.join_share,
        per_s_max=fleet.admissions_per_s_max,
        network_per_s=fleet.door_network_per_s,
        machine_cores=float(fleet.cores),
        descriptors=connections_of(fleet),
        memory_bytes=memory,
        machine_bits=fleet.network_gbit_per_s * 1e9,
        alive=np.ones(n, np.bool_),
        slow=np.ones(n),
        present=np.zeros((n, LANES), np.int64),
        present_lower=np.zeros((n, LANES), np.int64),
        woken_s=np.zeros(n),
        extra_s=np.zeros(n),
        guests=np.zeros((n, LANES), np.int64),
        guests_bits=np.zeros(n),
        idle=np.zeros(n, np.int64),
        left=np.zeros(n, np.int64),
        others_asked=np.zeros(n, np.int64),
        lane=np.full(n, fastest, np.uint8),
        present_parts=np.ones(n, np.int64),
        lower=np.zeros(n, np.bool_),
        wants_line=np.full(n, fleet.admissions_per_s_max > 0, np.bool_),
        pauses=np.zeros(n, np.bool_),
        per_s=np.full(n, fleet.admissions_per_s_max or UNMEASURED_PER_S),
        room=np.full(n, ROOM_MAX, np.int64),
        leaving_per_s=np.zeros(n),
        step=np.zeros(n, np.int64),
    )
