"""Boxes and events: built and read back, and nothing believed that does not add up."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.media.boxes import BoxStream, MalformedBox, box, boxes, emsg, read_event

kinds = st.text("abcdefghijklmnop", min_size=4, max_size=4)
one_box = st.tuples(kinds, st.binary(max_size=300))
names = st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=40)


@given(st.lists(one_box, max_size=6))
def test_boxes_come_out_as_they_went_in(made: list[tuple[str, bytes]]) -> None:
    data = b"".join(box(kind, payload) for kind, payload in made)
    found = list(boxes(data))
    assert [(one.kind, one.payload) for one in found] == made
    assert sum(one.size for one in found) == len(data)


@given(st.lists(one_box, max_size=6), st.data())
def test_a_stream_of_boxes_may_come_in_any_pieces(
    made: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(box(kind, payload) for kind, payload in made)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = BoxStream()
    found: list[tuple[str, bytes]] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += [(one.kind, one.payload) for one in reader.feed(stream[start:end])]
    assert found == made
    assert reader.pending_bytes == 0


@given(names, names, st.binary(max_size=200), st.integers(0, 2**48), st.integers(0, 2**32 - 1))
def test_an_event_says_what_it_was_given(
    scheme: str, value: str, data: bytes, time: int, number: int
) -> None:
    made = emsg(scheme, data, presentation_time=time, id=number, value=value)
    (only,) = boxes(made)
    event = read_event(only.payload)
    assert only.kind == "emsg"
    assert (event.scheme, event.value, event.data) == (scheme, value, data)
    assert (event.presentation_time, event.timescale, event.id) == (time, 48_000, number)


def test_an_event_from_before_the_hour_is_at_sample_zero() -> None:
    (only,) = boxes(emsg("urn:x", b"", presentation_time=-5))
    assert read_event(only.payload).presentation_time == 0


@given(st.binary(max_size=400))
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    for read in (lambda d: list(boxes(d)), read_event, lambda d: BoxStream().feed(d)):
        try:
            read(data)
        except MalformedBox:
            pass


@pytest.mark.parametrize("size", [0, 1, 7, 1 << 31])
def test_a_box_of_impossible_size_ends_the_stream(size: int) -> None:
    data = struct.pack(">I4s", size, b"mdat") + bytes(32)
    with pytest.raises(MalformedBox):
        BoxStream().feed(data)
    with pytest.raises(MalformedBox):
        list(boxes(data))


def test_a_box_that_is_cut_off_is_malformed_as_a_whole_and_awaited_in_a_stream() -> None:
    data = box("mdat", b"hello")
    with pytest.raises(MalformedBox):
        list(boxes(data[:-1]))
    reader = BoxStream()
    assert reader.feed(data[:-1]) == []
    assert reader.feed(data[-1:])[0].payload == b"hello"
