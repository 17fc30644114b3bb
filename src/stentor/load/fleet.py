"""The listeners of one process: an epoll loop that connects them on schedule and reads.

Arrivals are open-loop: they come when they are due, whatever the server does. A listener whose
connection ends before the room does comes back, as a page would.
"""

import contextlib
import heapq
import os
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from stentor.base.clock import Clock
from stentor.load.listener import Bench, BrokenStream, Decoder, Listener
from stentor.load.report import Tally
from stentor.load.target import Target

SOURCE_CONNECTIONS_MAX = 8000  # per address: from the 14,116th on, a connect searches for long
_BIND_ADDRESS_NO_PORT = 24
_READ_BYTES = 65_536
_RETRY_S = 0.25
_ATTEMPTS_MAX = 40
_CONNECTS_PER_TURN = 200
_PROGRESS_S = 0.5


@dataclass(frozen=True, slots=True)
class Wish:
    """What one process is to do. Times are monotonic nanoseconds, the same for all processes."""

    target: Target
    count: int
    number: int  # which process it is: each has source addresses of its own
    begin_ns: int
    ramp_ns: int
    end_ns: int
    sampled_every: int
    buffer_s: float | None = None


class Fleet:
    """Runs one process's listeners."""

    def __init__(self, wish: Wish, clock: Clock, make_decoder: Callable[[], Decoder]) -> None:
        self._wish = wish
        self._clock = clock
        self._make_decoder = make_decoder
        self.tally = Tally(wanted=wish.count)
        self._bench = Bench(self.tally, wish.buffer_s)
        self._request = wish.target.request
        self._epoll = select.epoll()
        self._sockets: dict[int, tuple[socket.socket, Listener]] = {}
        self._due: list[tuple[int, int, Listener]] = []
        self._places: dict[Listener, int] = {}
        self._everyone: list[Listener] = []

    @property
    def connected(self) -> int:
        """How many have a connection."""
        return len(self._sockets)

    def run(self, progress: Callable[["Fleet"], None]) -> Tally:
        """Connect, read and check until the time is over or everyone's room has ended."""
        self._plan()
        told_ns = 0
        while (now_ns := time.monotonic_ns()) < self._wish.end_ns:
            self._connect_due(now_ns)
            if not self._sockets and not self._due:
                break
            for fd, mask in self._epoll.poll(self._timeout_s(now_ns), 1024):
                self._on_event(fd, mask)
            if now_ns - told_ns > _PROGRESS_S * 1e9:
                told_ns = now_ns
                progress(self)
        return self._close()

    def _plan(self) -> None:
        wish = self._wish
        for place in range(wish.count):
            sampled = place % wish.sampled_every == 0
            decoder = self._make_decoder() if place == 0 else None
            listener = Listener(self._bench, sampled=sampled, decoder=decoder)
            due_ns = wish.begin_ns + wish.ramp_ns * place // wish.count
            self._everyone.append(listener)
            self._due.append((due_ns, place, listener))

    def _timeout_s(self, now_ns: int) -> float:
        until_ns = self._wish.end_ns
        if self._due:
            until_ns = min(until_ns, self._due[0][0])
        return min(0.25, max(0.0, (until_ns - now_ns) / 1e9))

    def _connect_due(self, now_ns: int) -> None:
        for _ in range(_CONNECTS_PER_TURN):
            if not self._due or self._due[0][0] > now_ns:
                return
            _, place, listener = heapq.heappop(self._due)
            listener.connecting(now_ns)
            try:
                connection = self._connect(place)
            except OSError:
                self._again(place, listener)
                continue
            self._sockets[connection.fileno()] = connection, listener
            self._places[listener] = place
            self._epoll.register(connection.fileno(), select.EPOLLOUT)

    def _connect(self, place: int) -> socket.socket:
        address, port = self._wish.target.address, self._wish.target.port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            if family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
                block = place // SOURCE_CONNECTIONS_MAX
                connection.bind((f"127.{10 + self._wish.number}.{block % 250}.1", 0))
            with contextlib.suppress(BlockingIOError):
                connection.connect((address, port))
        except OSError:
            connection.close()
            raise
        return connection

    def _on_event(self, fd: int, mask: int) -> None:
        held = self._sockets.get(fd)
        if held is None:
            return
        connection, listener = held
        if mask & select.EPOLLOUT:
            try:
                connection.send(self._request)
            except OSError:
                self._lost(fd)
                return
            self._epoll.modify(fd, select.EPOLLIN)
            return
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost(fd)
            return
        try:
            listener.take(data, time.monotonic_ns(), self._clock.now_ns())
        except BrokenStream:
            self.tally.broken += 1
            self._lost(fd)
            return
        if listener.ended or listener.status not in (0, 200):
            self._lost(fd)

    def _lost(self, fd: int) -> None:
        connection, listener = self._sockets.pop(fd)
        connection.close()
        place = self._places.pop(listener)
        if listener.ended or listener.status == 410:
            self.tally.listeners += 1
            return
        if listener.status == 200:
            self.tally.lost += 1
        elif listener.status:
            self.tally.refused += 1
        self._again(place, listener)

    def _again(self, place: int, listener: Listener) -> None:
        listener.attempts += 1
        if listener.attempts > _ATTEMPTS_MAX:
            return
        self.tally.reconnects += listener.next_part >= 0
        wait_s = 0.02 if listener.attempts == 1 else _RETRY_S
        heapq.heappush(self._due, (time.monotonic_ns() + round(wait_s * 1e9), place, listener))

    def _close(self) -> Tally:
        now_ns = time.monotonic_ns()
        for connection, listener in self._sockets.values():
            self.tally.listeners += listener.status == 200
            connection.close()
        for listener in self._everyone:
            listener.finish(now_ns)
        self._epoll.close()
        return self.tally
