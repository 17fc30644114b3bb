"""Playlists as arithmetic on the part count: invariants, and what other parsers make of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import m3u8
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.media.grid import PART_S, PARTS_PER_SEGMENT, SEGMENT_S
from stentor.media.playlist import (
    SEGMENTS_WITH_PARTS,
    TARGET_DURATION_S,
    WINDOW_SEGMENTS,
    is_far_future,
    live_playlist,
    master_playlist,
    parts_needed,
)
from stentor.media.renditions import RENDITIONS, Codec

EPOCH_MS = 1_764_000_000_123

counts = st.integers(1, 300_000)


def parts_of(text: str) -> list[int]:
    return [int(n) for n in re.findall(r'EXT-X-PART:.*URI="part/(\d+)\.m4s"', text)]


def segments_of(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"^seg/(\d+)\.m4s$", text, re.MULTILINE)]


@given(counts)
def test_live_playlist_lists_the_window_and_hints_at_the_next_part(count: int) -> None:
    text = live_playlist(EPOCH_MS, count)
    whole = count // PARTS_PER_SEGMENT
    assert segments_of(text) == list(range(max(0, whole - WINDOW_SEGMENTS), whole))
    first_with_parts = max(0, whole - SEGMENTS_WITH_PARTS) * PARTS_PER_SEGMENT
    assert parts_of(text) == list(range(first_with_parts, count))
    assert f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part/{count}.m4s"' in text
    assert "DISCONTINUITY" not in text
    assert "ENDLIST" not in text


@given(counts)
def test_playlists_of_following_counts_agree_where_they_overlap(count: int) -> None:
    """RFC 8216bis 6.2.1: a live playlist may only drop at the front and add at the back."""

    def dated(text: str) -> dict[int, str]:
        found = re.findall(
            r"#EXT-X-PROGRAM-DATE-TIME:(\S+)\n(?:#EXT-X-PART.*\n)*#EXTINF:.*\nseg/(\d+)", text
        )
        return {int(number): date for date, number in found}

    before, after = dated(live_playlist(EPOCH_MS, count)), dated(live_playlist(EPOCH_MS, count + 1))
    assert all(after[number] == before[number] for number in before.keys() & after.keys())
    assert not before or max(after) >= max(before)


@given(st.integers(0, 40_000))
@settings(max_examples=40)
def test_dates_are_the_epoch_plus_the_segments_place(segment: int) -> None:
    playlist = m3u8.loads(live_playlist(EPOCH_MS, (segment + 1) * PARTS_PER_SEGMENT))
    at = playlist.segments[-1].program_date_time
    expected_ms = EPOCH_MS + segment * 3840
    assert at == datetime.fromtimestamp(expected_ms / 1000, UTC)


@given(counts)
@settings(max_examples=40)
def test_m3u8_reads_the_live_playlist_as_it_is_meant(count: int) -> None:
    playlist = m3u8.loads(live_playlist(EPOCH_MS, count))
    whole = count // PARTS_PER_SEGMENT
    assert playlist.target_duration == TARGET_DURATION_S
    assert playlist.media_sequence == max(0, whole - WINDOW_SEGMENTS)
    assert playlist.part_inf.part_target == pytest.approx(PART_S)
    assert playlist.server_control.can_block_reload == "YES"
    assert playlist.server_control.part_hold_back == pytest.approx(3 * PART_S)
    assert playlist.segment_map[0].uri == "init.mp4"
    assert all(one.duration <= TARGET_DURATION_S for one in playlist.segments if one.uri)
    assert all(
        part.duration <= playlist.part_inf.part_target
        for one in playlist.segments
        for part in one.parts
    )
    assert playlist.preload_hint.uri == f"part/{count}.m4s"


@given(counts)
@settings(max_examples=40)
def test_reports_on_siblings_name_the_newest_part(count: int) -> None:
    report = m3u8.loads(live_playlist(EPOCH_MS, count, siblings=["aac96"])).rendition_reports[0]
    assert report.uri == "../aac96/live.m3u8"
    assert report.last_msn * PARTS_PER_SEGMENT + report.last_part == count - 1


def test_live_playlist_ends_with_the_short_segment() -> None:
    text = live_playlist(EPOCH_MS, 26, ended=True)
    playlist = m3u8.loads(text)
    assert segments_of(text) == [0, 1, 2]
    assert playlist.segments[-1].duration == pytest.approx(2 * PART_S)
    assert playlist.is_endlist


@pytest.mark.parametrize("codec", Codec)
def test_master_has_one_codec_family_with_codecs_and_bandwidth(codec: Codec) -> None:
    chosen = [one for one in RENDITIONS.values() if one.codec is codec]
    master = m3u8.loads(master_playlist(chosen, "live"))
    assert master.is_variant
    assert [one.uri for one in master.playlists] == [f"{one.name}/live.m3u8" for one in chosen]
    for variant, rendition in zip(master.playlists, chosen, strict=True):
        assert variant.stream_info.codecs == rendition.codecs
        assert variant.stream_info.bandwidth > rendition.bitrate


def test_reload_is_answered_when_what_it_names_is_there() -> None:
    assert parts_needed(0, 0) == 1
    assert parts_needed(2, None) == 3 * PARTS_PER_SEGMENT
    assert parts_needed(2, 3) == 2 * PARTS_PER_SEGMENT + 4
    # A part beyond the segment's last is the first of the next one (RFC 8216bis 6.2.5.2).
    assert parts_needed(2, 99) == 3 * PARTS_PER_SEGMENT + 1


def test_reload_of_what_nobody_waits_for_is_far_future() -> None:
    assert not is_far_future(5, 5 * PARTS_PER_SEGMENT)
    assert not is_far_future(7, 5 * PARTS_PER_SEGMENT)
    assert is_far_future(8, 5 * PARTS_PER_SEGMENT)


def test_segment_is_as_long_as_it_says() -> None:
    assert pytest.approx(PARTS_PER_SEGMENT * PART_S) == SEGMENT_S
