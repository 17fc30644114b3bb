"""Those who come are served in the order in which they were ready, however many they are."""

from __future__ import annotations

import os
import socket
import time

from stentor.edge.loop import EVENTS_PER_TURN, READ, Loop


class Joiner:
    """Takes some CPU time for each who comes, so that not all are served in one turn."""

    joins = True

    def __init__(self, loop: Loop, of: int) -> None:
        self.order: list[int] = []
        self._loop = loop
        self._of = of

    def on_event(self, fd: int, mask: int) -> None:
        os.read(fd, 1)
        self.order.append(fd)
        until_ns = time.thread_time_ns() + 200_000
        while time.thread_time_ns() < until_ns:
            pass
        if len(self.order) == self._of:
            self._loop.stop()

    def on_fault(self, fd: int) -> None:
        self._loop.stop()


def test_nobody_loses_their_turn_because_many_more_are_ready() -> None:
    loop = Loop()
    pairs = [socket.socketpair() for _ in range(EVENTS_PER_TURN + 200)]
    joiner = Joiner(loop, len(pairs))
    try:
        for ours, theirs in pairs:
            loop.watch(ours.fileno(), joiner, READ)
            theirs.send(b"x")
        loop.run()
        assert joiner.order == [ours.fileno() for ours, _ in pairs]
    finally:
        for ours, theirs in pairs:
            ours.close()
            theirs.close()
