"""Who is advised to move to another lane, and when they do: `moves.Moves` of each edge.

The page follows advice at a moment of its own choice; for a slower lane only once its buffer holds
that lane's target, for which it plays a little slower (`admission.events.Advice`). Decides nothing
beyond what `Moves` does.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.lanes import LANE_PARTS, target_s
from stentor.admission.moves import LaneFacts, Moves
from stentor.base.settings import Settings
from stentor.simulate.fleet.diary import TICK_MS, distinct
from stentor.simulate.fleet.edges import LANES
from stentor.simulate.fleet.groups import grouped
from stentor.simulate.fleet.people import Rows, State
from stentor.simulate.fleet.scene import Scene

MOVES_PER_S = Settings().edge_moves_per_s
WINDOW_S = 4  # advice of so many seconds is looked up at once, as to find listeners takes time
_STRETCH = 0.03  # of the pace of playing, until a buffer holds more
_TARGETS_S = np.array([target_s(parts) for parts in LANE_PARTS])
_LANE_AT = {parts: at for at, parts in enumerate(LANE_PARTS)}
_BATCH = 1 << 22


class Moving:
    """The advice of all edges, and who is about to follow it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        n = len(scene.edges)
        self._moves = [Moves(MOVES_PER_S) for _ in range(n)]
        self._within_s = np.zeros((n, LANES), np.float32)  # advice that is not looked up yet
        self._to = np.zeros((n, LANES), np.uint8)
        self._advised = False
        self._due: dict[int, list[Rows]] = {}

    def second(self, second: int) -> None:
        """Ask each edge for advice; every few seconds see who is advised."""
        edges, now_s = self._scene.edges, second + 1.0
        columns = zip(
            edges.alive.tolist(),
            edges.lane.tolist(),
            edges.present.tolist(),
            edges.present_parts.tolist(),
            strict=True,
        )
        for edge, (alive, fastest, present, present_parts) in enumerate(columns):
            if not alive:
                continue
            lanes = [
                LaneFacts(at, parts, n)
                for at, (parts, n) in enumerate(zip(LANE_PARTS, present, strict=True))
                if n
            ]
            move = self._moves[edge].step(now_s, LANE_PARTS[fastest], lanes, present_parts)
            if move is not None:
                assert isinstance(move.key, int)
                self._within_s[edge, move.key] = move.within_s
                self._to[edge, move.key] = _LANE_AT[move.parts]
                self._advised = True
        if self._advised and second % WINDOW_S == WINDOW_S - 1:
            self._look_up(second)

    def take(self, tick: int) -> Rows:
        """Return who moves in a tick: those who still listen."""
        found = self._due.pop(tick, None)
        if not found:
            return np.empty(0, np.int32)
        rows = np.concatenate(found)
        rows = rows[self._scene.people.state[rows] == State.LISTENS]
        return distinct(rows)

    def _look_up(self, second: int) -> None:
        """Find the listeners of the lanes that were advised, and when each of them will move."""
        scene = self._scene
        people = scene.people
        within_s = self._within_s.ravel()
        advised = within_s > 0
        found = []
        for begin in range(0, len(people), _BATCH):
            part = slice(begin, begin + _BATCH)
            lanes = people.edge[part].astype(np.int32) * np.int32(LANES) + people.lane[part]
            marks = advised[lanes] & (people.state[part] == State.LISTENS)
            found.append(np.flatnonzero(marks).astype(np.int32) + np.int32(begin))
        rows = np.concatenate(found)
        at = people.edge[rows].astype(np.int64) * LANES + people.lane[rows]
        wait_s = within_s[at] * scene.chance.random(len(rows))
        slower_s = _TARGETS_S[self._to.ravel()[at]] - _TARGETS_S[people.lane[rows]]
        wait_s += np.maximum(0.0, slower_s) / _STRETCH
        people.moves_to[rows] = self._to.ravel()[at]
        self._put(rows, (second + 1) * (1000 // TICK_MS) + (wait_s * 1000 / TICK_MS).astype(int))
        self._within_s[:] = 0
        self._advised = False

    def _put(self, rows: Rows, ticks: NDArray[np.int64]) -> None:
        for tick, mine in grouped(ticks):
            self._due.setdefault(tick, []).append(rows[mine])
