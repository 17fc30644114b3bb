"""The successor's side of a deploy: takes the sockets, the window and every listener.

It serves nobody while it does this, so it may wait; the old edge goes on meanwhile. If anything
fails before it has the token it ends, with one sentence, and nobody has noticed.
"""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stentor.base.errors import UnavailableError
from stentor.edge import passing
from stentor.edge.feed import Feed
from stentor.edge.inheritance import (
    EventsLeft,
    Will,
    read_rooms,
    read_will,
    restore_events,
    restore_lane,
)
from stentor.edge.leaving import Household
from stentor.edge.loop import BEHIND, QUIET, READ
from stentor.edge.passing import (
    VERSION,
    Batch,
    Begin,
    Channel,
    Estate,
    Frozen,
    Garbled,
    Hello,
    Passed,
    Refused,
    Serving,
    Taken,
    Word,
)
from stentor.edge.rooms import Change
from stentor.feed.wire import Message

WORD_S_MAX = 5.0  # the old edge answers between two deliveries
FEED_S_MAX = 5.0
_CATCH_UP_S_MAX = 0.3  # while nobody is delivered anything
_FEED_LOOK_S = 0.001
_WORDS_PER_TURN = 64


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What came of a takeover."""

    listeners: int
    gap_ms: float  # from the old edge's last delivery to the right to make the next
    door_ms: float  # who came had to wait for so long


class _Limbo:
    """Whoever is copied and not ours yet; the loop does not turn, so nothing is ever told."""

    def on_event(self, fd: int, mask: int) -> None:
        pass

    def on_fault(self, fd: int) -> None:
        pass


class Predecessor:
    """The edge that was here before, from the first word to its end."""

    def __init__(self, path: Path, index: int) -> None:
        """Ask it for all that it has; raises `UnavailableError` if it does not answer so."""
        try:
            self._channel = passing.call(path, WORD_S_MAX)
        except OSError as error:
            raise UnavailableError(
                f"There is no edge {index} to take over: {error.strerror or error}."
            ) from None
        self._say(Hello(VERSION, index))
        word, descriptors = self._hear()
        if not isinstance(word, Estate) or len(descriptors) != 3:
            raise UnavailableError("The old edge did not give its sockets.")
        self.public = socket.socket(fileno=descriptors[0])
        self.private = socket.socket(fileno=descriptors[1])
        self._window = passing.fetch(descriptors[2])
        self._fds: dict[int, int] = {}
        self._began_ns = 0

    def hand_to(self, house: Household, feed: Feed) -> TakenOver:
        """Take everything; raises `UnavailableError`, and then it is all still the old edge's."""
        try:
            return self._hand_to(house, feed)
        except UnavailableError:
            self.give_up()
            raise
        except (OSError, msgspec.MsgspecError, KeyError, IndexError) as error:
            self.give_up()
            raise UnavailableError(f"The old edge could not be taken over: {error}.") from error

    def give_up(self) -> None:
        """Take nothing after all; copies of listeners are closed with the loop that has them."""
        for mine in (self.public, self.private, self._channel):
            mine.close()

    def _hand_to(self, house: Household, feed: Feed) -> TakenOver:
        read_rooms(self._window, house.rooms)
        self._window = b""
        self._await_feed(house, feed, lambda: feed.connected, FEED_S_MAX)
        self._began_ns = time.monotonic_ns()
        self._say(Begin())
        while True:
            word, descriptors = self._hear()
            _follow(house, feed)
            match word:
                case Batch() if len(descriptors) == len(word.numbers) == len(word.peers):
                    for number, fd, peer in zip(word.numbers, descriptors, word.peers, strict=True):
                        self._fds[number] = fd
                        house.loop.watch(fd, _Limbo(), QUIET)
                        house.web.networks.keeps(fd, peer)
                    self._say(Taken())
                case Frozen() if len(descriptors) == 2:
                    token, will = descriptors[0], read_will(passing.fetch(descriptors[1]))
                    return self._own(house, feed, word, token, will)
                case _:
                    raise UnavailableError("The old edge spoke out of turn.")

    def _own(
        self, house: Household, feed: Feed, frozen: Frozen, token: int, will: Will
    ) -> TakenOver:
        """Go on from where the old edge stopped, if it still lets us."""
        self._await_feed(house, feed, lambda: _reached(house, will.events), _CATCH_UP_S_MAX)
        count = self._restore(house, will)
        try:
            if os.read(token, 1) != b"!":
                raise BlockingIOError
        except BlockingIOError:
            raise UnavailableError("It took too long, so the old edge went on.") from None
        finally:
            os.close(token)
        now_ns = time.monotonic_ns()
        try:
            self._channel.say(Serving())
        except OSError:
            pass  # it is gone: then all the more they are ours
        house.web.open += count
        house.counts.taken_over += count
        self._channel.settimeout(0)
        house.loop.watch(self._channel.fileno(), _Stragglers(house, self._channel), READ)
        return TakenOver(
            listeners=count,
            gap_ms=round((now_ns - frozen.at_ns) / 1e6, 1),
            door_ms=round((now_ns - self._began_ns) / 1e6, 1),
        )

    def _restore(self, house: Household, will: Will) -> int:
        for events in will.events:
            stream = house.rooms.stream(events.room, events.rendition)
            if stream is not None:
                restore_events(stream, events)
        count = 0
        for one in will.lanes:
            room = house.rooms.by_id[one.room]
            lane = house.push.lane_at(room, room.streams[one.rendition], one.parts, one.phase)
            restore_lane(lane, one, will.blobs, self._fds)
            house.push.adopt(lane)
            for number in (*one.caught_up, *one.ahead):
                fd = self._fds.pop(number)
                house.loop.table[fd] = lane
                house.web.networks.listens(fd)
            for behind in one.behind:
                fd = self._fds.pop(behind.number)
                house.loop.table[fd] = lane
                house.loop.change(fd, BEHIND)
                house.web.networks.listens(fd)
            count += lane.listeners
        house.push.fastest_parts = max(house.push.fastest_parts, will.fastest_parts)
        house.push.lower_rendition = will.lower_rendition
        counted = dict(house.push.totals())
        for left in will.totals:
            if left.room in counted:
                counted[left.room].joined += left.joined
                counted[left.room].jumped += left.jumped
        for fd in self._fds.values():  # who left while they were copied
            house.web.networks.left(fd)
            house.loop.drop(fd)
        self._fds.clear()
        return count

    def _await_feed(
        self, house: Household, feed: Feed, condition: Callable[[], bool], seconds: float
    ) -> None:
        deadline = time.monotonic() + seconds
        while True:
            _follow(house, feed)
            if condition():
                return
            if time.monotonic() > deadline:
                raise UnavailableError("The origin's feed did not come, so nothing was taken.")
            time.sleep(_FEED_LOOK_S)

    def _say(self, word: Word) -> None:
        try:
            self._channel.say(word)
        except OSError as error:
            self._hear()  # its last word says more
            raise UnavailableError(f"The old edge hears nothing: {error}.") from None

    def _hear(self) -> tuple[Word, list[int]]:
        try:
            heard = self._channel.hear()
        except (OSError, Garbled) as error:
            raise UnavailableError(f"The old edge was not understood: {error}.") from None
        if heard is None:
            raise UnavailableError("The old edge died.")
        if isinstance(heard[0], Refused):
            raise UnavailableError(f"The old edge refused: {heard[0].why}.")
        return heard


