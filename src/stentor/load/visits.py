"""Listeners' visits: connecting, being refused or let in, losing the connection, moving, leaving.

Everything that happens seldom to a listener. Behaves as the room's page does: shows its ticket,
waits in line, comes back where it was, moves before it leaves.
"""

import random
import time

from stentor.load.arrivals import Arrivals
from stentor.load.audience import Audience, Trait
from stentor.load.behaviour import (
    FLAKY_AWAY_S,
    HEEDLESS_S,
    RETRY_FIRST_S,
    SLOW_READ_S,
    retry_s,
    slow_read_bytes,
    stays_s,
)
from stentor.load.connections import Connections
from stentor.load.course import Node, Step
from stentor.load.line import Notice, read_in_line, read_notice
from stentor.load.moving import Moving
from stentor.load.plan import Share
from stentor.load.reading import BrokenStream
from stentor.load.sampling import Sample
from stentor.load.schedule import Act, Schedule
from stentor.load.waiting import Queue
from stentor.media.renditions import RENDITIONS

_READS_AT_JOIN = 8
_ATTEMPTS_MAX = 40
_ANSWER_BYTES_MAX = 65_536
_NS = 1_000_000_000


class Visits:
    """What becomes of the listeners of one process."""

    def __init__(
        self,
        share: Share,
        *,
        audience: Audience,
        sample: Sample,
        decoding: set[int],
        schedule: Schedule,
        queue: Queue,
        connections: Connections,
        chance: random.Random,
    ) -> None:
        self._share = share
        self._target = share.target
        self._request = share.target.request()
        self._audience, self._tally = audience, audience.tally
        self._course = audience.course
        self._sample, self._decoding = sample, decoding
        self._schedule = schedule
        self._connections = connections
        self._chance = chance
        self._moving = Moving(audience, schedule, chance)
        self._fd_of = connections.fd_of
        self._asking: dict[int, bytes] = {}  # for the notice; what has come of it
        self.tickets: list[str | None] = [None] * share.count  # the way back in
        self._slow_bytes = slow_read_bytes(RENDITIONS[share.target.rendition].bitrate)
        self.queue = queue
        self.listening = 0

    def act(self, act: Act, who: int, fd: int, now_ns: int) -> None:
        """Do what is due."""
        if act is Act.ALL:
            self._all(now_ns)
            return
        if self._audience.traits[who] & Trait.DONE:
            return
        held = self._fd_of[who]
        if fd >= 0 and held != fd:
            return  # that connection is over
        match act:
            case Act.CONNECT if held < 0:
                self._come(who, now_ns)
            case Act.LOOK if who in self.queue:
                self._open(who, self._target.notice_request, asks=True)
            case Act.LEAVE:
                self._leave(who, now_ns)
            case Act.CUT:
                self._tally.cut += 1
                self._drop(fd)
                self._schedule.at(self._soon(now_ns, FLAKY_AWAY_S), Act.CONNECT, who)
            case Act.READ:
                self._read_a_little(who, fd, now_ns)
            case Act.MOVE if held >= 0:
                self._move(who, held, now_ns)

    def unusual(self, fd: int, mask: int) -> None:
        """Whatever is not merely readable."""
        node = self._connections.nodes[fd]
        if node is None:
            return
        request = self._connections.unsent(fd)
        if request is not None:
            self._send(fd, request)
            return
        data = self._connections.read(fd)
        if data is not None:
            self.take(fd, node, data)

    def take(self, fd: int, node: Node, data: bytes) -> None:
        """Whatever is not just the next delivery, or comes for the first time."""
        if fd in self._asking:
            self._answer(fd, data)
            return
        who = self._connections.who_of[fd]
        now_ns = time.monotonic_ns()
        joining = node.position < 0
        first = not self._audience.traits[who] & Trait.HEARD
        for _ in range(_READS_AT_JOIN):
            if not data:
                self._lost(fd, node, now_ns)
                return
            step = self._follow(fd, who, node, data, now_ns)
            if step is None:
                self._tally.broken += 1
                self._lost(fd, node, now_ns)
                return
            if joining and step.parts:
                self._begins(fd, who)
            self._audience.take(who, node, step, now_ns)
            self._told(fd, who, node, step, now_ns)
            node = self._connections.nodes[fd] = step.node
            if step.ended or (node.head is not None and self._refused(fd, node)):
                self._lost(fd, node, now_ns)
                return
            if not joining or node.position < 0:
                return
            more = self._connections.read(fd)
            if more is None:
                break
            data = more
        if first:
            self._audience.settle(who, node, now_ns)

    def close(self, now_ns: int) -> None:
        """The load is over."""
        audience, tally = self._audience, self._tally
        for fd, node in enumerate(self._connections.nodes):
            who = self._connections.who_of[fd]
            if node is None or fd in self._asking or self._fd_of[who] != fd:
                continue
            if node.head is not None and node.head.status == 200:
                tally.listeners += 1
                lane = str(round((node.head.period_s or 0) * 1000))
                given = node.head.rendition or self._target.rendition
                tally.lanes[lane] = tally.lanes.get(lane, 0) + 1
                tally.renditions[given] = tally.renditions.get(given, 0) + 1
            audience.left(who, node.position, now_ns)
        for who in range(audience.count):
            audience.finish(who, now_ns)
        tally.in_line = len(self.queue)
        self._connections.epoll.close()

    def _come(self, who: int, now_ns: int) -> None:
        """Ask for the stream, with whatever ticket there is."""
        resume = self._audience.resume[who]
        ticket = self.tickets[who] or self.queue.ticket(who)
        if ticket is None:
            request = self._request
        else:
            part = resume if resume >= 0 and self.tickets[who] else None
            request = self._target.request(ticket=ticket, part=part)
        if who in self.queue.called:
            self._audience.called_ns[who] = now_ns
        self._open(who, request)
        if ticket is None and not self._audience.attempts[who]:
            late_ns = time.monotonic_ns() - self._audience.due_ns[who]
            self._tally.late_s.add(late_ns / _NS)

    def _open(self, who: int, request: bytes, *, asks: bool = False) -> None:
        traits = self._audience.traits[who]
        node = self._course.start
        sampled = bool(traits & Trait.SAMPLED) and not asks
        if sampled:
            node = Node(None, -1, b"")  # its own: nobody goes before it
        small = bool(traits & Trait.SLOW)
        try:
            fd = self._connections.open(who, node, small_window=small)
        except OSError:
            self._tally.unanswered += 1
            self._again(who, time.monotonic_ns())
            return
        if asks:
            self._asking[fd] = b""
        elif self._fd_of[who] < 0:
            self._fd_of[who] = fd
        if sampled:
            self._sample.connecting(fd, decodes=who in self._decoding)
        self._send(fd, request)

    def _send(self, fd: int, request: bytes) -> None:
        try:
            self._connections.send(fd, request)
        except OSError:
            node = self._connections.nodes[fd]
            assert node is not None
            self._lost(fd, node, time.monotonic_ns())

    def _follow(self, fd: int, who: int, node: Node, data: bytes, now_ns: int) -> Step | None:
        traits = self._audience.traits[who]
        self._tally.bytes += len(data)
        try:
            if traits & Trait.SAMPLED:
                self._sample.take(fd, data)
            alone = traits & (Trait.SAMPLED | Trait.SLOW)
            return self._course.follow(node, data, now_ns, remember=not alone)
        except BrokenStream:
            return None

    def _begins(self, fd: int, who: int) -> None:
        """The first audio of a connection: from here on it is the one that counts."""
        old = self._fd_of[who]
        if old not in (fd, -1):
            node = self._connections.nodes[old]
            if node is not None:
                self._audience.resume[who] = max(self._audience.resume[who], node.position)
            self._fd_of[who] = fd
            self._drop(old)
            self._tally.moved += 1

    def _told(self, fd: int, who: int, before: Node, step: Step, now_ns: int) -> None:
        if step.ticket is not None:
            self.tickets[who] = step.ticket.ticket
        if step.advice is not None and before.head is not None:
            self._moving.advised(who, step.advice, before.head.period_s or 0.0, now_ns)
        if step.ended:
            self._audience.traits[who] |= Trait.DONE
        head = step.node.head
        if before.head is None and head is not None and head.status == 200:
            self.listening += 1
            self.queue.admitted(who, now_ns)
            if self._audience.traits[who] & Trait.FLAKY:
                self._schedule.at(now_ns + round(stays_s(self._chance) * _NS), Act.CUT, who, fd)
            if self._audience.traits[who] & Trait.SLOW:
                self._connections.rest(fd)
                self._schedule.at(now_ns + round(SLOW_READ_S * _NS), Act.READ, who, fd)

    def _refused(self, fd: int, node: Node) -> bool:
        """Say whether this is another answer than the stream, and all of it has come."""
        head = node.head
        assert head is not None
        if head.status == 200:
            return False
        return head.body_bytes is None or len(node.tail) >= head.body_bytes

    def _lost(self, fd: int, node: Node, now_ns: int) -> None:
        """A connection is over, and not by our doing."""
        who, head = self._connections.who_of[fd], node.head
        asking = fd in self._asking
        in_use = self._fd_of[who] == fd
        self._drop(fd)
        if asking:
            self._noticed(who, None, now_ns)
            return
        if not in_use:  # a move that came to nothing
            return
        tally = self._tally
        if self._audience.traits[who] & Trait.DONE or (head is not None and head.status == 410):
            self._audience.traits[who] |= Trait.DONE
            tally.listeners += 1
            return
        if head is None:
            tally.unanswered += 1
            self._again(who, now_ns)
        elif head.status == 200:
            tally.lost += 1
            self._again(who, now_ns)
        else:
            self._turned_away(who, node, now_ns)

    def _turned_away(self, who: int, node: Node, now_ns: int) -> None:
        head = node.head
        assert head is not None
        if self._audience.traits[who] & Trait.HEEDLESS:  # as a page with a bug might
            self._tally.heedless += 1
            again_s = HEEDLESS_S * self._chance.uniform(0.5, 1.5)
            self._schedule.at(now_ns + round(again_s * _NS), Act.CONNECT, who)
            return
        place = read_in_line(node.tail) if head.status == 503 else None
        if place is not None:
            self.tickets[who] = None
            self._audience.called_ns.pop(who, None)
            if who not in self.queue:
                self._tally.told_s.add((now_ns - self._audience.due_ns[who]) / _NS)
            look_ns = self.queue.refused(who, place, now_ns)
            # As the page: for a place of one's own one comes, without a look at the notice.
            self._schedule.at(look_ns, Act.CONNECT if place.shared else Act.LOOK, who)
            return
        if b"doors-closed" in node.tail:
            self._tally.doors_closed += 1
            wait_s = (head.retry_after_s or 1.0) * self._chance.uniform(0.75, 1.25)
            self._schedule.at(now_ns + round(wait_s * _NS), Act.CONNECT, who)
            return
        self._tally.refused += 1
        self._again(who, now_ns)

    def _again(self, who: int, now_ns: int) -> None:
        """Come again as a page does: nearly at once, then after twice as long each time."""
        audience = self._audience
        attempt = audience.attempts[who]
        if attempt >= _ATTEMPTS_MAX:
            return
        audience.attempts[who] = attempt + 1
        self._tally.reconnects += audience.resume[who] >= 0
        wait_ns = round(retry_s(attempt, self._chance) * _NS)
        self._schedule.at(now_ns + wait_ns, Act.CONNECT, who)

    def _drop(self, fd: int) -> None:
        """Close a connection and keep what its listener must know."""
        who, now_ns = self._connections.who_of[fd], time.monotonic_ns()
        node = self._connections.close(fd)
        if self._asking.pop(fd, None) is not None:
            return
        self._sample.closed(fd)
        if node is not None and node.head is not None and node.head.status == 200:
            self.listening -= 1
        if self._fd_of[who] == fd:
            self._fd_of[who] = -1
            position = -1 if node is None else node.position
            self._audience.left(who, position, now_ns)
            if position >= 0:
                self._audience.lost_ns[who] = now_ns

    def _leave(self, who: int, now_ns: int) -> None:
        self._tally.left += 1
        self._audience.finish_early(who, now_ns)
        fd = self._fd_of[who]
        if fd >= 0:
            self._drop(fd)

    def _all(self, now_ns: int) -> None:
        """Everyone at once: cut, or gone."""
        back = self._share.coming.pattern is Arrivals.REJOIN
        for who in range(self._share.count):
            fd = self._fd_of[who]
            if fd < 0 or self._audience.traits[who] & Trait.DONE:
                continue
            if not back:
                self._leave(who, now_ns)
                continue
            self._tally.cut += 1
            self._drop(fd)
            self._tally.reconnects += 1
            self._schedule.at(self._soon(now_ns, RETRY_FIRST_S), Act.CONNECT, who)
        if not back:
            self._schedule.arrivals = self._schedule.arrivals[: self._schedule.begun]

    def _soon(self, now_ns: int, within_s: float) -> int:
        return now_ns + round(self._chance.uniform(0, within_s) * _NS)

    def _read_a_little(self, who: int, fd: int, now_ns: int) -> None:
        self._schedule.at(now_ns + round(SLOW_READ_S * _NS), Act.READ, who, fd)
        node = self._connections.nodes[fd]
        data = None if node is None else self._connections.read(fd, self._slow_bytes)
        if node is not None and data is not None:
            self.take(fd, node, data)

    def _move(self, who: int, fd: int, now_ns: int) -> None:
        """Go on in another lane: the new connection first, then the old one's end."""
        node = self._connections.nodes[fd]
        if node is None or node.position < 0:
            return
        period_ms = self._moving.sets_out(who, now_ns)
        if period_ms is not None:
            request = self._target.request(
                ticket=self.tickets[who], part=node.position, period_ms=period_ms
            )
            self._open(who, request)

    def _answer(self, fd: int, data: bytes) -> None:
        """The notice is coming, or has come."""
        who, now_ns = self._connections.who_of[fd], time.monotonic_ns()
        if data and len(self._asking[fd]) < _ANSWER_BYTES_MAX:
            self._asking[fd] += data
            return
        _, _, body = self._asking[fd].partition(b"\r\n\r\n")
        self._drop(fd)
        self._noticed(who, read_notice(body), now_ns)

    def _noticed(self, who: int, notice: Notice | None, now_ns: int) -> None:
        if who not in self.queue:
            return
        look_ns = self.queue.noticed(who, notice, now_ns)
        if look_ns is None:
            self._come(who, now_ns)
        else:
            self._schedule.at(look_ns, Act.LOOK, who)
