"""The old edge's side of a deploy: it gives all to a successor, or goes on as before.

Listeners are copied first, while they are still being served: both processes hold their sockets.
Then nothing is delivered for a moment, everyone's place is written down, and whoever takes the
token owns them all. Until then no failure of the successor touches anybody.
"""

import errno
import os
import time
from collections import deque
from enum import Enum
from pathlib import Path

from stentor.base.logs import log
from stentor.edge import passing
from stentor.edge.inheritance import write_rooms, write_will
from stentor.edge.lane import Lane
from stentor.edge.leaving import Household, Leaving
from stentor.edge.loop import READ
from stentor.edge.passing import (
    DESCRIPTORS_MAX,
    VERSION,
    Batch,
    Begin,
    Channel,
    Estate,
    Frozen,
    Garbled,
    Hello,
    Refused,
    Serving,
    Taken,
)

PATIENCE_S = 20.0  # from a successor's first word to its last
FREEZE_S_MAX = 0.5  # so long nobody is delivered anything; a player's margin is no longer
_LAST_WORD_NS = 500_000_000  # closed at once, what was said last could be lost
_REFUSED_MAX = 8
_UNANSWERED_MAX = 8  # batches under way: the kernel bounds descriptors that nobody has taken


class Stand(Enum):
    """How far a handover has come."""

    ALONE = "alone"
    GREETED = "greeted"  # the successor loads the window
    COPYING = "copying"
    GIVEN = "given"  # this edge only ends what it has begun


