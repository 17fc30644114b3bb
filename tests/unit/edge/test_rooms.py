"""What an edge keeps of the feed: parts by number, once each, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.edge.answer import http_chunk
from stentor.edge.rooms import Change, Rooms, Stream
from stentor.feed.wire import Kind, Message
from stentor.media.boxes import boxes, read_event
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state

WINDOW = 20


def part(number: int, room: str = "hall") -> Message:
    return Message(Kind.PART, room, "aac48", number, 0, f"<{number}>".encode())


def rooms_with(*numbers: int) -> Rooms:
    rooms = Rooms(parts_max=WINDOW, rooms_max=3)
    for number in numbers:
        rooms.apply(part(number), 0)
    return rooms


def test_part_that_comes_twice_changes_nothing() -> None:
    rooms = rooms_with(0, 1, 2)
    assert rooms.apply(part(1), 0) is Change.NOTHING
    stream = rooms.stream("hall", "aac48")
    assert stream is not None
    assert (stream.first, stream.next) == (0, 3)


@given(st.lists(st.integers(0, 200), max_size=80))
def test_whatever_comes_the_window_is_contiguous_and_bounded(numbers: list[int]) -> None:
    rooms = rooms_with(*numbers)
    stream = rooms.stream("hall", "aac48")
    if stream is None:
        return
    assert len(stream.parts) == len(stream.leads) <= WINDOW
    assert stream.next == max(numbers) + 1
    for number in range(stream.first, stream.next):
        assert stream.part(number) == f"<{number}>".encode()
    assert stream.part(stream.next) is None
    assert b"".join(stream.span(0, 1000)) == b"".join(stream.parts)


def test_state_rides_with_the_part_that_follows_it() -> None:
    rooms = rooms_with(0)
    stream = rooms.stream("hall", "aac48")
    assert stream is not None
    state = RoomState("hall", "Hall", Phase.LIVE, 0, sample_index=15360, revision=7)
    assert rooms.apply(Message(Kind.STATE, "hall", payload=encode_state(state)), 0) is Change.STATE
    stream.news = rooms.by_id["hall"].state_event()
    rooms.apply(part(1), 0)
    rooms.apply(part(2), 0)
    event = next(boxes(stream.leads[1]))
    assert read_event(event.payload).presentation_time == 15360
    assert list(stream.leads)[::2] == [b"", b""]


def test_rooms_renditions_and_unreadable_states_are_refused_beyond_their_limits() -> None:
    rooms = rooms_with()
    for name in ("a", "b", "c"):
        assert rooms.apply(part(0, name), 0) is Change.PART
    assert rooms.apply(part(0, "d"), 0) is Change.REFUSED
    assert rooms.apply(Message(Kind.STATE, "a", payload=b"{"), 0) is Change.REFUSED
    assert rooms.by_id["a"].state is None


def test_programme_is_whole_when_its_last_part_has_come() -> None:
    rooms = rooms_with(0, 1)
    assert rooms.apply(Message(Kind.END, "hall", "aac48", 3), 0) is Change.END
    stream = rooms.stream("hall", "aac48")
    assert stream is not None
    assert not stream.whole
    rooms.apply(part(2), 0)
    assert stream.whole


def test_those_who_are_as_far_behind_share_one_copy_and_copies_are_few() -> None:
    rooms = rooms_with(*range(WINDOW))
    stream = rooms.stream("hall", "aac48")
    assert stream is not None
    assert stream.refill(3, 7) == stream.chunked(3, 7)
    assert stream.refill(3, 7) is stream.refill(3, 7)
    for start in range(300):
        stream.refill(start, start + 4)
    assert len(stream._refills) <= 160
    for number in range(WINDOW, WINDOW + 32):
        rooms.apply(part(number), 0)
    assert len(stream._refills) == 0


def test_state_that_is_not_utf8_is_refused() -> None:
    rooms = rooms_with(0)
    broken = Message(Kind.STATE, "hall", payload=b'{"room": "\x89"}')
    assert rooms.apply(broken, 0) is Change.REFUSED


@pytest.mark.parametrize("start", [0, 4, 5, 9, 12, 30])
@pytest.mark.parametrize("stop", [0, 5, 6, 12, 15, 40])
def test_span_is_what_is_held_of_it(start: int, stop: int) -> None:
    stream = Stream("aac48")
    for number in range(15):  # of which the last ten are kept
        stream.append(number, bytes([number]), now_ns=1, parts_max=10)
    held = [bytes([number]) for number in range(5, 15) if start <= number < stop]
    assert list(stream.span(start, stop)) == held
    assert stream.chunked(start, stop) == b"".join(map(http_chunk, held))
