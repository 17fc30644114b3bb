"""What is to be done when, for one process's listeners: a heap of acts, and the arrivals beside it.

Arrivals are a column of moments that only rises, so a million of them cost eight bytes each; the
heap holds only what came up meanwhile.
"""

import heapq
import random
from array import array
from enum import IntEnum

from stentor.load.arrivals import Arrivals, due_s
from stentor.load.audience import Audience, Trait
from stentor.load.behaviour import leaves_at_s, trait
from stentor.load.plan import Share


class Act(IntEnum):
    """What becomes due."""

    CONNECT = 1  # come again
    CUT = 2  # the connection breaks, by the load's own doing
    LEAVE = 3
    READ = 4  # a slow listener takes a little
    LOOK = 5  # at the door's notice
    MOVE = 6  # to another lane
    ALL = 7  # all are cut, or leave


class Schedule:
    """Acts by time. `fd` says which connection an act is for, −1 if for the listener."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, Act, int, int]] = []
        self.arrivals: array[int] = array("q")
        self.begun = 0

    def __len__(self) -> int:
        return len(self._heap)

    def begins(self, begin_ns: int) -> None:
        """Everything that was planned counts from now on from this moment."""
        for number, due_ns in enumerate(self.arrivals):
            self.arrivals[number] = due_ns + begin_ns
        self._heap = [(at_ns + begin_ns, act, who, fd) for at_ns, act, who, fd in self._heap]

    @property
    def arriving(self) -> bool:
        """Whether somebody is still to come for the first time."""
        return self.begun < len(self.arrivals)

    def at(self, when_ns: int, act: Act, who: int, fd: int = -1) -> None:
        """Note an act."""
        heapq.heappush(self._heap, (when_ns, act, who, fd))

    def take(self, now_ns: int) -> tuple[Act, int, int] | None:
        """Return the next act that is due, and take it away."""
        heap = self._heap
        if self.begun < len(self.arrivals) and self.arrivals[self.begun] <= now_ns:
            self.begun += 1
            return Act.CONNECT, self.begun - 1, -1
        if heap and heap[0][0] <= now_ns:
            _, act, who, fd = heapq.heappop(heap)
            return act, who, fd
        return None

    def next_ns(self, until_ns: int) -> int:
        """Return when something is due next, at most `until_ns`."""
        if self.begun < len(self.arrivals):
            until_ns = min(until_ns, self.arrivals[self.begun])
        if self._heap:
            until_ns = min(until_ns, self._heap[0][0])
        return until_ns


def plan_share(
    share: Share, audience: Audience, schedule: Schedule, chance: random.Random
) -> set[int]:
    """Fix who comes when and how they are; return those who decode all that they get.

    Moments count from the beginning, until the schedule is told when that is.
    """
    decoding: set[int] = set()
    schedule.arrivals = audience.due_ns
    for who in range(share.count):
        number = share.number + who * share.of
        came_s = due_s(share.coming, number, share.whole, chance)
        audience.due_ns[who] = round(came_s * 1e9)
        kind = trait(share.behaviour, chance)
        if kind is Trait.NONE and who % share.sampled_every == 0:
            kind = Trait.SAMPLED
            if len(decoding) < share.decoding:
                decoding.add(who)
        if kind is Trait.LEAVING:
            leaves_s = max(came_s, leaves_at_s(share.seconds, chance))
            schedule.at(round(leaves_s * 1e9), Act.LEAVE, who)
        audience.traits[who] = kind
    if share.coming.pattern in (Arrivals.REJOIN, Arrivals.EXIT):
        at_s = share.coming.all_at_s
        at_s = (share.coming.ramp_s + share.seconds) / 2 if at_s is None else at_s
        schedule.at(round(at_s * 1e9), Act.ALL, -1)
    return decoding
