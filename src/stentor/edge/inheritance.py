"""What an edge knows that its successor must know too: the programme's window, and who is where.

Turns it into bytes and back. Everybody's place in the stream is exact to the byte: what a listener
was sent by the old edge and what the new one sends are one stream. Pure.
"""

from collections.abc import Iterable

import msgspec

from stentor.edge.lane import Behind, Lane
from stentor.edge.push import Push
from stentor.edge.rooms import Room, Rooms, Stream
from stentor.rooms.state import decode_room_state


class StreamLeft(msgspec.Struct, frozen=True, array_like=True):
    """One rendition, as `rooms.Stream` has it."""

    rendition: str
    init: bytes
    first: int
    parts: tuple[bytes, ...]
    leads: tuple[bytes, ...]
    end: int | None
    heard_ns: int


class RoomLeft(msgspec.Struct, frozen=True, array_like=True):
    """One room."""

    id: str
    state_json: bytes
    streams: tuple[StreamLeft, ...]


class EventsLeft(msgspec.Struct, frozen=True, array_like=True):
    """What rides with the parts of a stream: `pending` goes with part `next`, yet to come."""

    room: str
    rendition: str
    next: int
    leads: dict[int, bytes]
    news: bytes
    new_init: bytes


class BehindLeft(msgspec.Struct, frozen=True, array_like=True):
    """A listener with unsent bytes: those of blob `blob` from `offset` on, then part `at`."""

    number: int
    blob: int  # −1: at a boundary, nothing is unsent
    offset: int
    at: int
    heard: int
    since_ns: int
    said_farewell: bool
    taken: int = 0


class LaneLeft(msgspec.Struct, frozen=True, array_like=True):
    """A lane and its listeners, by the numbers of the old edge's descriptors."""

    room: str
    rendition: str
    parts: int
    phase: int
    at: int
    heard: int
    closing: bool
    news: dict[str, bytes]
    told: bool  # whether the room's state is what it was told last
    spoke_ns: int
    caught_up: tuple[int, ...]
    ahead: dict[int, int]
    behind: tuple[BehindLeft, ...]


class TotalsLeft(msgspec.Struct, frozen=True, array_like=True):
    """What control was told of a room so far."""

    room: str
    joined: int
    jumped: int


class Will(msgspec.Struct, frozen=True, array_like=True):
    """Where everyone was at the moment of freezing."""

    events: tuple[EventsLeft, ...]
    blobs: tuple[bytes, ...]
    lanes: tuple[LaneLeft, ...]
    totals: tuple[TotalsLeft, ...]
    fastest_parts: int  # what joiners were given, until the successor knows its own load
    lower_rendition: bool


_ROOMS = msgspec.msgpack.Decoder(tuple[RoomLeft, ...])
_WILL = msgspec.msgpack.Decoder(Will)


def write_rooms(rooms: Rooms) -> bytes:
    """Return all rooms with the parts that are held."""
    return msgspec.msgpack.encode([_room_left(room) for room in rooms.by_id.values()])


def read_rooms(data: bytes, rooms: Rooms) -> None:
    """Fill `rooms`, which is empty; raises `msgspec.MsgspecError`."""
    for left in _ROOMS.decode(data):
        room = rooms.by_id[left.id] = Room(left.id)
        if left.state_json:
            room.state, room.state_json = decode_room_state(left.state_json), left.state_json
        for one in left.streams:
            stream = room.streams[one.rendition] = Stream(one.rendition)
            stream.init, stream.end, stream.heard_ns = one.init, one.end, one.heard_ns
            stream.first = one.first
            stream.parts.extend(one.parts)
            stream.leads.extend(one.leads)
    rooms.revision += 1


def _room_left(room: Room) -> RoomLeft:
    streams = tuple(
        StreamLeft(
            one.rendition,
            one.init,
            one.first,
            tuple(one.parts),
            tuple(one.leads),
            one.end,
            one.heard_ns,
        )
        for one in room.streams.values()
    )
    return RoomLeft(room.id, room.state_json, streams)


def write_will(rooms: Rooms, push: Push, lanes: Iterable[Lane]) -> bytes:
    """Return where everyone in these lanes is. What many are still to be sent is written once."""
    blobs: dict[int, tuple[int, bytes]] = {}  # by identity: place, bytes
    lanes_left = tuple(_lane_left(lane, blobs) for lane in lanes)
    events = tuple(
        _events_left(room, stream)
        for room in rooms.by_id.values()
        for stream in room.streams.values()
    )
    held = tuple(data for _, data in blobs.values())
    told = tuple(TotalsLeft(room, one.joined, one.jumped) for room, one in push.totals())
    return msgspec.msgpack.encode(
        Will(events, held, lanes_left, told, push.fastest_parts, push.lower_rendition)
    )


def read_will(data: bytes) -> Will:
    """Return a will; raises `msgspec.MsgspecError`."""
    return _WILL.decode(data)


def _lane_left(lane: Lane, blobs: dict[int, tuple[int, bytes]]) -> LaneLeft:
    behind: list[BehindLeft] = []
    for fd, one in lane.behind.items():
        place, offset = -1, 0
        if one.rest is not None:
            shared = one.rest.obj  # what is unsent is always the end of something shared
            assert isinstance(shared, bytes)
            place, _ = blobs.setdefault(id(shared), (len(blobs), shared))
            offset = len(shared) - len(one.rest)
        behind.append(
            BehindLeft(
                fd, place, offset, one.at, one.heard, one.since_ns, one.said_farewell, one.taken
            )
        )
    return LaneLeft(
        lane.room.id,
        lane.stream.rendition,
        lane.parts,
        lane.phase,
        lane.at,
        lane.heard,
        lane.closing,
        dict(lane.news),
        lane.told is lane.room.state_json,
        lane.spoke_ns,
        tuple(lane.caught_up),
        dict(lane.ahead),
        tuple(behind),
    )


def _events_left(room: Room, stream: Stream) -> EventsLeft:
    leads = {stream.first + place: lead for place, lead in enumerate(stream.leads) if lead}
    return EventsLeft(room.id, stream.rendition, stream.next, leads, stream.news, stream.new_init)


def restore_events(stream: Stream, left: EventsLeft) -> None:
    """Let what rides with the parts be what the old edge said, or would have said."""
    for place in range(min(len(stream.leads), left.next - stream.first)):
        stream.leads[place] = left.leads.get(stream.first + place, b"")
    pending = left.new_init + left.news
    place = left.next - stream.first
    if place >= len(stream.leads):
        stream.new_init, stream.news = left.new_init, left.news
    elif place >= 0 and pending and not stream.leads[place]:
        stream.leads[place] = pending  # the part that it waited for has come here already


def restore_lane(lane: Lane, left: LaneLeft, blobs: tuple[bytes, ...], fds: dict[int, int]) -> None:
    """Fill a new lane; `fds` has our descriptor for each of the old edge's."""
    lane.at, lane.heard, lane.closing = left.at, left.heard, left.closing
    lane.news = left.news
    lane.told = lane.room.state_json if left.told else b""
    lane.spoke_ns = left.spoke_ns
    lane.caught_up = {fds[number] for number in left.caught_up}
    lane.ahead = {fds[number]: at for number, at in left.ahead.items()}
    for one in left.behind:
        rest = memoryview(blobs[one.blob])[one.offset :] if one.blob >= 0 else None
        behind = Behind(rest, one.at, one.heard, one.since_ns)
        behind.said_farewell, behind.taken = one.said_farewell, one.taken
        lane.behind[fds[one.number]] = behind
