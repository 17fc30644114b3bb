"""What a successor is told: everything that the old edge knows, or it is named here why not."""

from __future__ import annotations

import pytest

from stentor.edge.inheritance import (
    BehindLeft,
    EventsLeft,
    LaneLeft,
    RoomLeft,
    StreamLeft,
    read_rooms,
    restore_events,
    write_rooms,
)
from stentor.edge.lane import Behind, Lane
from stentor.edge.rooms import Room, Rooms, Stream
from stentor.feed.wire import Kind, Message

_MADE_ANEW = {
    Lane: {
        "room", "stream",  # by their names
        "welcomes",  # made again when somebody joins
        "unsent_bytes",  # follows from parts and settings
        "wire",  # only plain ones are handed over
    },
    Stream: {"news", "new_init"},  # `EventsLeft`
    Room: {"state"},  # decoded from its JSON
    Behind: {"rest"},  # a blob and an offset
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "left"),
    [(Lane, LaneLeft), (Stream, StreamLeft), (Room, RoomLeft), (Behind, BehindLeft)],
)
def test_whoever_adds_state_decides_whether_a_successor_needs_it(kind: type, left: type) -> None:
    slots = {name for name in kind.__slots__ if not name.startswith("_")}
    told = set(left.__struct_fields__)
    assert slots - told <= _MADE_ANEW[kind], "write it down in edge.inheritance, or say why not"


def _programme(parts: int) -> Rooms:
    rooms = Rooms(parts_max=50, rooms_max=10)
    rooms.apply(Message(Kind.INIT, "hall", "aac48", payload=b"init"), 0)
    for number in range(parts):
        rooms.apply(Message(Kind.PART, "hall", "aac48", number, 0, b"part %d" % number), number)
    return rooms


def test_rooms_are_the_same_after_they_were_written_and_read() -> None:
    rooms = _programme(60)
    stream = rooms.by_id["hall"].streams["aac48"]
    stream.leads[3] = b"an event"
    stream.end = 60
    found = Rooms(parts_max=50, rooms_max=10)
    read_rooms(write_rooms(rooms), found)
    again = found.by_id["hall"].streams["aac48"]
    for name in ("rendition", "init", "first", "parts", "leads", "end", "heard_ns", "next"):
        assert getattr(again, name) == getattr(stream, name), name
    assert found.apply(Message(Kind.PART, "hall", "aac48", 59, 0, b"again"), 9).value == "nothing"


def test_event_that_waited_for_a_part_goes_with_that_part_wherever_it_is_first() -> None:
    stream = _programme(5).by_id["hall"].streams["aac48"]
    at_same = EventsLeft("hall", "aac48", 5, {2: b"early"}, b"news", b"")
    restore_events(stream, at_same)
    assert list(stream.leads) == [b"", b"", b"early", b"", b""]
    assert stream.news == b"news"
    ahead = _programme(6).by_id["hall"].streams["aac48"]
    restore_events(ahead, at_same)  # part 5 is here already, and nobody was given it
    assert list(ahead.leads) == [b"", b"", b"early", b"", b"", b"news"]
    assert ahead.news == b""
