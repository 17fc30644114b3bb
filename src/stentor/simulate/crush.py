"""What a simulated edge does when more come than it can look at, as `edge.crush` does it.

From three quarters of the kernel's queue to half of it, most are told so in one breath: a place
that all of that moment share, and when to ask for one of their own. Knows no people.
"""

from stentor.simulate.events import Machine
from stentor.simulate.line import Line

EPOCH_MS = 1_800_000_000_000  # when a simulated evening begins
_BEGINS, _ENDS = 0.75, 0.5  # of the kernel's queue
_QUEUE_MIN = 4  # fewer places than that and chance fills it
_SPREAD_MIN_S, _SPREAD_MAX_S, _KEPT_A_SECOND = 2.0, 28.0, 0.97**4
_COMING_AGAIN = 2_000 / 11_600  # a second, against joins that fit
_TOLD_EVERY_S = 0.25


class Crush:
    """Whether too many come to one edge, and what those are told."""

    def __init__(self, machine: Machine) -> None:
        joins_per_s = machine.joins_per_s / machine.edges
        self.queue_max = max(_QUEUE_MIN, round(machine.queue_s * joins_per_s))
        self.on = False
        self._never = machine.tls
        self._coming_per_s = max(0.1, _COMING_AGAIN * joins_per_s)
        self._told = self._told_s = 0.0
        self._shared_ms = self._shared_at = 0

    def look(self, waiting: int) -> None:
        """Take note of how many wait."""
        if not self._never:
            self.on = waiting > (_ENDS if self.on else _BEGINS) * self.queue_max

    def place(self, line: Line, now_s: float) -> int:
        """Return the place of all who are told so in this quarter of a second."""
        at = int(now_s / _TOLD_EVERY_S)
        if at != self._shared_at:
            self._shared_at = at
            now_ms = EPOCH_MS + int(now_s * 1000)
            self._shared_ms = line.sheet.virtual_ms(now_ms) if line.sheet.line else 0
        if self._shared_ms:
            line.note_place(self._shared_ms)
        return self._shared_ms

    def spread_s(self, now_s: float) -> float:
        """Return within how many seconds those are to come again who are told so now."""
        self._told *= _KEPT_A_SECOND ** (now_s - self._told_s)
        self._told_s = now_s
        self._told += 1
        return min(_SPREAD_MAX_S, _SPREAD_MIN_S + self._told / self._coming_per_s)
