"""Takes stock each second: who stalls, and how edges, networks and lines stand.

Changes nothing but how long each listener has stalled. Decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.delivering import Delivering
from stentor.simulate.fleet.edges import MARGINS_S
from stentor.simulate.fleet.scene import Scene

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def stall(scene: Scene, delivering: Delivering) -> None:
    """See whose buffer is dry: a delivery was later than what they had in hand.

    Who has stalled plays that much later, so the same lateness stalls nobody twice. What a network
    beyond its limit never sends is missed by all.
    """
    late_s = delivering.late_s
    dry = late_s > MARGINS_S[0]
    if not dry.any():
        return
    people = scene.people
    rows = scene.listening(dry)
    at = people.edge[rows]
    over_s = (late_s[at] - MARGINS_S[people.lane[rows]]).astype(np.float32)
    missed = delivering.missed[at].astype(np.float32)
    stalling = (over_s > people.stalled_s[rows]) | (missed > 0)
    people.stalled_s[rows] = np.maximum(people.stalled_s[rows], over_s) + missed
    scene.counting.seconds["stalling"][scene.second] = np.count_nonzero(stalling)


def take_stock(
    scene: Scene,
    delivering: Delivering,
    spent_s: Floats,
    open_: Counts,
    waiting: int,
    *,
    live: bool,
) -> None:
    """Write down how everything stands; `spent_s` is what joiners cost, `open_` connections."""
    edges, counting = scene.edges, scene.counting
    alive = edges.alive
    at = {
        name: column[scene.second : scene.second + 1] for name, column in counting.seconds.items()
    }
    use = (delivering.use + edges.edge_s + spent_s + edges.woken_s)[alive]
    edges.woken_s[:] = 0
    cores = edges.machine_cores * edges.machines
    at["listeners"][:] = edges.present.sum()
    at["waiting"][:] = waiting
    at["cpu"][:] = use.sum() / cores
    at["deliveries_cpu"][:] = delivering.use[alive].sum() / cores
    at["edges"][:] = alive.sum()
    at["bits_per_s"][:] = delivering.network.sum() * edges.machine_bits
    at["network_worst"][:] = delivering.network.max()
    if alive.any():
        memory = edges.edge_bytes + open_[alive] * edges.costs.memory_bytes
        at["cpu_worst"][:] = (use / edges.share).max()
        at["late_s"][:] = delivering.late_s[alive].max()
        at["step_median"][:] = np.median(edges.step[alive])
        at["step_worst"][:] = edges.step[alive].max()
        at["descriptors_worst"][:] = open_[alive].max() / edges.descriptors
        at["memory_worst"][:] = memory.max() / edges.memory_bytes
    counting.behind(edges.present.sum(axis=0) * live, scene.second)
