"""Publishing at real time: a thread that gives out numbered pieces when they are due."""

import threading
import time
from collections.abc import Callable

from side_by_side.programme import Timeline


class Pace:
    """Calls `publish(number)` when piece `number` of `piece_s` seconds is over; begins at once."""

    def __init__(
        self, timeline: Timeline, piece_s: float, publish: Callable[[int], None], first: int = 0
    ) -> None:
        self._timeline = timeline
        self._piece_s = piece_s
        self._publish = publish
        self._next = first
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error: Exception | None = None

    def start(self) -> None:
        """Catch up with the programme here, then go on in a thread."""
        while self._timeline.due_ns((self._next + 1) * self._piece_s) <= time.monotonic_ns():
            self._publish(self._next)
            self._next += 1
        self._thread.start()

    def stop(self) -> None:
        """Publish no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                due_ns = self._timeline.due_ns((self._next + 1) * self._piece_s)
                if self._stopping.wait(max(0.0, (due_ns - time.monotonic_ns()) / 1e9)):
                    return
                self._publish(self._next)
                self._next += 1
        except Exception as error:  # told by whoever runs the bench
            self.error = error
