"""A lane: listeners of one stream who are given the same bytes at the same moments.

Whoever keeps up is a number in a set and costs one `send()` a delivery. Whoever does not gets a
place of their own until they have caught up, or are moved to the live edge and told so. Nobody
here waits for anybody.
"""

import os
from collections.abc import Callable

from stentor.edge.answer import LAST_CHUNK, http_chunk
from stentor.edge.counts import Counts
from stentor.edge.limits import Limits
from stentor.edge.loop import BEHIND, GONE, QUIET, Loop
from stentor.edge.rooms import Room, Stream, jump_event

_REFILL_PARTS = 4  # a listener behind is given so much at once: jumps happen between refills
_REFILLS_PER_TURN = 4


class Totals:
    """What a room's push listeners did since the edge started."""

    __slots__ = ("joined", "jumped")

    def __init__(self) -> None:
        self.joined = 0
        self.jumped = 0


class Behind:
    """A listener with unsent bytes: `rest` is the remainder of shared bytes, `at` what follows."""

    __slots__ = ("at", "heard", "moved_ns", "rest", "said_farewell")

    def __init__(self, rest: memoryview | None, at: int, heard: int, now_ns: int) -> None:
        self.rest = rest
        self.at = at
        self.heard = heard  # how many interim events the lane had said
        self.moved_ns = now_ns
        self.said_farewell = False


