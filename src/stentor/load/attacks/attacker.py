"""One process's attackers on TCP: opens, says, waits, sips and drips, and counts what came of it.

Open loop: visits are due by the clock alone, however the other end fares. What a visit is was
decided in `conduct`; what may be held is bounded by `bounds`, the oldest go first.
"""

import heapq
import os
import select
import socket
import struct
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from stentor.load.attacks.aim import Aim, open_stream
from stentor.load.attacks.bounds import HELD_MAX, PATIENCE_S, TAIL_BYTES_MAX
from stentor.load.attacks.conduct import Plain
from stentor.load.attacks.outcome import Outcome
from stentor.load.attacks.span import Span
from stentor.load.attacks.visit import Then, Visit

_NS = 1_000_000_000
_BEGUN_PER_TURN = 64
_EVENTS_PER_TURN = 512
_EVERY_NS = 1 * _NS  # between two sips or drips
_SIP_BYTES = 16
_READ_BYTES = 131_072
_LATER_MAX = 50_000
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: the port is free again at once


class _Guest:
    """One connection."""

    __slots__ = ("answer", "since_ns", "socket", "status", "unsaid", "visit", "wanted")

    def __init__(self, visit: Visit, since_ns: int, connection: socket.socket) -> None:
        self.visit = visit
        self.since_ns = since_ns
        self.unsaid = visit.says
        self.answer = b""
        self.status = 0
        self.wanted = -1  # bytes of head and body; −1: not known yet
        self.socket = connection


