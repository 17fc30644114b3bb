"""The load, the same for every server: the listeners of one process, in one epoll loop.

They come along a ramp and stay; or, as a flood, come one after the other as fast as they are let
in, and leave with their first audio. What they saw goes to the parent; it decides what it means.
"""

import contextlib
import gc
import heapq
import os
import resource
import select
import signal
import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection

from side_by_side.links import connect, reset, secured
from side_by_side.programme import Timeline
from side_by_side.readers import READERS, Broken, Counted, HlsReader, Reader
from side_by_side.target import Target

_BUFFER_BYTES = 512 * 1024
_CONNECTS_PER_TURN = 64
_TELL_NS = 200_000_000
_LIFE_S_MAX = 900.0  # whatever becomes of the parent
_SHAKING_MAX = 256


@dataclass(frozen=True, slots=True)
class Wish:
    """What one process is to do."""

    target: Target
    timeline: Timeline
    number: int  # each process has source addresses of its own
    count: int  # listeners; of a flood: how many at once at most
    ramp_s: float
    cores: tuple[int, ...]
    nice: int = 0
    flood: bool = False
    read_every: int = 1  # of a flood: who waits for the first audio; the others leave unheard
    hold_s: float = 0.3  # of a flood: how long the others stay


class One:
    """One listener's connection."""

    __slots__ = ("began_ns", "link", "reader", "shaking")

    def __init__(self, link: socket.socket, reader: Reader, began_ns: int) -> None:
        self.link = link
        self.reader = reader
        self.began_ns = began_ns
        self.shaking = True


