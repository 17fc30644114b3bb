"""Who comes to which edge: of their region, as names and the kernel spread them.

Whoever holds a place comes to the machine that gave it, if it is still there. Decides nothing of
what they are told.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stentor.admission.tickets import Kind
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.people import NEVER, Millis, Rows, State
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.seam import Harm

_TICK_S = TICK_MS / 1000
_BARRED_S = (20.0, 30.0)  # connection.js, push.js: too many from this network


class Coming:
    """Lets people come."""

    def __init__(self, scene: Scene, harms: Sequence[Harm]) -> None:
        self._scene = scene
        self._harms = harms
        self._regions = int(scene.people.region.max(initial=0)) + 1
        self._visits = scene.scenario.staying.visits
        self._ends_ms = scene.ends_ms

    def come(self, rows: Rows, due_ms: Millis, begin_ms: int) -> None:
        """Let people come in the tick that begins then, to where they will be looked at.

        They come when they are due; who was due before comes at any moment of the tick.
        """
        if not len(rows):
            return
        scene, counting = self._scene, self._scene.counting
        people, edges = scene.people, scene.edges
        over = begin_ms - people.came_ms[rows] > people.patience_ms[rows]
        if over.any():
            scene.give_up(rows[over])
            rows, due_ms = rows[~over], due_ms[~over]
        came_ms = begin_ms + scene.chance.integers(0, TICK_MS, len(rows), np.int32)
        came_ms = np.where(due_ms > begin_ms, due_ms, came_ms)
        if begin_ms >= self._ends_ms:
            scene.too_late(rows)
            people.state[rows] = State.LATE
            counting.count("late", len(rows))
            return
        counting.count("came", len(rows), scene.second)
        first = people.state[rows] == State.AWAY
        people.came_ms[rows[first]] = came_ms[first]
        counting.count("people", int(first.sum()))
        at = self._choose(rows, first)
        people.edge[rows] = at
        called = (people.ticket[rows] == Kind.LINE) & (people.called_ms[rows] == NEVER)
        people.called_ms[rows[called]] = came_ms[called]
        for harm in self._harms:
            barred = harm.bars(scene, rows, at, came_ms)
            if barred is not None and barred.any():
                counting.count("barred", int(barred.sum()))
                scene.again(rows[barred], _BARRED_S)
                kept = np.flatnonzero(~barred)
                rows, at, came_ms, first = rows[kept], at[kept], came_ms[kept], first[kept]
        crowded = self._crowded(at)
        if crowded.any():
            counting.count("refused", int(crowded.sum()))
            scene.retry(rows[crowded], came_ms[crowded])
            kept = np.flatnonzero(~crowded)
            rows, at, came_ms, first = rows[kept], at[kept], came_ms[kept], first[kept]
        # A first visit fetches the page too, unless it comes from elsewhere.
        work_s = np.zeros(len(rows))
        visits = first & (scene.chance.random(len(rows)) < self._visits)
        work_s[visits] = edges.costs.page_s * edges.slow[at[visits]]
        people.state[rows] = State.KNOCKS
        scene.knocks.add(rows, at, came_ms, work_s)

    def move(self, rows: Rows, begin_ms: int) -> None:
        """Let listeners come again who were advised to, on a new connection to their machine."""
        scene = self._scene
        edges = scene.edges
        n = len(rows)
        if not n:
            return
        machine = edges.machine(scene.people.edge[rows])
        at = self._of_machine(machine, n)
        came_ms = begin_ms + scene.chance.integers(0, TICK_MS, n, np.int32)
        kept = np.flatnonzero(~self._crowded(at))  # the others stay where they are
        scene.knocks.add(rows[kept], at[kept], came_ms[kept], np.zeros(len(kept)), moves=True)

    def _crowded(self, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say for whom the edge that they come to has no descriptor left."""
        scene = self._scene
        edges = scene.edges
        free = edges.descriptors - edges.listeners - edges.idle - scene.knocks.by_edge(len(edges))
        # Within a tick a descriptor serves as many as the edge has time for.
        costs = edges.costs
        served = int(edges.join_share * edges.share * _TICK_S / max(costs.join_s, costs.place_s))
        room = np.where(free > 0, free + served, 0)
        if (np.bincount(at, minlength=len(edges)) <= room).all():
            return np.zeros(len(at), np.bool_)
        order = np.argsort(at, kind="stable")
        first = np.searchsorted(at[order], at[order])
        rank = np.empty(len(at), np.int64)
        rank[order] = np.arange(len(at)) - first
        crowded: NDArray[np.bool_] = rank >= room[at]
        return crowded

    def _choose(self, rows: Rows, first: NDArray[np.bool_]) -> NDArray[np.int64]:
        scene = self._scene
        people, edges = scene.people, scene.edges
        n, per = len(rows), edges.per_machine
        up: NDArray[np.bool_] = np.any(edges.alive.reshape(-1, per), axis=1)
        chance = scene.chance.random(n)
        machine = np.empty(n, np.int64)
        region = people.region[rows]
        everywhere = np.flatnonzero(up)
        if not len(everywhere):
            everywhere = np.arange(edges.machines)
        for one in range(self._regions):
            mine = region == one
            there = everywhere[edges.region[everywhere] == one]
            some = there if len(there) else everywhere
            machine[mine] = some[(chance[mine] * len(some)).astype(np.int64)]
        held = ~first & (people.ticket[rows] == Kind.LINE)
        before = edges.machine(people.edge[rows])
        stays = held & up[before]
        machine[stays] = before[stays]
        return self._of_machine(machine, n)

    def _of_machine(self, machine: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        """Return one of the edges of a machine that live, for each."""
        scene = self._scene
        edges, per = scene.edges, scene.edges.per_machine
        alive = np.flatnonzero(edges.alive)
        if len(alive) in (0, len(edges)):
            return machine * per + scene.chance.integers(0, per, n)
        before = np.concatenate(([0], np.cumsum(edges.alive)))
        begin, end = before[machine * per], before[(machine + 1) * per]
        at = begin + (scene.chance.random(n) * (end - begin)).astype(np.int64)
        found: NDArray[np.int64] = alive[np.minimum(at, len(alive) - 1)]
        return found
