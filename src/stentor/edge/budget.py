"""How much time those who come may take from those who listen: a share, and so much a turn.

Arithmetic only; what the time is spent on, and how it is measured, is the loop's.
"""

TURN_NS_MAX = 20_000_000
_SLICE_NS_MIN = 2_000_000  # less is not worth a turn
_DEPTH_NS = 250_000_000


class Budget:
    """A bucket of CPU time in nanoseconds that fills at `share` of the time that passes."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._depth_ns = max(TURN_NS_MAX, round(_DEPTH_NS * share))
        self._left_ns = float(self._depth_ns)
        self._at_ns = 0

    def slice_ns(self, now_ns: int) -> int:
        """Return how much may be spent at once now; 0 if that is not worth a turn."""
        if self._at_ns:
            earned = (now_ns - self._at_ns) * self._share
            self._left_ns = min(self._depth_ns, self._left_ns + earned)
        self._at_ns = now_ns
        return 0 if self._left_ns < _SLICE_NS_MIN else min(TURN_NS_MAX, int(self._left_ns))

    def spend(self, ns: int) -> None:
        """Take what was spent; more than there was is owed."""
        self._left_ns -= ns

    def rest_ns(self) -> int:
        """Return after how much time there is something to spend again."""
        return max(0, round((_SLICE_NS_MIN - self._left_ns) / self._share))