class Crowd:
    """Runs one process's listeners until the parent says that it is over."""

    def __init__(self, wish: Wish, pipe: Connection) -> None:
        self._wish = wish
        self._pipe = pipe
        self._context = wish.target.secure()
        self._epoll = select.epoll()
        self._epoll.register(pipe.fileno(), select.EPOLLIN)
        self._ones: dict[int, One] = {}
        self._heard = 0
        self._shaking = 0
        self._made = 0
        self._lost = 0
        self._why: dict[str, int] = {}
        self._counted = Counted()
        self._first_s: list[float] = []
        self._due: list[tuple[int, int]] = []  # players' next playlist
        self._unheard: deque[tuple[int, socket.socket]] = deque()  # a flood's who never read
        self._buffer = bytearray(_BUFFER_BYTES)
        self._over = False

    def run(self) -> None:
        """Until told to stop; never longer than a quarter of an hour."""
        began_ns = told_ns = time.monotonic_ns()
        last_ns = began_ns + round(_LIFE_S_MAX * 1e9)
        while not self._over and (now_ns := time.monotonic_ns()) < last_ns:
            if self._wish.flood:
                self._come_as_flood(now_ns)
            else:
                self._come(now_ns, began_ns)
            self._ask_due(now_ns)
            for fd, mask in self._epoll.poll(self._timeout_s(now_ns), 512):
                if fd == self._pipe.fileno():
                    self._told(self._pipe.recv())
                else:
                    self._on_event(fd, mask)
            if now_ns - told_ns > _TELL_NS:
                told_ns = now_ns
                self._pipe.send(("state", self._heard, self._made, self._lost))

    def _timeout_s(self, now_ns: int) -> float:
        if self._wish.flood:
            return 0.001
        until_ns = now_ns + _TELL_NS
        if self._due:
            until_ns = min(until_ns, self._due[0][0])
        if self._made < self._wish.count:
            until_ns = min(until_ns, now_ns + 1_000_000)
        return max(0.0, (until_ns - now_ns) / 1e9)

    def _come(self, now_ns: int, began_ns: int) -> None:
        ramp_ns = max(1, round(self._wish.ramp_s * 1e9))
        due = min(self._wish.count, self._wish.count * (now_ns - began_ns) // ramp_ns)
        for _ in range(min(_CONNECTS_PER_TURN, due - self._made)):
            if self._shaking >= _SHAKING_MAX:
                return
            self._connect(now_ns)

    def _come_as_flood(self, now_ns: int) -> None:
        while self._unheard and self._unheard[0][0] <= now_ns:
            reset(self._unheard.popleft()[1])
        for _ in range(_CONNECTS_PER_TURN):
            if len(self._ones) + len(self._unheard) >= self._wish.count:
                return
            if self._made % self._wish.read_every == 0:
                self._connect(now_ns)
                continue
            self._made += 1
            try:
                link = connect(self._wish.target, self._wish.number, self._made)
            except OSError:
                self._lost += 1
                return
            with contextlib.suppress(OSError):
                link.send(self._wish.target.request)
            self._unheard.append((now_ns + round(self._wish.hold_s * 1e9), link))

    def _connect(self, now_ns: int) -> None:
        self._made += 1
        target = self._wish.target
        try:
            link = connect(target, self._wish.number, self._made)
        except OSError as error:
            self._note_lost(str(error))
            return
        one = One(link, READERS[target.protocol](self._counted, target.target_s), now_ns)
        self._shaking += 1
        self._ones[link.fileno()] = one
        self._epoll.register(link.fileno(), select.EPOLLOUT)

    def _on_event(self, fd: int, mask: int) -> None:
        one = self._ones.get(fd)
        if one is None:
            return
        try:
            if one.shaking:
                self._shake(fd, one)
            else:
                self._read(fd, one)
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        except (OSError, Broken) as error:
            self._note_lost(str(error).splitlines()[0] if str(error) else "closed")
            self._leave(fd)

    def _shake(self, fd: int, one: One) -> None:
        if self._context is not None and not isinstance(one.link, ssl.SSLSocket):
            one.link = secured(one.link, self._context)  # connected only now; the same descriptor
        if isinstance(one.link, ssl.SSLSocket):
            self._epoll.modify(fd, select.EPOLLIN)
            one.link.do_handshake()
        request = self._wish.target.request
        if isinstance(one.reader, HlsReader):
            request = one.reader.ask(time.monotonic_ns())
        one.link.send(request)
        self._epoll.modify(fd, select.EPOLLIN)
        one.shaking = False
        self._shaking -= 1

    def _read(self, fd: int, one: One) -> None:
        reader, buffer = one.reader, self._buffer
        while True:
            size = one.link.recv_into(buffer)
            if size == 0:
                raise Broken("closed by the server")
            now_ns = time.monotonic_ns()
            counted = self._counted
            counted.bytes += size
            counted.reads += 1
            before = reader.player.end
            request = reader.take(buffer, size, now_ns)
            if before < 0 <= reader.player.end:
                self._heard += 1
                self._first_s.append((now_ns - one.began_ns) / 1e9)
                if self._wish.flood:
                    self._leave(fd)
                    return
            if request:
                one.link.send(request)
            elif isinstance(reader, HlsReader) and reader.due_ns:
                heapq.heappush(self._due, (reader.due_ns, fd))
            if self._context is None:
                return

    def _ask_due(self, now_ns: int) -> None:
        while self._due and self._due[0][0] <= now_ns:
            _, fd = heapq.heappop(self._due)
            one = self._ones.get(fd)
            if one is not None and isinstance(one.reader, HlsReader):
                try:
                    one.link.send(one.reader.ask(now_ns))
                except OSError as error:
                    self._note_lost(str(error))
                    self._leave(fd)

    def _note_lost(self, why: str) -> None:
        self._lost += 1
        self._why[why] = self._why.get(why, 0) + 1

    def _leave(self, fd: int) -> None:
        one = self._ones.pop(fd)
        self._shaking -= one.shaking
        if not self._wish.flood and one.reader.player.end >= 0:
            self._heard -= 1
        reset(one.link)

    def _told(self, what: str) -> None:
        match what:
            case "begin":
                self._begin()
            case "report":
                self._report()
            case _:
                self._over = True

    def _begin(self) -> None:
        """What counts begins now."""
        fresh = Counted()
        for name in ("bytes", "reads", "stalls", "stalled_s"):
            setattr(self._counted, name, getattr(fresh, name))
        self._first_s.clear()

    def _report(self) -> None:
        now_ns = time.monotonic_ns()
        live_s = self._wish.timeline.at_s(now_ns)
        behind: list[float] = []
        for one in self._ones.values():
            if one.reader.player.end >= 0:
                one.reader.player.check(now_ns, self._counted)
                behind.append(live_s - one.reader.player.heard(now_ns))
        counted = self._counted
        self._pipe.send(
            (
                "report",
                {
                    "listeners": len(behind),
                    "heard": self._heard,
                    "made": self._made,
                    "lost": self._lost,
                    "why": self._why,
                    "bytes": counted.bytes,
                    "reads": counted.reads,
                    "stalls": counted.stalls,
                    "stalled_s": counted.stalled_s,
                    "behind_s": sorted(behind),
                    "first_s": sorted(self._first_s),
                },
            )
        )


def run_crowd(wish: Wish, pipe: Connection) -> None:
    """The process: serve the wish, then leave without ceremony, which resets every connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, wish.cores)
    with contextlib.suppress(OSError):
        os.nice(wish.nice)
    gc.disable()
    crowd = Crowd(wish, pipe)
    with contextlib.suppress(EOFError, BrokenPipeError):
        crowd.run()
    for one in tuple(crowd._ones.values()):
        reset(one.link)
    os._exit(0)
