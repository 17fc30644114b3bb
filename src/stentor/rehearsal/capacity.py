"""Whether this machine can serve so many: CPU, network, descriptors, memory, disk.

The ceilings are the ladder's, the costs those of the last rehearsal, or the ones that come with
the code; every figure is for listeners who are all there at once. Looks at nothing itself.
"""

from math import ceil

from stentor.admission.ladder import (
    BITS_LOWER,
    DESCRIPTORS_LINE,
    LANE_CEILINGS,
    MEMORY_LINE,
)
from stentor.admission.lanes import LANE_PARTS, lane_for_period, period_s, target_s
from stentor.media.renditions import DEFAULT_RENDITION, RENDITIONS
from stentor.rehearsal.plan import delivery_s
from stentor.rehearsal.readiness import (
    DiskFacts,
    EdgeFacts,
    Expected,
    Item,
    NetworkFacts,
    Weight,
    Word,
)
from stentor.rehearsal.wording import scaled
from stentor.simulate.fleet.calibration import Calibration, Costs

COME_WITHIN_S = 120.0  # a crowd that knows the hour; who comes faster meets the line
LEDGER_EDGE_BYTES_PER_S = 100_000  # of one edge under a flood
DISK_SPARE = 1.2
_PROGRAMME_BITS = RENDITIONS[DEFAULT_RENDITION].bitrate
_RECORDING_BITS = sum(one.bitrate for one in RENDITIONS.values())
_CONTAINER = 1.05  # boxes and indexes around the audio


def costs_of(calibration: Calibration, edges: EdgeFacts) -> Costs:
    """Return what a listener costs the way that these edges are reached."""
    return calibration.tls if edges.tls else calibration.plain


def listeners_in_lane(calibration: Calibration, edges: EdgeFacts, parts: int) -> int:
    """Return how many the edges' CPU serves at once in a lane, up to the ladder's ceiling for it.

    As in the ladder, nothing slower needs the room that the slowest lane leaves.
    """
    slowest = parts == lane_for_period(edges.lane_ms_max)
    ceiling = LANE_CEILINGS[LANE_PARTS[-1] if slowest else parts]
    cores = min(edges.cores, edges.wanted)
    each_s = delivery_s(costs_of(calibration, edges), parts) / period_s(parts)
    return int(cores * ceiling / each_s)


def lane_for(calibration: Calibration, edges: EdgeFacts, listeners: int) -> int | None:
    """Return the fastest lane in which so many can be served, None if there is none."""
    first, last = lane_for_period(edges.lane_ms_min), lane_for_period(edges.lane_ms_max)
    lanes = [one for one in LANE_PARTS if first <= one <= max(first, last)]
    return next((n for n in lanes if listeners <= listeners_in_lane(calibration, edges, n)), None)


def check_cpu(calibration: Calibration, edges: EdgeFacts, expected: Expected) -> Item:
    """Say whether there are edges enough."""
    lane = lane_for(calibration, edges, expected.listeners)
    slowest = lane_for_period(edges.lane_ms_max)
    most = listeners_in_lane(calibration, edges, slowest)
    by = "as the rehearsal measured" if calibration.measured else "by costs not measured here"
    processes = f"{edges.wanted} edge process{'es' * (edges.wanted != 1)}"
    if lane is not None:
        how = f"{period_s(lane):g} s of audio at a time, up to {target_s(lane):.1f} s behind live"
        return Item(
            "edges", Word.YES, Weight.VITAL,
            f"{processes} on {edges.cores} cores serve {expected.listeners:,}, {how} ({by});"
            f" at most {most:,}.",
        )  # fmt: skip
    cores = min(edges.cores, edges.wanted)
    needed = ceil(expected.listeners / max(1, most) * cores)
    more = (
        f"Run {min(needed, edges.cores)} edge processes (STENTOR_EDGES)."
        if needed <= edges.cores
        else f"It takes {needed:,} cores with an edge process each; or expect a line at the door."
    )
    return Item(
        "edges", Word.NO, Weight.VITAL,
        f"{processes} on {edges.cores} cores serve {most:,} listeners at most ({by}).", more,
    )  # fmt: skip


def check_joins(calibration: Calibration, edges: EdgeFacts, expected: Expected) -> Item:
    """Say whether all can be let in as fast as a crowd comes to the hour."""
    cores = min(edges.cores, edges.wanted)
    per_s = cores * edges.join_share / costs_of(calibration, edges).join_s
    needed_s = expected.listeners / per_s
    told = f"The edges let in about {per_s:,.0f} a second: all of them in {needed_s:,.0f} s."
    if needed_s <= COME_WITHIN_S:
        return Item("joins", Word.YES, Weight.WARNING, told)
    return Item(
        "joins", Word.NO, Weight.WARNING, told,
        "Let people in early (STENTOR_DOORS_OPEN_S), or there will be a line at the hour.",
    )  # fmt: skip


