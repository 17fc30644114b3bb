"""When so many come to one edge that most are told so in one breath, and to come again when.

Begins as those who wait to be accepted are about to be too many for the kernel, and ends when half
of its queue is empty. Pure: it knows nobody, and its quarters of a second are its caller's.
"""

_BEGINS, _ENDS = 0.75, 0.5  # of the kernel's queue
SPREAD_FROM_S = 1.0
_SPREAD_MIN_S, _SPREAD_MAX_S = 2.0, 28.0
COMING_AGAIN_PER_S = 2_000.0  # that an edge looks at beside all others
_KEPT = 0.97  # of who was told so, a quarter of a second later: those of about eight seconds


class Crush:
    """Whether too many come to one edge, and over how long those come again who are told so."""

    def __init__(self, coming_again_per_s: float = COMING_AGAIN_PER_S) -> None:
        self.on = False
        self._coming_again_per_s = coming_again_per_s
        self._told = 0.0  # of late

    def look(self, waiting: int, most: int) -> None:
        """Take note of how many wait to be accepted, and how many may."""
        self.on = waiting > most * (_ENDS if self.on else _BEGINS)

    def renew(self, quarters: int = 1) -> None:
        """So many quarters of a second are over."""
        self._told *= _KEPT**quarters

    def spread_s(self) -> float:
        """Tell one more so: within this many seconds, after the first one, those of now come."""
        told_s = self._told / self._coming_again_per_s
        self._told += 1
        return min(_SPREAD_MAX_S, _SPREAD_MIN_S + told_s)
