"""A lane: listeners of one stream who are given the same bytes at the same moments.

Whoever keeps up is a number in a set and costs one `send()` a delivery. Whoever does not gets a
place of their own until they have caught up, or are moved to the live edge and told so; who came
from a faster lane with more than this one has given waits until it has given that. Nobody here
waits for anybody.
"""

from collections.abc import Callable, Collection

from stentor.admission.lanes import margin_parts, period_s
from stentor.edge.answer import LAST_CHUNK, http_chunk
from stentor.edge.counts import Counts
from stentor.edge.limits import Limits
from stentor.edge.loop import BEHIND, GONE, SAID, Loop
from stentor.edge.rooms import Room, Stream, jump_event
from stentor.edge.welcome import Welcome
from stentor.edge.wire import PLAIN, Wire, Write
from stentor.media.renditions import bitrate_of

_REFILL_PARTS = 4  # a listener behind is given so much at once: jumps happen between refills
_REFILLS_PER_TURN = 4
MERGED_PARTS_MIN = 6  # from here on a delivery is one coarser fragment


def unsent_bytes(parts: int, rendition: str, least: int) -> int:
    """Return what the kernel should hold unsent for a listener of a lane: all that it is given.

    With less a delivery to a healthy listener far away would be taken in several pieces, and each
    costs what a delivery does. For fast lanes `least` will do.
    """
    if parts < MERGED_PARTS_MIN:
        return least
    burst_s = period_s(parts + margin_parts(parts))
    return max(least, round(burst_s * bitrate_of(rendition) / 8 * 1.1) + 4096)


class Totals:
    """What a room's push listeners did since the edge started, and how many are there."""

    __slots__ = ("joined", "jumped", "left", "present", "returned")

    def __init__(self) -> None:
        self.present = 0
        self.joined = 0
        self.left = 0
        self.returned = 0
        self.jumped = 0


class Behind:
    """A listener with unsent bytes: `rest` is the remainder of shared bytes, `at` what follows."""

    __slots__ = ("at", "heard", "rest", "said_farewell", "since_ns", "taken")

    def __init__(self, rest: memoryview | None, at: int, heard: int, now_ns: int) -> None:
        self.rest = rest
        self.at = at
        self.heard = heard  # how many interim events the lane had said
        self.said_farewell = False
        self.since_ns = now_ns  # `taken` counts the bytes from then on
        self.taken = 0


