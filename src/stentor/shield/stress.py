"""How hard it is just now, from what is asked for against what there is; never from who asks.

Goes up soon, comes down late: a second's relief in a crowd is no relief.
"""

from stentor.shield.merge import Merged
from stentor.shield.policy import Stress

UP_AFTER_S = 2
DOWN_AFTER_S = 10
_STRAINED, _SIEGE = 0.85, 1.0
_DELIVERY_FULL = 0.84  # of the CPU: where the ladder stops giving the slowest lane
_LIMIT_FULL = 0.95  # of descriptors, memory and bandwidth
_QUEUE_S = 2.0  # until somebody who came is looked at
_LATE_S = 1.0


def pressure(second: Merged) -> float:
    """Return demand against capacity, of whatever is shortest: 1 is all that there is.

    A line in which people wait is a shortage by definition; one that serves them within the
    minute is not yet a siege.
    """
    load, door = second.load, second.door
    found = max(
        load.joining,
        load.use / _DELIVERY_FULL,
        load.descriptors / _LIMIT_FULL,
        load.memory / _LIMIT_FULL,
        load.bits / _LIMIT_FULL,
        second.queue_s.p95 / _QUEUE_S if second.queue_s.n >= 5 else 0.0,
        load.late_s / _LATE_S * _STRAINED,
    )
    if door.line and door.waiting:
        wait_s = door.waiting / max(0.1, door.per_s)
        found = max(found, _STRAINED + (_SIEGE - _STRAINED) * min(1.5, wait_s / 60))
    return found


class Stressed:
    """Remembers for how long it has been hard."""

    def __init__(self) -> None:
        self.now = Stress.CALM
        self._hard_s = 0
        self._worse_s = 0
        self._eased_s = 0

    def look(self, second: Merged) -> Stress:
        """Return how hard it is; to be called once a second."""
        found = pressure(second)
        self._hard_s = self._hard_s + 1 if found >= _STRAINED else 0
        self._worse_s = self._worse_s + 1 if found >= _SIEGE else 0
        if self._worse_s >= UP_AFTER_S:
            self.now, self._eased_s = Stress.SIEGE, 0
        elif self.now is Stress.CALM and self._hard_s >= UP_AFTER_S:
            self.now, self._eased_s = Stress.STRAINED, 0
        elif self._eases(found):
            self._eased_s += 1
            if self._eased_s >= DOWN_AFTER_S:
                self.now = Stress.STRAINED if self.now is Stress.SIEGE else Stress.CALM
                self._eased_s = 0
        else:
            self._eased_s = 0
        return self.now

    def _eases(self, found: float) -> bool:
        if self.now is Stress.SIEGE:
            return found < _STRAINED + (_SIEGE - _STRAINED) / 2
        return self.now is Stress.STRAINED and found < _STRAINED - 0.1
