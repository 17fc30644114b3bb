"""Inits and fragments: what players are given, and what checks read out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.media.boxes import MalformedBox, boxes
from stentor.media.fragments import fragment, init_segment, read_codec, read_fragment
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS, Codec

AAC_CONFIG = bytes.fromhex("118856e500")
OPUS_HEAD = b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
frame_lists = st.lists(st.binary(min_size=1, max_size=500), min_size=1, max_size=16)


@given(st.integers(0, 270_000), frame_lists)
def test_a_fragment_says_what_it_was_made_of(part: int, frames: list[bytes]) -> None:
    found = read_fragment(fragment(part, 1024, frames))
    assert found.frames == tuple(frames)
    assert found.decode_time == part * PART_SAMPLES
    assert found.sequence == part + 1
    assert found.samples == 1024 * len(frames)


def test_a_day_of_programme_does_not_wrap() -> None:
    part = 24 * 3600 * 48_000 // PART_SAMPLES
    assert read_fragment(fragment(part, 960, [b"x"])).decode_time == part * PART_SAMPLES > 2**31


@given(st.integers(0, 1000), frame_lists, st.data())
def test_a_damaged_fragment_is_malformed_or_reads_as_something(
    part: int, frames: list[bytes], data: st.DataObject
) -> None:
    whole = bytearray(fragment(part, 960, frames))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for damaged in (bytes(whole), bytes(whole[:cut])):
        try:
            read_fragment(damaged)
        except MalformedBox:
            pass


def test_two_fragments_are_not_one_part() -> None:
    with pytest.raises(MalformedBox):
        read_fragment(fragment(0, 960, [b"a"]) + fragment(1, 960, [b"b"]))


@pytest.mark.parametrize("name", RENDITIONS)
def test_an_init_is_ftyp_and_moov_and_says_its_codec(name: str) -> None:
    rendition = RENDITIONS[name]
    extradata = OPUS_HEAD if rendition.codec is Codec.OPUS else AAC_CONFIG
    init = init_segment(rendition, extradata)
    assert [one.kind for one in boxes(init)] == ["ftyp", "moov"]
    codec, configuration = read_codec(init)
    assert codec is rendition.codec
    if codec is Codec.AAC:
        assert configuration == AAC_CONFIG
    else:
        assert configuration[:10] == OPUS_HEAD[:10]
        assert configuration[10:12] == b"\0\0"  # no pre-skip: Opus stays on the grid
        assert configuration[12:] == OPUS_HEAD[12:]


@given(st.binary(max_size=300))
def test_garbage_is_no_init(data: bytes) -> None:
    with pytest.raises(MalformedBox):
        read_codec(data)
