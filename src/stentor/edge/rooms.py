"""What this edge has of each room: its state, and per rendition the init and the last parts.

Takes the feed's messages and says what became of them. Part n is known by its number alone, so
what arrives twice changes nothing and what is missing is seen at once. Pure; sends nothing.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum

import msgspec

from stentor.edge.answer import http_chunk
from stentor.feed.wire import Kind, Message
from stentor.media.boxes import MalformedBox, emsg
from stentor.media.grid import PART_SAMPLES
from stentor.media.merge import merge
from stentor.rooms.orders import Phase
from stentor.rooms.state import EMSG_SCHEME, RoomState, decode_room_state

JUMP_SCHEME = "urn:stentor:jump:1"
_NEW_INIT = b"ftyp"  # what a decoder must see before the parts that follow it

_REFILLS_MAX = 160  # four lengths, each position that one can be behind at
_REFILLS_PARTS = 32  # after so many parts nobody is there any more


class Change(Enum):
    """What a message of the feed changed."""

    NOTHING = "nothing"  # known already, or of no use
    STATE = "state"
    INIT = "init"
    PART = "part"
    END = "end"
    REFUSED = "refused"  # beyond a limit, or unreadable


class Stream:
    """One rendition of one room: `first` is the number of the oldest part that is kept."""

    __slots__ = (
        "_refills",
        "end",
        "first",
        "heard_ns",
        "init",
        "leads",
        "new_init",
        "news",
        "parts",
        "rendition",
    )

    def __init__(self, rendition: str) -> None:
        self.rendition = rendition
        self.init = b""
        self.first = 0
        self.parts: deque[bytes] = deque()
        self.leads: deque[bytes] = deque()  # event boxes that go before the part
        self.news = b""  # an event box that goes with the part to come
        self.new_init = b""  # an init that changed in mid-programme goes with it too
        self.end: int | None = None  # how many parts the whole programme has
        self.heard_ns = 0  # when the newest part came
        self._refills: dict[tuple[int, int], bytes] = {}

    @property
    def next(self) -> int:
        """The number of the part that is to come."""
        return self.first + len(self.parts)

    @property
    def whole(self) -> bool:
        """Whether the programme has ended and all of it has come."""
        return self.end is not None and self.next >= self.end

    def part(self, number: int) -> bytes | None:
        """Return a part's bytes, None if it is not held."""
        place = number - self.first
        return self.parts[place] if 0 <= place < len(self.parts) else None

    def span(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the parts from `start` up to before `stop` that are held."""
        parts = self.parts
        return (parts[place] for place in self._places(start, stop))

    def chunked(self, start: int, stop: int) -> bytes:
        """Return parts with their events as chunks of an HTTP response."""
        leads, parts = self.leads, self.parts
        return b"".join(
            [http_chunk(leads[place] + parts[place]) for place in self._places(start, stop)]
        )

    def merged(self, start: int, stop: int) -> bytes:
        """Return parts as few fragments in one chunk, with what goes before them in order."""
        said: list[bytes] = []
        leads: list[bytes] = []
        run: list[bytes] = []
        for place in self._places(start, stop):
            lead, part = self.leads[place], self.parts[place]
            if lead[4:8] == _NEW_INIT and run:
                said += (*leads, _fragment_of(run))
                leads, run = [], []
            leads.append(lead)
            run.append(part)
        if not run:
            return b""
        return http_chunk(b"".join((*said, *leads, _fragment_of(run))))

    def refill(self, start: int, stop: int) -> bytes:
        """Return what `chunked` does, the same copy for everybody who is as far behind.

        Thousands who take nothing would else hold thousands of copies.
        """
        found = self._refills.get((start, stop))
        if found is None:
            if len(self._refills) >= _REFILLS_MAX:
                self._refills.clear()
            found = self._refills[start, stop] = self.chunked(start, stop)
        return found

    def _places(self, start: int, stop: int) -> range:
        """Return where these parts are: a deque is quick near its ends, and slow to walk."""
        return range(max(0, start - self.first), min(len(self.parts), stop - self.first))

    def append(self, number: int, data: bytes, now_ns: int, parts_max: int) -> bool:
        """Take a part; say whether it was new. A hole drops what is before it."""
        expected = self.next
        if number < expected:
            return False
        if number > expected:
            self.parts.clear()
            self.leads.clear()
            self.first = number
        self.parts.append(data)
        self.leads.append(self.new_init + self.news)
        self.news = self.new_init = b""
        self.heard_ns = now_ns
        if self._refills and not number % _REFILLS_PARTS:
            self._refills.clear()
        while len(self.parts) > parts_max:
            self.parts.popleft()
            self.leads.popleft()
            self.first += 1
        return True


def _fragment_of(parts: list[bytes]) -> bytes:
    try:
        return merge(parts)
    except MalformedBox:  # of another shape than ours: they are as good one by one
        return b"".join(parts)


class Room:
    """One room: its newest state, and its streams by rendition."""

    __slots__ = ("id", "state", "state_json", "streams")

    def __init__(self, id: str) -> None:
        self.id = id
        self.state: RoomState | None = None
        self.state_json = b""
        self.streams: dict[str, Stream] = {}

    @property
    def ended(self) -> bool:
        """Whether the room's state says that it is over."""
        return self.state is not None and self.state.phase is Phase.ENDED

    def state_event(self) -> bytes:
        """Return the newest state as an event box, nothing if there is none."""
        if self.state is None:
            return b""
        return emsg(
            EMSG_SCHEME,
            self.state_json,
            presentation_time=max(0, self.state.sample_index),
            id=self.state.revision,
        )


def jump_event(from_part: int, to_part: int) -> bytes:
    """Return the event that tells a listener that some parts were left out."""
    data = msgspec.json.encode({"from_part": from_part, "to_part": to_part})
    return emsg(JUMP_SCHEME, data, presentation_time=to_part * PART_SAMPLES, id=to_part)


class Rooms:
    """All rooms that the feed told of, bounded."""

    def __init__(self, *, parts_max: int, rooms_max: int, renditions_max: int = 8) -> None:
        self._parts_max = parts_max
        self._rooms_max = rooms_max
        self._renditions_max = renditions_max
        self.by_id: dict[str, Room] = {}
        self.revision = 0  # counts changes of any state
        self.holes = 0  # in any stream: parts that never came

    def stream(self, room: str, rendition: str) -> Stream | None:
        """Return a stream, None if the feed has not told of it."""
        found = self.by_id.get(room)
        return None if found is None else found.streams.get(rendition)

    def apply(self, message: Message, now_ns: int) -> Change:
        """Take a message of the feed."""
        room = self.by_id.get(message.room)
        if room is None:
            if len(self.by_id) >= self._rooms_max:
                return Change.REFUSED
            room = self.by_id[message.room] = Room(message.room)
        if message.kind is Kind.STATE:
            return self._state(room, message)
        stream = room.streams.get(message.rendition)
        if stream is None:
            if len(room.streams) >= self._renditions_max:
                return Change.REFUSED
            stream = room.streams[message.rendition] = Stream(message.rendition)
        return self._media(stream, message, now_ns)

    def _state(self, room: Room, message: Message) -> Change:
        if message.payload == room.state_json:
            return Change.STATE  # a heartbeat
        try:
            room.state = decode_room_state(message.payload)
        except msgspec.MsgspecError:
            return Change.REFUSED
        room.state_json = message.payload
        self.revision += 1
        return Change.STATE

    def _media(self, stream: Stream, message: Message, now_ns: int) -> Change:
        match message.kind:
            case Kind.INIT:
                if stream.init == message.payload:
                    return Change.NOTHING
                if stream.parts:
                    stream.new_init = message.payload
                stream.init = message.payload
                return Change.INIT
            case Kind.PART:
                self.holes += bool(stream.parts) and message.sequence > stream.next
                new = stream.append(message.sequence, message.payload, now_ns, self._parts_max)
                return Change.PART if new else Change.NOTHING
            case Kind.END:
                if stream.end == message.sequence:
                    return Change.NOTHING
                stream.end = message.sequence
                return Change.END
        return Change.NOTHING

    def retire(self, room: Room) -> None:
        """Drop an ended room's media: the archive has them."""
        room.streams.clear()
