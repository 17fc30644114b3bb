"""What is seen of those who come while they are let in: how long they had waited, what one costs.

The wait is the kernel's figure: how long ago somebody whose connection is accepted now said what
they want. Samples, a few a turn, so that measuring costs next to nothing. Decides nothing.
"""

import select
import socket
import struct
import time
from collections.abc import Callable

from stentor.edge.counts import Counts

# `tcpi_last_data_recv` of `struct tcp_info` (linux/tcp.h): milliseconds.
_LAST_DATA_RECV_AT = 52
_TCP_INFO_BYTES = 56
_LONG_MS = 1000  # nobody hangs up sooner because of us
_SPREAD = 8  # one of so many is timed, another one in each turn
_SAMPLES_MIN = 8


def waited_ms(fd: int) -> int:
    """Return how long ago the client's last bytes came; 0 where the kernel does not say."""
    one = socket.socket(fileno=fd)
    try:
        told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        found: int = struct.unpack_from("I", told, _LAST_DATA_RECV_AT)[0]
    except (OSError, struct.error):
        return 0
    finally:
        one.detach()
    return found


# In a crowd each is asked for: a socket object asks the kernel for three things more.
_LOOK = select.poll()


def has_hung_up(fd: int) -> bool:
    """Say whether the other end has closed or cut the connection."""
    _LOOK.register(fd, select.POLLRDHUP)
    try:
        return bool(_LOOK.poll(0))
    finally:
        _LOOK.unregister(fd)


def is_silent(fd: int) -> bool:
    """Say whether nothing has come from the other end that was not read, nor its end."""
    _LOOK.register(fd, select.POLLIN)
    try:
        return not _LOOK.poll(0)
    finally:
        _LOOK.unregister(fd)


class Knocks:
    """What one edge saw of its joiners since somebody last looked."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self.queued: Callable[[float], None] = lambda _seconds: None  # told of each sample
        self._waited_ms = 0
        self._turn = 0
        self._joined = 0
        self._began_ns = 0
        self._spent_ns = 0
        self._samples = 0

    def turn(self) -> None:
        """Another turn of accepting begins."""
        self._turn += 1

    def begins(self, number: int) -> None:
        """The `number`th of this turn is about to be accepted."""
        if number == self._turn % _SPREAD:
            self._joined = self._counts.joined
            self._began_ns = time.thread_time_ns()

    def accepted(self, number: int, fd: int) -> None:
        """That one is in hand, and was not looked at yet: the first has waited longest."""
        if not number:
            self._waited_ms = waited_ms(fd)
            self.queued(self._waited_ms / 1000)

    def is_gone(self, fd: int) -> bool:
        """Say whether whoever comes here has given up: asked only while the wait is long."""
        return self._waited_ms >= _LONG_MS and has_hung_up(fd)

    def ended(self, number: int) -> None:
        """That one was served as far as they had asked for something."""
        if number == self._turn % _SPREAD and self._counts.joined > self._joined:
            self._spent_ns += time.thread_time_ns() - self._began_ns
            self._samples += 1

    def take_cost_s(self) -> float | None:
        """Return the CPU seconds of one who joins; None until some have been seen."""
        if self._samples < _SAMPLES_MIN:
            return None
        cost_s = self._spent_ns / self._samples / 1e9
        self._spent_ns = self._samples = 0
        return cost_s
