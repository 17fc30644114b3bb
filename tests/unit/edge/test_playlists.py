"""The playlist from minute 0 as an edge makes it: whole, and the same in how many steps it grew."""

from __future__ import annotations

import gzip
import re

import m3u8
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.edge.playlists import Playlists
from stentor.edge.rooms import Room
from stentor.media.grid import PART_S, PARTS_PER_SEGMENT
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState

counts = st.integers(1, 3_000)


def hall() -> Room:
    room = Room("hall")
    room.state = RoomState("hall", "Town hall", Phase.LIVE, 1_764_000_000_123)
    return room


def history(playlists: Playlists, parts: int, *, ended: bool) -> str:
    rendered = playlists.history(hall(), "aac48", parts, ended=ended)
    plain = rendered.answer(cache="", packed=False).body
    assert gzip.decompress(rendered.answer(cache="", packed=True).body) == plain
    return plain.decode()


def segments_of(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"^seg/(\d+)\.m4s$", text, re.MULTILINE)]


@given(counts)
@settings(max_examples=40)
def test_history_has_everything_from_minute_0(parts: int) -> None:
    running = history(Playlists(), parts, ended=False)
    ended = history(Playlists(), parts, ended=True)
    whole, left = divmod(parts, PARTS_PER_SEGMENT)
    assert segments_of(running) == list(range(whole))
    assert segments_of(ended) == list(range(whole + (left > 0)))
    assert "PLAYLIST-TYPE:EVENT" in running
    assert "PLAYLIST-TYPE:VOD" in ended
    assert ended.endswith("#EXT-X-ENDLIST\n")


@given(counts)
@settings(max_examples=40)
def test_history_of_a_programme_that_ended_is_as_long_as_that(parts: int) -> None:
    playlist = m3u8.loads(history(Playlists(), parts, ended=True))
    assert sum(one.duration for one in playlist.segments) == pytest.approx(parts * PART_S)
    assert playlist.is_endlist


@given(st.lists(counts, min_size=1, max_size=6))
@settings(max_examples=40)
def test_history_that_grew_is_what_it_would_be_if_made_at_once(asked: list[int]) -> None:
    grown = Playlists()
    for parts in sorted(asked):
        history(grown, parts, ended=False)
    assert history(grown, max(asked), ended=True) == history(Playlists(), max(asked), ended=True)
