"""From when until when an attack goes on; it may be ended sooner, never later."""

import time


class Span:
    """Moments of `time.monotonic_ns`."""

    def __init__(self, seconds: float) -> None:
        self.begin_ns = time.monotonic_ns()
        self.end_ns = self.begin_ns + round(seconds * 1e9)

    def cut(self) -> None:
        """End it now."""
        self.end_ns = min(self.end_ns, time.monotonic_ns())