def check_network(
    calibration: Calibration, edges: EdgeFacts, network: NetworkFacts, expected: Expected
) -> Item:
    """Say whether the network carries it."""
    bits = expected.listeners * _PROGRAMME_BITS * costs_of(calibration, edges).overhead
    needed = f"{expected.listeners:,} listeners take {scaled(bits, 'bit/s')}, packets included"
    if network.bits_per_s is None:
        return Item(
            "network", Word.UNKNOWN, Weight.VITAL,
            f"{needed}; what this machine may send is not known.",
            "Say what one edge process may send: STENTOR_EDGE_MEGABITS_MAX.",
        )  # fmt: skip
    has = f"{scaled(network.bits_per_s, 'bit/s')} by {network.said_by}"
    if bits <= network.bits_per_s * BITS_LOWER:
        return Item("network", Word.YES, Weight.VITAL, f"{needed}; there are {has}.")
    return Item(
        "network", Word.NO, Weight.VITAL,
        f"{needed}; there are {has}, of which {BITS_LOWER:.0%} may be used.",
        f"Take {ceil(bits / (network.bits_per_s * BITS_LOWER)):,} such machines, or a CDN.",
    )  # fmt: skip


def check_descriptors(edges: EdgeFacts, expected: Expected) -> Item:
    """Say whether the processes may have so many connections."""
    if edges.connections_each is None:
        return Item(
            "descriptors", Word.UNKNOWN, Weight.VITAL,
            "How many descriptors an edge may open could not be read.",
            "Run the pre-flight on the machine that the edges run on.",
        )  # fmt: skip
    each = min(int(edges.connections_each * DESCRIPTORS_LINE), edges.room_listeners_each)
    told = f"Each of {edges.wanted} edge processes takes {each:,} listeners of one room"
    if each * edges.wanted >= expected.listeners:
        return Item("descriptors", Word.YES, Weight.VITAL, f"{told}.")
    return Item(
        "descriptors", Word.NO, Weight.VITAL, f"{told}: {each * edges.wanted:,} in all.",
        f"Allow more open files (ulimit -n, or LimitNOFILE): {_each_needs(edges, expected):,} each,"
        " with STENTOR_EDGE_CONNECTIONS_MAX and STENTOR_EDGE_ROOM_LISTENERS_MAX not below that.",
    )  # fmt: skip


def _each_needs(edges: EdgeFacts, expected: Expected) -> int:
    return ceil(expected.listeners / edges.wanted / DESCRIPTORS_LINE) + 500


def check_memory(calibration: Calibration, edges: EdgeFacts, expected: Expected) -> Item:
    """Say whether memory lasts, the machine's and what each process may have."""
    listeners = expected.listeners * costs_of(calibration, edges).memory_bytes
    told = f"{expected.listeners:,} listeners take {scaled(listeners, 'B')} of memory"
    if edges.memory_free_bytes is None:
        return Item(
            "memory", Word.UNKNOWN, Weight.VITAL, f"{told}; how much is free is not known.",
            "Run the pre-flight where /proc/meminfo can be read.",
        )  # fmt: skip
    free = edges.memory_free_bytes * MEMORY_LINE
    told = f"{told}; {scaled(edges.memory_free_bytes, 'B')} are free"
    if listeners > free:
        return Item(
            "memory", Word.NO, Weight.VITAL, f"{told}.",
            f"It takes {scaled(listeners - free, 'B')} more, or more machines.",
        )  # fmt: skip
    each = listeners / edges.wanted + calibration.edge_bytes
    if edges.memory_each_bytes and each > edges.memory_each_bytes * MEMORY_LINE:
        return Item(
            "memory", Word.NO, Weight.VITAL,
            f"{told}, but one edge process may have {scaled(edges.memory_each_bytes, 'B')}.",
            f"Set STENTOR_EDGE_MEMORY_BYTES_MAX to {ceil(each / MEMORY_LINE):,}.",
        )  # fmt: skip
    return Item("memory", Word.YES, Weight.VITAL, f"{told}.")


def check_disk(disk: DiskFacts, edges: EdgeFacts, expected: Expected) -> Item:
    """Say whether recording and ledger fit."""
    recording = expected.lasts_s * _RECORDING_BITS / 8 * _CONTAINER
    flood = expected.lasts_s * LEDGER_EDGE_BYTES_PER_S * edges.wanted
    ledger = min(flood, max(0, disk.ledger_bytes_max - disk.ledger_bytes))
    needed = (recording + ledger) * DISK_SPARE
    told = (
        f"{expected.lasts_s / 3600:g} h take {scaled(recording, 'B')} of recording and up to"
        f" {scaled(ledger, 'B')} of ledger"
    )
    if disk.free_bytes is None:
        return Item(
            "disk", Word.UNKNOWN, Weight.VITAL, f"{told}; how much is free is not known.",
            "See whether the data folder can be reached.",
        )  # fmt: skip
    told = f"{told}; {scaled(disk.free_bytes, 'B')} are free."
    if needed <= disk.free_bytes:
        return Item("disk", Word.YES, Weight.VITAL, told)
    return Item(
        "disk", Word.NO, Weight.VITAL, told,
        f"Free {scaled(needed - disk.free_bytes, 'B')}, or set STENTOR_LEDGER_BYTES_MAX lower.",
    )  # fmt: skip
