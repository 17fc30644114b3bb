"""The listeners of one process: an epoll loop that connects them when they are due, and reads.

Arrivals are open-loop: they come when they are due, whatever the server does, and wait from then.
What most listeners get is the next delivery that all get: that path is a read, a comparison, and
arithmetic on two numbers. Everything else takes the slower way.
"""

import contextlib
import heapq
import os
import select
import socket
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from stentor.base.clock import Clock
from stentor.load.audience import Audience, Trait
from stentor.load.course import Course, Node, Step
from stentor.load.reading import BrokenStream
from stentor.load.report import BIN_NS, BINS_MAX, Tally
from stentor.load.sampling import Decoder, Sample
from stentor.load.target import Target

_BIND_ADDRESS_NO_PORT = 24
_READ_BYTES = 131_072  # a delivery of the slowest lane, mostly at once
_READS_AT_JOIN = 8
_EVENTS_PER_TURN = 4096
_CONNECTS_PER_TURN = 64
_RETRY_NS = 250_000_000
_FIRST_RETRY_NS = 20_000_000
_ATTEMPTS_MAX = 40
_SECOND_NS = 1_000_000_000


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
    decoding: int = 1


class Fleet:
    """Runs one process's listeners."""

    def __init__(self, wish: Wish, clock: Clock, make_decoder: Callable[[], Decoder]) -> None:
        self._wish = wish
        self._clock = clock
        self.tally = Tally(wanted=wish.count)
        self.course = Course()
        self.audience = Audience(wish.count, self.course, self.tally, wish.buffer_s)
        self.sample = Sample(self.tally, wish.target.rendition, make_decoder)
        self._epoll = select.epoll()
        self._nodes: list[Node | None] = []
        self._who = array("i")
        self._connecting: set[int] = set()
        self._begun = 0
        self._again: list[tuple[int, int]] = []
        self._late = [0] * (BINS_MAX + 1)
        self.connected = 0

    def run(self, progress: Callable[["Fleet"], None]) -> Tally:
        """Connect, read and check until the time is over or everyone's room has ended."""
        self._plan()
        told_ns = 0
        while (now_ns := time.monotonic_ns()) < self._wish.end_ns:
            if now_ns - told_ns > _SECOND_NS:
                told_ns = now_ns
                self.course.wall_ahead_ns = self._clock.now_ns() - now_ns
                self.course.forget(now_ns)
                progress(self)
            self._connect_due(now_ns)
            if not self.connected and not self._again and self._begun == self._wish.count:
                break
            self._turn(self._epoll.poll(self._timeout_s(now_ns), _EVENTS_PER_TURN))
        return self._close()

    def _plan(self) -> None:
        wish, audience = self._wish, self.audience
        for who in range(wish.count):
            audience.due_ns[who] = wish.begin_ns + wish.ramp_ns * who // wish.count
            if who % wish.sampled_every == 0:
                audience.traits[who] = Trait.SAMPLED
                self.sample.choose(who, decodes=who < wish.decoding * wish.sampled_every)

    def _timeout_s(self, now_ns: int) -> float:
        until_ns = min(self._wish.end_ns, now_ns + _SECOND_NS // 4)
        if self._begun < self._wish.count:
            until_ns = min(until_ns, self.audience.due_ns[self._begun])
        if self._again:
            until_ns = min(until_ns, self._again[0][0])
        return max(0.0, (until_ns - now_ns) / 1e9)

    def _turn(self, events: list[tuple[int, int]]) -> None:
        """The one loop that matters: read, compare, add."""
        read, clock, readable = os.read, time.monotonic_ns, select.EPOLLIN
        nodes, who_of, dry_ns, late = self._nodes, self._who, self.audience.dry_ns, self._late
        parts = size = 0
        for fd, mask in events:
            if mask != readable:
                self._unusual(fd, mask)
                continue
            node = nodes[fd]
            if node is None:
                continue
            try:
                data = read(fd, _READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            step = node.get(len(data))
            if step is None or not step.plain or step.data != data:
                self._slow(fd, node, data)
                continue
            nodes[fd] = step.node
            size += len(data)
            gained_ns = step.gained_ns
            if gained_ns:
                now_ns = clock()
                who = who_of[fd]
                until_ns = dry_ns[who]
                if now_ns <= until_ns:
                    dry_ns[who] = until_ns + gained_ns
                else:
                    self.audience.stalled(who, now_ns, gained_ns)
                parts += step.parts
                place = (now_ns - step.due_ns) // BIN_NS
                late[place if place < BINS_MAX else BINS_MAX] += 1
        self.tally.parts += parts
        self.tally.bytes += size

    def _connect_due(self, now_ns: int) -> None:
        due_ns, count = self.audience.due_ns, self._wish.count
        for _ in range(_CONNECTS_PER_TURN):
            if self._begun < count and due_ns[self._begun] <= now_ns:
                who = self._begun
                self._begun += 1
            elif self._again and self._again[0][0] <= now_ns:
                _, who = heapq.heappop(self._again)
            else:
                return
            try:
                self._connect(who)
            except OSError:
                self._come_again(who, now_ns)

    def _connect(self, who: int) -> None:
        target = self._wish.target
        connection = socket.socket(target.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            source = target.source(self._wish.number, who)
            if source is not None:
                connection.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
                connection.bind(source)
            with contextlib.suppress(BlockingIOError):
                connection.connect((target.address, target.port))
        except OSError:
            connection.close()
            raise
        fd = connection.detach()
        while fd >= len(self._nodes):
            self._nodes.append(None)
            self._who.append(-1)
        self._who[fd] = who
        self._nodes[fd] = self.course.start
        self.connected += 1
        if self.audience.traits[who] & Trait.SAMPLED:
            self.sample.connecting(who)
            self._nodes[fd] = Node(None, -1, b"")  # its own: nobody goes before it
        try:
            os.write(fd, target.request)  # on loopback it is connected by now
        except BlockingIOError:
            self._connecting.add(fd)
            self._epoll.register(fd, select.EPOLLOUT)
        except OSError:
            self._drop(fd)
            raise
        else:
            self._epoll.register(fd, select.EPOLLIN)

    def _unusual(self, fd: int, mask: int) -> None:
        node = self._nodes[fd]
        if node is None:
            return
        if fd in self._connecting:
            self._connecting.discard(fd)
            try:
                os.write(fd, self._wish.target.request)
            except OSError:
                self._lost(fd, node)
                return
            self._epoll.modify(fd, select.EPOLLIN)
            return
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._slow(fd, node, data)

    def _slow(self, fd: int, node: Node, data: bytes) -> None:
        """Whatever is not just the next delivery, or comes for the first time."""
        who = self._who[fd]
        now_ns = time.monotonic_ns()
        joining = node.position < 0
        for _ in range(_READS_AT_JOIN):
            if not data:
                self._lost(fd, node)
                return
            try:
                step = self._follow(who, node, data, now_ns)
            except BrokenStream:
                self.tally.broken += 1
                self._lost(fd, node)
                return
            self.audience.take(who, node, step, now_ns)
            node = self._nodes[fd] = step.node
            if step.ended:
                self.audience.traits[who] |= Trait.DONE
            if step.ended or (node.head is not None and node.head.status != 200):
                self._lost(fd, node)
                return
            if not joining or node.position < 0:
                return
            try:
                data = os.read(fd, _READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
        self.audience.settle(who, node, now_ns)

    def _follow(self, who: int, node: Node, data: bytes, now_ns: int) -> Step:
        self.tally.bytes += len(data)
        sampled = self.audience.traits[who] & Trait.SAMPLED
        if sampled:
            self.sample.take(who, data)
        return self.course.follow(node, data, now_ns, remember=not sampled)

    def _drop(self, fd: int) -> None:
        os.close(fd)
        self._nodes[fd] = None
        self._connecting.discard(fd)
        self.connected -= 1

    def _lost(self, fd: int, node: Node) -> None:
        who, now_ns = self._who[fd], time.monotonic_ns()
        self._drop(fd)
        status = 0 if node.head is None else node.head.status
        self.audience.left(who, node.position, now_ns)
        if self.audience.traits[who] & Trait.DONE or status == 410:
            self.audience.traits[who] |= Trait.DONE
            self.tally.listeners += 1
            return
        if status == 200:
            self.tally.lost += 1
        elif status:
            self.tally.refused += 1
        self._come_again(who, now_ns)

    def _come_again(self, who: int, now_ns: int) -> None:
        audience = self.audience
        audience.attempts[who] += 1
        if audience.attempts[who] > _ATTEMPTS_MAX:
            return
        self.tally.reconnects += audience.resume[who] >= 0
        wait_ns = _FIRST_RETRY_NS if audience.attempts[who] == 1 else _RETRY_NS
        heapq.heappush(self._again, (now_ns + wait_ns, who))

    def _close(self) -> Tally:
        now_ns = time.monotonic_ns()
        for fd, node in enumerate(self._nodes):
            if node is not None:
                self.tally.listeners += node.head is not None and node.head.status == 200
                self.audience.left(self._who[fd], node.position, now_ns)
        for who in range(self._wish.count):
            self.audience.finish(who, now_ns)
        self.tally.delivered_s.add_bins(self._late)
        self._epoll.close()
        return self.tally
