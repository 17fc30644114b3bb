"""Who is advised to move to another lane, and how many at a time: towards what joiners are given.

Advice goes to one lane after another, each told to take so long that the moves of an edge are a
bounded number a second. One step along the lanes at a time: a slower lane costs a player a while
of stretching, and a faster one costs the edge what the ladder must see before the next. Pure.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from stentor.admission.lanes import LANE_PARTS

SLOWER_AFTER_S = 10.0  # a crowd that stays, not a moment's load
FASTER_AFTER_S = 60.0
REPEATED_AFTER_S = 120.0  # to who is still there
_WITHIN_S_MIN = 5.0


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """One lane as it is now; `key` tells it from all others."""

    key: Hashable
    parts: int
    listeners: int


@dataclass(frozen=True, slots=True)
class Move:
    """Advise the listeners of lane `key` to come to a lane of `parts` within `within_s` seconds."""

    key: Hashable
    parts: int
    within_s: float
    slower: bool


class Moves:
    """Remembers since when lanes are of the wrong pace, and whom it has advised."""

    def __init__(self, per_s_max: float) -> None:
        self._per_s_max = per_s_max
        self._since_s: dict[tuple[int, bool], float] = {}
        self._advised: dict[Hashable, tuple[float, bool]] = {}
        self._next_s = 0.0
        self._right = (0, 0)

    def step(
        self,
        now_s: float,
        fastest_parts: int,
        lanes: Iterable[LaneFacts],
        present_parts: int = 1,
    ) -> Move | None:
        """Return the next move; to be called about once a second.

        Who is in a lane faster than `fastest_parts` is asked to come to a slower one; who is in one
        slower than that and than `present_parts`, in which all who are here fit, to a faster one.
        """
        faster_parts = max(fastest_parts, present_parts)
        if (fastest_parts, faster_parts) != self._right:
            self._right = fastest_parts, faster_parts
            self._note_wrong(now_s, fastest_parts, faster_parts)
        if not self._since_s and not self._advised:
            return None
        found = list(lanes)
        here = {lane.key for lane in found}
        self._advised = {key: said for key, said in self._advised.items() if key in here}
        if now_s < self._next_s:
            return None
        due = [lane for lane in found if lane.listeners and self._due(lane, now_s, fastest_parts)]
        if not due:
            return None
        # Who costs most is asked first, of them the largest lane; who was asked before, last.
        never = (-1.0, False)
        lane = min(
            due,
            key=lambda lane: (self._advised.get(lane.key, never)[0], lane.parts, -lane.listeners),
        )
        slower = lane.parts < fastest_parts
        within_s = max(_WITHIN_S_MIN, lane.listeners / self._per_s_max)
        self._advised[lane.key] = now_s, slower
        self._next_s = now_s + within_s
        step = 1 if slower else -1
        to_parts = LANE_PARTS[LANE_PARTS.index(lane.parts) + step]
        return Move(lane.key, to_parts, within_s, slower)

    def _note_wrong(self, now_s: float, fastest_parts: int, faster_parts: int) -> None:
        for parts in LANE_PARTS:
            for slower, wrong in ((True, parts < fastest_parts), (False, parts > faster_parts)):
                if wrong:
                    self._since_s.setdefault((parts, slower), now_s)
                else:
                    self._since_s.pop((parts, slower), None)

    def _due(self, lane: LaneFacts, now_s: float, fastest_parts: int) -> bool:
        slower = lane.parts < fastest_parts
        since_s = self._since_s.get((lane.parts, slower))
        if since_s is None or now_s - since_s < (SLOWER_AFTER_S if slower else FASTER_AFTER_S):
            return False
        said_s, said_slower = self._advised.get(lane.key, (None, slower))
        return said_s is None or said_slower != slower or now_s - said_s >= REPEATED_AFTER_S
