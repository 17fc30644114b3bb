"""The listeners of one process as columns of numbers: where each one is, and how its player fares.

A player is two numbers: the place in the programme that comes next, and the moment at which what
it has will have been played (`dry_ns`). It starts with the first parts that come, skips what is
more than its target, and stalls when that moment passes. Pure; sockets are somebody else's.
"""

from array import array
from enum import IntFlag

from stentor.admission.lanes import lane_for_period, target_s
from stentor.load.course import PART_NS, Course, Node, Step
from stentor.load.report import Tally

_NS = 1_000_000_000
_STALLS_MAX = 65_535


class Trait(IntFlag):
    """What is special about a listener."""

    NONE = 0
    SAMPLED = 1  # all its bytes are taken apart and hashed
    SLOW = 2  # reads less than it is sent
    FLAKY = 4  # loses its connection again and again
    LEAVING = 8  # does not stay to the end
    HEARD = 16  # has got audio
    DONE = 32  # its room has ended, or it has left
    HEEDLESS = 64  # comes again at once, whatever it is told


ODD = Trait.SLOW | Trait.FLAKY  # their stalls are their own doing, and counted apart


class Audience:
    """So many listeners, by number. Times are monotonic nanoseconds."""

    def __init__(self, count: int, course: Course, tally: Tally, buffer_s: float | None) -> None:
        self.count = count
        self.course = course
        self.tally = tally
        self._buffer_s = buffer_s
        self._targets_ns: dict[float | None, int] = {}
        self.traits = bytearray(count)
        self.due_ns = array("q", bytes(8 * count))  # when it wanted to come
        self.dry_ns = array("q", bytes(8 * count))  # 0: nothing heard yet
        self.resume = array("i", b"\xff" * (4 * count))  # the part to go on with after a loss
        self.stalls = array("H", bytes(2 * count))
        self.attempts = bytearray(count)  # connections in a row that brought nothing
        self.heard = 0
        self.lost_ns: dict[int, int] = {}  # whose connection broke, until there is audio again
        self.called_ns: dict[int, int] = {}  # who were in line, and when their turn came

    def target_ns(self, node: Node) -> int:
        """Return the buffer that a player at this node keeps right after a delivery."""
        period_s = None if node.head is None else node.head.period_s
        found = self._targets_ns.get(period_s)
        if found is None:
            lane_s = target_s(lane_for_period(round((period_s or 0) * 1000)))
            found = round((self._buffer_s or lane_s) * _NS)
            self._targets_ns[period_s] = found
        return found

    def take(self, who: int, before: Node, step: Step, now_ns: int) -> None:
        """Take whatever bytes meant; what is merely the next parts does not need this."""
        tally = self.tally
        tally.jumps += step.jumps
        tally.gaps += step.gaps
        tally.repeated += step.repeated
        if not step.parts:
            return
        gained = step.parts
        if before.position < self.resume[who]:
            gained = self._new_of(who, step)
            missed = step.first - self.resume[who]
            if before.position < 0 and missed > 0:
                tally.gaps += not step.jumps
                tally.missed_parts += missed
        self.attempts[who] = 0
        lost_ns = self.lost_ns.pop(who, 0)
        if lost_ns:
            tally.back_s.add((now_ns - lost_ns) / _NS)
        tally.parts += gained
        if step.due_ns and not self.traits[who] & Trait.SLOW:
            tally.delivered_s.add((now_ns - step.due_ns) / _NS)
        if not self.traits[who] & Trait.HEARD:
            self._first(who, step, now_ns)
        elif now_ns > self.dry_ns[who]:
            self.stalled(who, now_ns, gained * PART_NS)
        else:
            self.dry_ns[who] += gained * PART_NS

    def settle(self, who: int, node: Node, now_ns: int) -> None:
        """Skip what a player that has just begun got beyond its target."""
        self.dry_ns[who] = min(self.dry_ns[who], now_ns + self.target_ns(node))

    def stalled(self, who: int, now_ns: int, gained_ns: int) -> None:
        """There was nothing to play until now: count it, and go on with what has come."""
        tally = self.tally
        stalled_ns = now_ns - self.dry_ns[who]
        self.dry_ns[who] = now_ns + gained_ns
        if self.traits[who] & ODD:
            tally.odd_stalls += 1
            return
        self.stalls[who] = min(_STALLS_MAX, self.stalls[who] + 1)
        tally.stalls += 1
        tally.stalled_s += stalled_ns / _NS
        tally.stall_s.add(stalled_ns / _NS)

    def left(self, who: int, position: int, now_ns: int) -> None:
        """A connection is over, or the load: say how far behind live this one was."""
        if position >= 0:
            self.resume[who] = position
        if not self.traits[who] & Trait.HEARD or self.traits[who] & Trait.SLOW:
            return
        due_ns = self.course.due_ns(self.resume[who])
        if due_ns and self.dry_ns[who] > now_ns - _NS:
            self.tally.behind_s.add((self.dry_ns[who] - due_ns) / _NS)

    def finish(self, who: int, now_ns: int) -> None:
        """The load is over: a buffer that ran dry by now counts."""
        heard = self.traits[who] & Trait.HEARD
        if heard and not self.traits[who] & Trait.DONE and now_ns > self.dry_ns[who]:
            self.stalled(who, now_ns, 0)
        self.tally.heard += bool(heard)
        self.tally.stalled_listeners += self.stalls[who] > 0

    def finish_early(self, who: int, now_ns: int) -> None:
        """A listener goes of its own accord: what was dry by then counts, nothing after it."""
        if self.traits[who] & Trait.HEARD and now_ns > self.dry_ns[who]:
            self.stalled(who, now_ns, 0)
        self.traits[who] |= Trait.DONE

    def _new_of(self, who: int, step: Step) -> int:
        """Return how many parts are new to one who has come back."""
        new = max(0, step.first + step.parts - max(step.first, self.resume[who]))
        self.tally.repeated += step.parts - new
        return new

    def _first(self, who: int, step: Step, now_ns: int) -> None:
        tally, course = self.tally, self.course
        self.traits[who] |= Trait.HEARD
        self.heard += 1
        self.dry_ns[who] = now_ns + step.gained_ns
        waited_ns = now_ns - self.due_ns[who]
        epoch_ns = course.due_ns(0)
        called_ns = self.called_ns.pop(who, 0)
        if called_ns:
            tally.served_audio_s.add((now_ns - called_ns) / _NS)
        elif epoch_ns and self.due_ns[who] < epoch_ns:
            tally.after_hour_s.add((now_ns - epoch_ns) / _NS)
        else:
            tally.first_audio_s.add(waited_ns / _NS)