def _read_head(data: bytes) -> tuple[int, int] | None:
    """Return an answer's status and how long it is, None while that is not clear."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    status = int(data[9:12]) if data[9:12].isdigit() else -1
    head = data[:end].lower()
    at = head.find(b"content-length: ")
    body = head[at + 16 :].split(b"\r\n", 1)[0] if at >= 0 else b"0"
    return status, end + 4 + (int(body) if body.isdigit() else 0)


class Attackers:
    """The attackers of one process; `number` of `of` takes every of-th visit."""

    def __init__(
        self,
        aim: Aim,
        conduct: Plain,
        per_s: float,
        number: int,
        of: int,
        source: Callable[[int], str],
    ) -> None:
        self._aim = aim
        self._conduct = conduct
        self._per_s = per_s / of
        self._number, self._of = number, of
        self._source = source
        self._epoll = select.epoll()
        self._guests: OrderedDict[int, _Guest] = OrderedDict()
        self._next_acts: deque[tuple[int, int, _Guest]] = deque()
        self._later: list[tuple[int, int, Visit]] = []
        self.outcome = Outcome()

    def run(self, span: Span) -> Outcome:
        """Attack until the time is over."""
        outcome, begun = self.outcome, 0
        while (now_ns := time.monotonic_ns()) < span.end_ns:
            due = int((now_ns - span.begin_ns) / _NS * self._per_s) + 1
            for _ in range(min(due - begun, _BEGUN_PER_TURN)):
                self._begin(self._conduct.visit(begun * self._of + self._number), now_ns)
                begun += 1
            outcome.due = due
            self._follow_up(now_ns)
            self._act(now_ns)
            self._lose_patience(now_ns)
            until_ns = span.begin_ns + round(begun / self._per_s * _NS)
            wait_s = min(0.02, max(0.0, (until_ns - time.monotonic_ns()) / _NS))
            for fd, mask in self._epoll.poll(wait_s, _EVENTS_PER_TURN):
                self._event(fd, mask)
        outcome.sent = begun
        outcome.seconds = (time.monotonic_ns() - span.begin_ns) / _NS
        outcome.held = len(self._guests)
        for guest in self._guests.values():
            outcome.count(guest.visit.kind, str(guest.status or "open"))
            guest.socket.close()
        self._epoll.close()
        return outcome

    def _begin(self, visit: Visit, now_ns: int) -> None:
        try:
            source = self._source(visit.source)
            connection = open_stream(self._aim, source, window_bytes=visit.window_bytes)
        except OSError as error:
            self.outcome.unconnected += 1
            self.outcome.count(visit.kind, os.strerror(error.errno or 0))
            return
        while len(self._guests) >= HELD_MAX:
            fd, oldest = next(iter(self._guests.items()))
            self.outcome.given_up += 1
            self._end(fd, oldest, "given up")
        fd = connection.fileno()
        guest = self._guests[fd] = _Guest(visit, now_ns, connection)
        self._epoll.register(fd, select.EPOLLIN)
        if visit.then in (Then.SIPS, Then.DRIPS):
            self._next_acts.append((now_ns + _EVERY_NS, fd, guest))
        self._say(fd, guest)

    def _say(self, fd: int, guest: _Guest) -> None:
        if not guest.unsaid:
            return
        try:
            sent = guest.socket.send(guest.unsaid)
        except BlockingIOError:
            self._epoll.modify(fd, select.EPOLLIN | select.EPOLLOUT)
            return
        except OSError:
            self._end(fd, guest, "cut")
            return
        guest.unsaid = guest.unsaid[sent:]
        wanted = select.EPOLLIN if guest.visit.then is not Then.SIPS else 0
        self._epoll.modify(fd, wanted | (select.EPOLLOUT if guest.unsaid else 0))

    def _event(self, fd: int, mask: int) -> None:
        guest = self._guests.get(fd)
        if guest is None:
            return
        if mask & select.EPOLLOUT:
            self._say(fd, guest)
        if mask & ~select.EPOLLOUT and fd in self._guests:
            self._read(fd, guest, _READ_BYTES)

    def _read(self, fd: int, guest: _Guest, most: int) -> None:
        try:
            data = guest.socket.recv(most)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.outcome.bytes_read += len(data)
        if not data:
            self._end(fd, guest, str(guest.status or "cut"))
            return
        if guest.wanted < 0:
            guest.answer += data
            self._look(guest)
        elif len(guest.answer) < min(guest.wanted, TAIL_BYTES_MAX):
            guest.answer += data
        stays = guest.visit.then is Then.DRIPS or (
            guest.status == 200 and guest.visit.then is not Then.LEAVES
        )
        if guest.status and not stays and len(guest.answer) >= min(guest.wanted, TAIL_BYTES_MAX):
            self._answered(fd, guest)

    def _look(self, guest: _Guest) -> None:
        found = _read_head(guest.answer)
        if found is None:
            return
        guest.status, guest.wanted = found
        self.outcome.answered += 1
        self.outcome.let_in += guest.status == 200 and b"audio/mp4" in guest.answer[:1024]

    def _answered(self, fd: int, guest: _Guest) -> None:
        body = guest.answer.partition(b"\r\n\r\n")[2]
        later = self._conduct.heard(guest.visit, guest.status, body)
        if later is not None and len(self._later) < _LATER_MAX:
            at_ns = time.monotonic_ns() + round(later.in_s * _NS)
            heapq.heappush(self._later, (at_ns, fd, later.visit))
        self._end(fd, guest, str(guest.status))

    def _end(self, fd: int, guest: _Guest, ending: str) -> None:
        self._guests.pop(fd, None)
        self.outcome.cut += ending == "cut"
        self.outcome.unanswered += ending == "unanswered"
        self.outcome.count(guest.visit.kind, ending)
        guest.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        guest.socket.close()

    def _follow_up(self, now_ns: int) -> None:
        for _ in range(_BEGUN_PER_TURN):
            if not self._later or self._later[0][0] > now_ns:
                return
            self._begin(heapq.heappop(self._later)[2], now_ns)

    def _act(self, now_ns: int) -> None:
        """Sip or drip, where it is time."""
        while self._next_acts and self._next_acts[0][0] <= now_ns:
            _, fd, guest = self._next_acts.popleft()
            if self._guests.get(fd) is not guest:
                continue
            self._next_acts.append((now_ns + _EVERY_NS, fd, guest))
            if guest.visit.then is Then.DRIPS:
                guest.unsaid += guest.visit.drip
                self._say(fd, guest)
            else:
                self._read(fd, guest, _SIP_BYTES)

    def _lose_patience(self, now_ns: int) -> None:
        """Let go of who got no answer in time; who holds a connection on purpose stays."""
        for fd, guest in tuple(self._guests.items())[:_BEGUN_PER_TURN]:
            if now_ns - guest.since_ns < PATIENCE_S * _NS:
                return
            if guest.visit.then is Then.LEAVES:
                self._end(fd, guest, "unanswered")
            else:
                self._guests.move_to_end(fd)
                guest.since_ns = now_ns
