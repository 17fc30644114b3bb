"""How fast the holder of one link may change things: a bucket of tokens for each seat."""

from stentor.base.metrics import CONTROL_PACED

SEATS_MAX = 10_000
BURST_S = 3.0  # a host muting a noisy stage clicks quickly


class Pace:
    """Counts changes by seat. The time passed in is monotonic, in seconds."""

    def __init__(self, acts_per_s: float) -> None:
        self._acts_per_s = acts_per_s
        self._burst = max(1.0, acts_per_s * BURST_S)
        self._buckets: dict[str, tuple[float, float]] = {}  # seat → tokens left, at

    def allows(self, seat: str, now_s: float) -> bool:
        """Say whether one more change is all right, and count it if so."""
        left, at_s = self._buckets.get(seat, (self._burst, now_s))
        left = min(self._burst, left + (now_s - at_s) * self._acts_per_s)
        if left < 1.0:
            CONTROL_PACED.inc()
            return False
        if len(self._buckets) >= SEATS_MAX and seat not in self._buckets:
            self._buckets.clear()  # everybody starts afresh: rather that than to grow
        self._buckets[seat] = (left - 1.0, now_s)
        return True