class Lane:
    """Listeners who get `parts` parts at a time, of the phase `phase` in the part count."""

    __slots__ = (
        "_counts",
        "_gone",
        "_lag_parts",
        "_limits",
        "_loop",
        "_now_ns",
        "_slow",
        "_totals",
        "_write",
        "ahead",
        "at",
        "behind",
        "caught_up",
        "closing",
        "heard",
        "news",
        "parts",
        "phase",
        "room",
        "spoke_ns",
        "stream",
        "told",
        "unsent_bytes",
        "welcomes",
        "wire",
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
        slow: Callable[[int], None],
        totals: Totals,
        wire: Wire = PLAIN,
    ) -> None:
        self.room = room
        self.stream = stream
        self.parts = parts
        self.phase = phase
        self.at = stream.first  # the next part that those who keep up are due
        self.at = self.due()
        self.caught_up: set[int] = set()
        self.behind: dict[int, Behind] = {}
        self.ahead: dict[int, int] = {}  # has all before this part, which is not due yet
        # What a joiner gets (from a part on, if not None) and where it is then; until it changes.
        self.welcomes: dict[int | None, Welcome] = {}
        self.told = b""  # the state that an interim event told last, and when
        self.spoke_ns = 0
        self.news: dict[str, bytes] = {}  # event boxes for the next delivery, one of a kind
        self.closing = False
        self.heard = 0
        self._loop = loop
        self._limits = limits
        self._counts = counts
        self._now_ns = now_ns
        self._gone = gone
        self._slow = slow
        self._totals = totals
        self.wire = wire
        self._write = wire.write
        self.unsent_bytes = unsent_bytes(parts, stream.rendition, limits.unsent_bytes)
        # A slow lane's listener is not far behind with one delivery on its way.
        self._lag_parts = max(limits.lag_parts_max, 2 * parts + margin_parts(parts))

    @property
    def listeners(self) -> int:
        """How many are in this lane."""
        return len(self.caught_up) + len(self.behind) + len(self.ahead)

    def due(self) -> int:
        """Return up to where this lane's listeners should have been given parts by now."""
        newest = self.stream.next
        if self.stream.whole:
            return newest
        return max(self.at, newest - (newest - self.phase) % self.parts)

    def deliver(self) -> None:
        """Give those who keep up what is due."""
        self.welcomes.clear()
        due = self.due()
        if due <= self.at:
            return
        start, self.at = self.at, due
        news = b"".join(self.news.values())
        self.news.clear()
        self._send(self.caught_up, self.span(start, due, news))
        if self.ahead:
            self._give_ahead(news)

    def span(self, start: int, stop: int, news: bytes = b"") -> bytes:
        """Return what a listener who has all before `start` is given to have all before `stop`."""
        stream = self.stream
        first = max(start, stream.first)
        if self.parts >= MERGED_PARTS_MIN:
            data = stream.merged(first, stop)
        else:
            data = stream.chunked(first, stop)
        if first > start > 0:  # the feed had a hole
            data = http_chunk(jump_event(start, first)) + data
        return http_chunk(news) + data if news else data

    def burst_start(self) -> int:
        """Return the first part for a joiner: a delivery that is a little late is not heard."""
        back = self.parts + margin_parts(self.parts)
        return min(self.at, max(self.stream.first, self.stream.next - back))

    def interim(self, event: bytes) -> None:
        """Tell those who keep up something between parts."""
        self.welcomes.clear()
        self.heard += 1
        data = http_chunk(event)
        self._send(self.caught_up, data)
        ahead, self.ahead = self.ahead, {}
        for fd, at in ahead.items():
            self._begin_drain(fd, Behind(memoryview(data), at, self.heard, self._now_ns()))

    def finish(self) -> None:
        """The programme is over: say so and let everyone go who has got everything."""
        self.closing = True
        self.welcomes.clear()
        leaving = [*((fd, self.at) for fd in self.caught_up), *self.ahead.items()]
        self.caught_up, self.ahead = set(), {}
        for fd, at in leaving:
            self._begin_drain(fd, Behind(None, at, self.heard, self._now_ns()))

    def join(
        self, fd: int, welcome: bytes, at: int | None = None, write: Write | None = None
    ) -> None:
        """Take a listener whose descriptor is watched as its wire's `quiet` from now on.

        `at` is the first part that the welcome does not give: `self.at`, or beyond it.
        """
        at = self.at if at is None else at
        self._counts.joined += 1
        self._totals.joined += 1
        self._totals.present += 1
        try:
            sent = (write or self._write)(fd, welcome)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._let_go(fd)
            return
        if sent == len(welcome):
            self._settle(fd, at)
        else:
            self._fall_behind(fd, memoryview(welcome)[sent:], at)

    def on_event(self, fd: int, mask: int) -> None:
        """A listener left, or one who is behind can take more."""
        if mask & GONE:
            self._let_go(fd)
            return
        if mask & SAID and not self.wire.still_there(fd):  # watched on a secure wire only
            self._let_go(fd)
            return
        behind = self.behind.get(fd)
        if behind is not None:
            self._drain(fd, behind)

    def on_fault(self, fd: int) -> None:
        """Forget a listener: a number that stays here would be somebody else's tomorrow."""
        self._let_go(fd)

    def sweep(self, now_ns: int) -> None:
        """Let go of those who have taken next to nothing for very long."""
        limit_ns = now_ns - self._limits.listener_stalled_ns
        for fd, behind in tuple(self.behind.items()):
            if behind.since_ns > limit_ns:
                continue
            if behind.taken < self._limits.listener_bytes_min:
                self._counts.stalled_closed += 1
                self._slow(fd)
                self._let_go(fd)
            else:
                behind.since_ns, behind.taken = now_ns, 0

    def _send(self, to: Collection[int], data: bytes) -> None:
        """The one loop that matters: the same bytes to everyone who keeps up."""
        write, size = self.wire.write_to_many(data, len(to)), len(data)
        slow: list[tuple[int, int]] = []
        lost: list[int] = []
        for fd in to:
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
        self._counts.deliveries += len(to)
        self._counts.bytes_sent += size * len(to)
        if slow:
            rest = memoryview(data)
            for fd, sent in slow:
                self.caught_up.discard(fd)
                self._fall_behind(fd, rest[sent:], self.at)
        for fd in lost:
            self._let_go(fd)

    def _give_ahead(self, news: bytes) -> None:
        """Give those who had more than was due what they do not have yet."""
        by_at: dict[int, list[int]] = {}
        for fd, at in self.ahead.items():
            if at <= self.at:
                by_at.setdefault(at, []).append(fd)
        for at, fds in by_at.items():
            for fd in fds:
                del self.ahead[fd]
            self.caught_up.update(fds)
            data = self.span(at, self.at, news)
            if data:
                self._send(fds, data)

    def _settle(self, fd: int, at: int) -> None:
        if at > self.at:
            self.ahead[fd] = at
        else:
            self.caught_up.add(fd)

    def _fall_behind(self, fd: int, rest: memoryview, at: int) -> None:
        self._counts.partial_sends += 1
        self.behind[fd] = Behind(rest, at, self.heard, self._now_ns())
        self._loop.change(fd, BEHIND)

    def _begin_drain(self, fd: int, behind: Behind) -> None:
        """Give one listener something of their own, at once if they take it."""
        self.behind[fd] = behind
        self._drain(fd, behind)
        if fd in self.behind:  # cannot take even this just now
            self._loop.change(fd, BEHIND)

    def _drain(self, fd: int, behind: Behind) -> None:
        for _ in range(_REFILLS_PER_TURN):
            if behind.rest is None and not self._refill(fd, behind):
                return
            assert behind.rest is not None
            try:
                sent = self._write(fd, behind.rest)
            except BlockingIOError:
                return
            except OSError:
                self._let_go(fd)
                return
            behind.taken += sent
            self._counts.bytes_sent += sent
            if sent < len(behind.rest):
                behind.rest = behind.rest[sent:]
                return
            behind.rest = None

    def _refill(self, fd: int, behind: Behind) -> bool:
        """Find what a listener at a boundary gets next; say whether there is anything."""
        stream = self.stream
        oldest = max(stream.first, stream.next - self._lag_parts)
        if behind.at < oldest and self.at > behind.at:
            to_part = max(self.burst_start(), behind.at)
            news = jump_event(behind.at, to_part) + self.room.state_event()
            behind.rest = memoryview(http_chunk(news))
            behind.at, behind.heard = to_part, self.heard
            self._counts.jumped += 1
            self._totals.jumped += 1
            return True
        if behind.at < self.at:
            stop = min(self.at, behind.at + _REFILL_PARTS)
            behind.rest = memoryview(stream.refill(behind.at, stop))
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
        self._settle(fd, behind.at)
        self._loop.change(fd, self.wire.quiet)
        return False

    def _farewell(self) -> bytes:
        event = self.room.state_event()
        return http_chunk(event) + LAST_CHUNK if event else LAST_CHUNK

    def _let_go(self, fd: int) -> None:
        self.caught_up.discard(fd)
        self.behind.pop(fd, None)
        self.ahead.pop(fd, None)
        self._counts.left += 1
        self._totals.left += 1
        self._totals.present -= 1
        self._loop.drop(fd)
        self._gone(fd)