class Handover:
    """Waits for a successor at a Unix socket; one at a time."""

    def __init__(self, path: Path, index: int, house: Household) -> None:
        self._index = index
        self._house = house
        self._door = passing.serve(path)
        self._channel: Channel | None = None
        self._stand = Stand.ALONE
        self._due_ns = 0
        self._leaving: Leaving | None = None
        self._to_send: deque[int] = deque()
        self._sent: set[int] = set()
        self._unanswered = 0
        self._refused: list[tuple[int, Channel]] = []
        house.loop.watch(self._door.fileno(), self, READ)

    @property
    def given(self) -> bool:
        """Whether everything is the successor's."""
        return self._stand is Stand.GIVEN

    def on_event(self, fd: int, mask: int) -> None:
        """A successor knocks, or says something."""
        if fd == self._door.fileno():
            self._greet()
        elif self._channel is not None:
            self._converse(self._channel)

    def on_fault(self, fd: int) -> None:
        """A mistake of ours ends the attempt, not the edge."""
        if fd != self._door.fileno():
            self._give_up("a fault")

    def tick(self, now_ns: int) -> None:
        """Give up a successor that takes too long; once all is given, end what is left."""
        self._part_from_refused(now_ns)
        if self._stand in (Stand.GREETED, Stand.COPYING) and now_ns > self._due_ns:
            self._give_up(f"it took longer than {PATIENCE_S:.0f} s")
        if self._leaving is not None:
            self._leaving.tick(now_ns)

    def _part_from_refused(self, now_ns: int) -> None:
        for due_ns, channel in tuple(self._refused):
            if now_ns >= due_ns:
                self._refused.remove((due_ns, channel))
                channel.close()

    def close(self) -> None:
        """Stop waiting for a successor."""
        self._house.loop.drop(self._door.detach())
        self._part_from_refused(1 << 62)
        self._hang_up()

    def _greet(self) -> None:
        try:
            connection, _ = self._door.accept()
        except OSError:
            return
        channel = Channel(connection)
        channel.settimeout(0)
        if self._channel is not None and self._stand is not Stand.GIVEN:
            self._converse(self._channel)  # perhaps the one before has just died
        if self._stand is not Stand.ALONE:
            try:
                channel.say(Refused("another successor came first"))
            except OSError:
                pass
            if len(self._refused) >= _REFUSED_MAX:
                self._refused.pop(0)[1].close()
            self._refused.append((time.monotonic_ns() + _LAST_WORD_NS, channel))
            return
        self._channel, self._stand = channel, Stand.GREETED
        self._due_ns = time.monotonic_ns() + round(PATIENCE_S * 1e9)
        self._house.loop.watch(channel.fileno(), self, READ)

    def _converse(self, channel: Channel) -> None:
        """Take one word; what cannot be understood or sent ends the attempt."""
        try:
            heard = channel.hear()
            if heard is None:
                self._give_up("it is gone")
                return
            word, descriptors = heard
            passing.close_all(descriptors)
            match word:
                case Hello() if self._stand is Stand.GREETED:
                    self._answer(channel, word)
                case Begin() if self._stand is Stand.GREETED:
                    self._copy(channel)
                case Taken() if self._stand is Stand.COPYING:
                    self._unanswered -= 1
                    self._send_batches(channel)
                case Refused():
                    self._give_up(word.why)
                case _:
                    self._give_up("it said something out of turn")
        except BlockingIOError:
            return
        except (OSError, Garbled) as error:
            self._give_up(str(error))

    def _answer(self, channel: Channel, hello: Hello) -> None:
        if hello.version != VERSION or hello.index != self._index:
            why = f"it wants version {hello.version} of edge {hello.index}"
            channel.say(Refused(f"this is version {VERSION} of edge {self._index}"))
            self._give_up(why)
            return
        window = passing.put_aside(write_rooms(self._house.rooms))
        try:
            house = self._house
            sockets = (house.public.fileno(), house.private.fileno())
            channel.say(Estate(VERSION), (*sockets, window))
        finally:
            os.close(window)

    def _copy(self, channel: Channel) -> None:
        """Begin to send descriptors; who comes meanwhile waits at the door for a moment.

        So a number stays the same listener's until all is over, or nobody's.
        """
        self._stand = Stand.COPYING
        self._house.public.pause()
        self._house.private.pause()
        self._house.loop.shares = True
        self._sent = set()
        self._unanswered = 0
        self._to_send = deque(self._listeners())
        self._send_batches(channel)

    def _listeners(self) -> list[int]:
        return [fd for lane in self._lanes() for fd in lane_fds(lane)]

    def _lanes(self) -> list[Lane]:
        """Return the lanes that can be given: a TLS session is tied to this process's memory."""
        return [lane for lane in self._house.push.lanes() if not lane.wire.secure]

    def _send_batches(self, channel: Channel) -> None:
        while self._to_send and self._unanswered < _UNANSWERED_MAX:
            if not self._send_batch(channel):
                return
        if not self._to_send and self._unanswered == 0:
            self._freeze(channel)

    def _send_batch(self, channel: Channel) -> bool:
        """Send some of those who are still there; say whether that went."""
        table, peers = self._house.loop.table, self._house.web.networks.peers
        numbers: list[int] = []
        while self._to_send and len(numbers) < DESCRIPTORS_MAX:
            fd = self._to_send.popleft()
            if isinstance(table.get(fd), Lane):
                numbers.append(fd)
        if not numbers:
            return True
        word = Batch(tuple(numbers), tuple(peers.get(fd, b"") for fd in numbers))
        try:
            channel.say(word, numbers)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ETOOMANYREFS) and self._unanswered:
                self._to_send.extendleft(reversed(numbers))
                return False  # the next answer comes back to it
            raise
        self._sent.update(numbers)
        self._unanswered += 1
        return True

    def _freeze(self, channel: Channel) -> None:
        """Nothing is delivered from here on until the token is somebody's."""
        at_ns = time.monotonic_ns()
        lanes = self._lanes()
        try:
            channel.settimeout(FREEZE_S_MAX)
            self._to_send = deque(fd for fd in self._listeners() if fd not in self._sent)
            while self._to_send or self._unanswered:  # who came on a connection that was there
                while self._to_send and self._unanswered < _UNANSWERED_MAX:
                    self._send_batch(channel)
                self._await_word(channel, Taken, at_ns)
                self._unanswered -= 1
            will = passing.put_aside(write_will(self._house.rooms, self._house.push, lanes))
            token, feeder = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, Garbled, AssertionError) as error:
            self._give_up(str(error))
            return
        try:
            os.write(feeder, b"!")
            channel.say(Frozen(at_ns), (token, will))
            self._await_word(channel, Serving, at_ns)
        except (OSError, Garbled) as error:
            if _token_taken(token):
                self._give_up(str(error))
                return  # and nobody has noticed anything
        finally:
            for fd in (token, feeder, will):
                os.close(fd)
        self._let_go(lanes, at_ns)

    def _await_word(self, channel: Channel, wanted: type, since_ns: int) -> None:
        """Wait for one word; raises `OSError` or `Garbled` if another comes, or none in time."""
        left_s = FREEZE_S_MAX - (time.monotonic_ns() - since_ns) / 1e9
        channel.settimeout(max(0.001, left_s))
        heard = channel.hear()
        if heard is None:
            raise Garbled("it is gone")
        word, descriptors = heard
        passing.close_all(descriptors)
        if not isinstance(word, wanted):
            raise Garbled(word.why if isinstance(word, Refused) else "it spoke out of turn")

    def _let_go(self, lanes: list[Lane], since_ns: int) -> None:
        """All of it is the successor's: close our copies, and end what we have begun."""
        house = self._house
        self._stand = Stand.GIVEN
        count = 0
        for lane in lanes:
            for fd in lane_fds(lane):
                house.web.networks.left(fd)
                house.loop.drop(fd)
                count += 1
        house.push.forsake(lanes)
        house.web.open -= count
        house.counts.handed_over += count
        frozen_ms = round((time.monotonic_ns() - since_ns) / 1e6, 1)
        log().info("edge_handed_over", listeners=count, frozen_ms=frozen_ms)
        self._leaving = Leaving(house, self._channel)

    def _give_up(self, why: str) -> None:
        """Go on as if nobody had come; once given there is nothing to go on with."""
        stand = self._stand
        self._hang_up()
        if self._leaving is not None:
            self._leaving.successor_gone()
        if stand in (Stand.ALONE, Stand.GIVEN):
            return
        self._stand = Stand.ALONE
        self._to_send.clear()
        self._sent.clear()
        self._house.public.resume()
        self._house.private.resume()
        log().warning("edge_handover_failed", why=why)

    def _hang_up(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            self._house.loop.forget(channel.fileno())
            channel.close()


def lane_fds(lane: Lane) -> list[int]:
    """Return the descriptors of everyone in a lane."""
    return [*lane.caught_up, *lane.ahead, *lane.behind]


def _token_taken(token: int) -> bool:
    """Take the token; say whether it was still there."""
    try:
        return bool(os.read(token, 1))
    except OSError:
        return False