class _Stragglers:
    """Takes the connections that come to rest at the old edge, until it has ended."""

    def __init__(self, house: Household, channel: Channel) -> None:
        self._house = house
        self._channel = channel

    def on_event(self, fd: int, mask: int) -> None:
        """Take some."""
        try:
            for _ in range(_WORDS_PER_TURN):
                heard = self._channel.hear()
                if heard is None:
                    self.on_fault(fd)
                    return
                word, descriptors = heard
                if isinstance(word, Passed) and len(descriptors) == 1:
                    self._take(word, descriptors[0])
                else:
                    passing.close_all(descriptors)
        except BlockingIOError:
            return
        except (OSError, Garbled):
            self.on_fault(fd)

    def on_fault(self, fd: int) -> None:
        """Hear no more."""
        self._house.loop.forget(fd)
        self._channel.close()

    def _take(self, word: Passed, fd: int) -> None:
        house = self._house
        house.web.open += 1
        house.web.networks.keeps(fd, word.peer)
        listening = house.private if word.on_metrics_port else house.public
        connection = listening.adopt(fd)
        house.loop.watch(fd, connection, READ)
        connection.front = word.front
        connection.hear(word.heard)


def _follow(house: Household, feed: Feed) -> None:
    """Take what the feed brought; nobody listens here yet."""
    now_ns = time.monotonic_ns()
    for message in feed.receive():
        _apply(house, message, now_ns)


def _apply(house: Household, message: Message, now_ns: int) -> None:
    known = house.rooms.by_id.get(message.room)
    before = known.state_json if known is not None else b""
    change = house.rooms.apply(message, now_ns)
    room = house.rooms.by_id.get(message.room)
    # What is told again when one subscribes is no news.
    if change is Change.STATE and room is not None and room.state_json != before:
        house.push.state_came(room)


def _reached(house: Household, events: tuple[EventsLeft, ...]) -> bool:
    """Whether every stream is here as far as the old edge had it."""
    for left in events:
        stream = house.rooms.stream(left.room, left.rendition)
        if stream is None or stream.next < left.next:
            return False
    return True
