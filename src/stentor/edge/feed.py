"""The edge's end of the feed: reads whatever has come, and comes back whenever it ends.

Nobody who listens is touched by the feed's end: parts carry their numbers, so the programme goes
on where it was. This module only fetches; what messages mean is decided in `rooms`.
"""

import time
from pathlib import Path

from stentor.edge.counts import Counts
from stentor.edge.loop import READ, Loop
from stentor.feed.local import LocalSubscription
from stentor.feed.wire import Message

_RETRY_NS = 50_000_000
_READS_PER_TURN = 32


class Feed:
    """A subscription that is kept up."""

    def __init__(self, path: Path, loop: Loop, counts: Counts) -> None:
        self._subscription = LocalSubscription(path)
        self._loop = loop
        self._counts = counts
        self._next_try_ns = 0
        self.connected = False
        self.ever_connected = False

    def on_event(self, fd: int, mask: int) -> None:
        """Wakes the loop, whose first task reads the feed."""

    def on_fault(self, fd: int) -> None:
        """The feed stays, whatever happens."""

    def receive(self) -> list[Message]:
        """Return what has come; connects again when it is time to."""
        if not self.connected and not self._connect():
            return []
        messages: list[Message] = []
        for _ in range(_READS_PER_TURN):
            fd = self._subscription.fileno()
            came = self._subscription.receive()
            if came is None:
                self.connected = False
                self._counts.feed_lost += 1
                self._loop.table.pop(fd, None)
                break
            if not came:  # nothing, or half a message: epoll tells when there is more
                break
            messages += came
        return messages

    def close(self) -> None:
        """Disconnect."""
        self._loop.table.pop(self._subscription.fileno(), None)
        self._subscription.close()

    def _connect(self) -> bool:
        now_ns = time.monotonic_ns()
        if now_ns < self._next_try_ns:
            return False
        self._next_try_ns = now_ns + _RETRY_NS
        if not self._subscription.open():
            return False
        self.connected = self.ever_connected = True
        self._loop.watch(self._subscription.fileno(), self, READ)
        return True
