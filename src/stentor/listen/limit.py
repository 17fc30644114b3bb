"""How long a listener wants to listen, on the monotonic clock: for ever, or so many seconds."""

import time


class Limit:
    """A deadline that waits can be cut to."""

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds

    def reached(self) -> bool:
        """Say whether it is time to stop."""
        return self._until is not None and time.monotonic() >= self._until

    def at_most(self, seconds: float) -> float:
        """Return `seconds`, or what is left if that is less."""
        return seconds if self._until is None else min(seconds, self._until - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, or for what is left."""
        time.sleep(max(0.0, self.at_most(seconds)))
