"""How many may be let in at once: so many a second, and a few seconds' worth. Arithmetic only."""

BURST_S = 2.0
SLACK = 1.25  # at an edge's door: who is served comes unevenly


class Bucket:
    """So many a second, and a few seconds' worth at once."""

    def __init__(self, now_ns: int) -> None:
        self.per_s = 0.0
        self._level = 0.0
        self._at_ns = now_ns

    def level(self, now_ns: int) -> float:
        """Return how many may be taken now."""
        full = max(2.0, self.per_s * BURST_S)
        earned = (now_ns - self._at_ns) * self.per_s / 1e9
        self._at_ns = now_ns
        self._level = min(full, self._level + earned)
        return self._level

    def take(self) -> None:
        """Take one."""
        self._level -= 1
