"""The lanes of one stream at one pace: which of them the next joiner goes to.

A lane of k parts may begin at k phases, so that deliveries are spread over its period. Decides
only the phase; which pace a joiner gets is decided before.
"""

import heapq
import zlib
from collections.abc import Callable

from stentor.edge.lane import Lane

# A phase is opened when all others have so many: a delivery is made once for all of a lane, and
# to that many takes half a millisecond, which nobody need be spared.
LISTENERS_MIN = 64
# So many joiners in a row go to one phase: what they are sent at once is made once for a lane and
# part, and takes longer to make (merging up to a minute of parts) than all else about a join.
TOGETHER = 32
_STRIDES = {1: 1, 3: 2, 6: 5, 12: 7, 24: 7, 48: 19}  # coprime: no two edges begin alike


def phase_order(parts: int, room: str, index: int) -> list[int]:
    """Return a lane's phases in the order in which they are opened.

    Rooms and edges begin with different ones: their deliveries should not all fall together.
    """
    first = zlib.crc32(room.encode()) + index * _STRIDES[parts]
    order, step = [0], parts
    while step > 1:  # thirds, then the middles of what is between
        pieces = 3 if step == parts else 2
        step //= pieces
        order += [place + piece * step for piece in range(1, pieces) for place in order]
    return [(first + place) % parts for place in order]


class Phases:
    """Lanes of one stream, pace and transport."""

    __slots__ = ("_chosen", "_heap", "_left", "_make", "_order", "lanes")

    def __init__(self, order: list[int], make: Callable[[int], Lane]) -> None:
        self._order = order
        self._make = make
        self._heap: list[tuple[int, int, Lane]] = []  # listeners as last known, phase, lane
        self.lanes: list[Lane] = []
        self._chosen: Lane | None = None
        self._left = 0  # so many more joiners go there

    def choose(self) -> Lane:
        """Return where a joiner goes: the lane with the fewest listeners, perhaps a new one."""
        if self._chosen is not None and self._left:
            self._left -= 1
            return self._chosen
        heap = self._heap
        if not heap or (heap[0][0] >= LISTENERS_MIN and len(self.lanes) < len(self._order)):
            taken = {lane.phase for lane in self.lanes}
            self._open(next(phase for phase in self._order if phase not in taken))
        count, phase, lane = heap[0]
        heapq.heapreplace(heap, (count + TOGETHER, phase, lane))
        self._chosen, self._left = lane, TOGETHER - 1
        return lane

    def at(self, phase: int) -> Lane:
        """Return the lane of that phase, made if need be."""
        found = next((lane for lane in self.lanes if lane.phase == phase), None)
        return found or self._open(phase)

    def level(self) -> None:
        """Forget empty lanes, and count again: who left is not told here one by one."""
        self.lanes = [lane for lane in self.lanes if lane.listeners]
        self._heap = [(lane.listeners, lane.phase, lane) for lane in self.lanes]
        heapq.heapify(self._heap)
        self._chosen = None

    def _open(self, phase: int) -> Lane:
        lane = self._make(phase)
        self.lanes.append(lane)
        heapq.heappush(self._heap, (0, phase, lane))
        return lane