class Lane:
    """Listeners who get `parts` parts at a time, of the phase `phase` in the part count."""

    __slots__ = (
        "_counts",
        "_gone",
        "_limits",
        "_loop",
        "_now_ns",
        "_totals",
        "at",
        "behind",
        "caught_up",
        "closing",
        "heard",
        "parts",
        "phase",
        "room",
        "stream",
        "welcome",
    )

    def __init__(
        self,
        room: Room,
        stream: Stream,
        parts: int,
        phase: int,
        *,
        loop: Loop,
        limits: Limits,
        counts: Counts,
        now_ns: Callable[[], int],
        gone: Callable[[int], None],
        totals: Totals,
    ) -> None:
        self.room = room
        self.stream = stream
        self.parts = parts
        self.phase = phase
        self.at = stream.first  # the next part that those who keep up are due
        self.at = self.due()
        self.caught_up: set[int] = set()
        self.behind: dict[int, Behind] = {}
        self.welcome: bytes | None = None  # what a joiner gets, until something changes
        self.closing = False
        self.heard = 0
        self._loop = loop
        self._limits = limits
        self._counts = counts
        self._now_ns = now_ns
        self._gone = gone
        self._totals = totals

    @property
    def listeners(self) -> int:
        """How many are in this lane."""
        return len(self.caught_up) + len(self.behind)

    def due(self) -> int:
        """Return up to where this lane's listeners should have been given parts by now."""
        newest = self.stream.next
        if self.stream.whole:
            return newest
        return max(self.at, newest - (newest - self.phase) % self.parts)

    def deliver(self) -> None:
        """Give those who keep up what is due."""
        due = self.due()
        if due <= self.at:
            return
        start, self.at = self.at, due
        self.welcome = None
        first = max(start, self.stream.first)
        data = self.stream.chunked(first, due)
        if first > start > 0:  # the feed had a hole
            data = http_chunk(jump_event(start, first)) + data
        self._send(data)

    def interim(self, event: bytes) -> None:
        """Tell those who keep up something between parts."""
        self.welcome = None
        self.heard += 1
        self._send(http_chunk(event))

    def finish(self) -> None:
        """The programme is over: say so and let everyone go who has got everything."""
        self.closing = True
        self.welcome = None
        leaving, self.caught_up = self.caught_up, set()
        for fd in leaving:
            behind = self.behind[fd] = Behind(None, self.at, self.heard, self._now_ns())
            self._drain(fd, behind)
            if fd in self.behind:  # cannot take even this just now
                self._loop.change(fd, BEHIND)

    def join(self, fd: int, welcome: bytes) -> None:
        """Take a listener whose descriptor is watched as QUIET from now on."""
        self._counts.joined += 1
        try:
            sent = os.write(fd, welcome)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._let_go(fd)
            return
        if sent == len(welcome):
            self.caught_up.add(fd)
        else:
            self._fall_behind(fd, memoryview(welcome)[sent:])

    def on_event(self, fd: int, mask: int) -> None:
        """A listener left, or one who is behind can take more."""
        if mask & GONE:
            self._let_go(fd)
            return
        behind = self.behind.get(fd)
        if behind is not None:
            self._drain(fd, behind)

    def on_fault(self, fd: int) -> None:
        """Forget a listener: a number that stays here would be somebody else's tomorrow."""
        self._let_go(fd)

    def sweep(self, now_ns: int) -> None:
        """Let go of those who have taken nothing for very long."""
        limit_ns = now_ns - self._limits.listener_stalled_ns
        for fd in [fd for fd, behind in self.behind.items() if behind.moved_ns < limit_ns]:
            self._counts.stalled_closed += 1
            self._let_go(fd)

    def _send(self, data: bytes) -> None:
        """The one loop that matters: the same bytes to everyone who keeps up."""
        write, size = os.write, len(data)
        slow: list[tuple[int, int]] = []
        lost: list[int] = []
        for fd in self.caught_up:
            try:
                sent = write(fd, data)
            except BlockingIOError:
                slow.append((fd, 0))
                continue
            except OSError:
                lost.append(fd)
                continue
            if sent != size:
                slow.append((fd, sent))
        self._counts.deliveries += len(self.caught_up)
        self._counts.bytes_sent += size * len(self.caught_up)
        if slow:
            rest = memoryview(data)
            for fd, sent in slow:
                self.caught_up.discard(fd)
                self._fall_behind(fd, rest[sent:])
        for fd in lost:
            self._let_go(fd)

    def _fall_behind(self, fd: int, rest: memoryview) -> None:
        self._counts.partial_sends += 1
        self.behind[fd] = Behind(rest, self.at, self.heard, self._now_ns())
        self._loop.change(fd, BEHIND)

    def _drain(self, fd: int, behind: Behind) -> None:
        for _ in range(_REFILLS_PER_TURN):
            if behind.rest is None and not self._refill(fd, behind):
                return
            assert behind.rest is not None
            try:
                sent = os.write(fd, behind.rest)
            except BlockingIOError:
                return
            except OSError:
                self._let_go(fd)
                return
            behind.moved_ns = self._now_ns()
            self._counts.bytes_sent += sent
            if sent < len(behind.rest):
                behind.rest = behind.rest[sent:]
                return
            behind.rest = None

    def _refill(self, fd: int, behind: Behind) -> bool:
        """Find what a listener at a boundary gets next; say whether there is anything."""
        stream = self.stream
        oldest = max(stream.first, stream.next - self._limits.lag_parts_max)
        if behind.at < oldest and self.at > behind.at:
            to_part = max(stream.first, self.at - self._limits.back_parts, behind.at)
            news = jump_event(behind.at, to_part) + self.room.state_event()
            behind.rest = memoryview(http_chunk(news))
            behind.at, behind.heard = to_part, self.heard
            self._counts.jumped += 1
            self._totals.jumped += 1
            return True
        if behind.at < self.at:
            stop = min(self.at, behind.at + _REFILL_PARTS)
            behind.rest = memoryview(stream.chunked(behind.at, stop))
            behind.at = stop
            return True
        if self.closing and behind.said_farewell:
            self._let_go(fd)
            return False
        if self.closing:
            behind.said_farewell = True
            behind.rest = memoryview(self._farewell())
            return True
        if behind.heard != self.heard:  # there was a state to tell, so there is one
            behind.heard = self.heard
            behind.rest = memoryview(http_chunk(self.room.state_event()))
            return True
        del self.behind[fd]
        self.caught_up.add(fd)
        self._loop.change(fd, QUIET)
        return False

    def _farewell(self) -> bytes:
        event = self.room.state_event()
        return http_chunk(event) + LAST_CHUNK if event else LAST_CHUNK

    def _let_go(self, fd: int) -> None:
        self.caught_up.discard(fd)
        self.behind.pop(fd, None)
        self._counts.left += 1
        self._loop.drop(fd)
        self._gone(fd)
