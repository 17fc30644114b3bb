"""What the load of bench/edges believes of the bytes it gets: a wrong reader flatters a server."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import page, plot, table
from side_by_side.processes import Missing, program
from side_by_side.programme import (
    CHUNK_PARTS,
    CHUNK_S,
    SEGMENT_S,
    adts_frame,
    chunk,
    hls_playlist,
    hls_segment,
)
from side_by_side.readers import Broken, Counted, HlsReader, IcecastReader, Mp4Reader, Reader

from stentor.media.boxes import boxes
from stentor.media.grid import SAMPLE_RATE

S = 1_000_000_000
ALL = 1e9
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def give(reader: Reader, data: bytes, cuts: list[int], now_ns: int = 0) -> None:
    edges = [0, *sorted({cut % len(data) for cut in cuts}), len(data)]
    for start, stop in pairwise(edges):
        if stop > start:
            reader.take(bytearray(data[start:stop]), stop - start, now_ns)


def test_mp4_is_read_alike_if_cut_at_any_one_byte():
    body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in map(chunk, range(5, 8)))
    found = set()
    for cut in range(len(HEAD + body)):
        reader = Mp4Reader(Counted(), ALL)
        give(reader, HEAD + body, [cut])
        found.add((round(reader.player.heard(0), 6), round(reader.player.end, 6)))
    assert found == {(5 * CHUNK_S, 8 * CHUNK_S)}


@settings(max_examples=200)
@given(st.lists(st.integers(0, 10**6), max_size=12))
def test_position_in_mp4_is_the_same_wherever_reads_are_cut(cuts):
    reader = Mp4Reader(Counted(), ALL)
    body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in map(chunk, range(5, 8)))
    give(reader, HEAD + body, cuts)
    assert reader.player.end == pytest.approx(8 * CHUNK_S)
    assert reader.player.heard(0) == pytest.approx(5 * CHUNK_S)


def test_player_of_a_slower_lane_keeps_a_larger_buffer():
    reader = Mp4Reader(Counted(), 2.0)
    head = b"HTTP/1.1 200 OK\r\nStentor-Period-Ms: 7680\r\n\r\n"
    give(reader, head + b"".join(map(chunk, range(12))), [])
    assert reader.player.heard(0) == pytest.approx(12 * CHUNK_S - 9.6)


def test_audio_counts_when_its_fragment_is_whole():
    reader = Mp4Reader(Counted(), ALL)
    data = HEAD + chunk(0)
    give(reader, data[:-1], [])
    assert reader.player.end == pytest.approx((CHUNK_PARTS - 1) * CHUNK_S / CHUNK_PARTS)


def test_position_in_an_icecast_stream_is_the_last_frame_that_began():
    reader = IcecastReader(Counted(), ALL)
    give(reader, b"HTTP/1.0 200 OK\r\n\r\n" + adts_frame(98) + adts_frame(99), [])
    assert reader.player.end == pytest.approx(100 * 1024 / SAMPLE_RATE)


def test_hls_player_begins_three_segments_back_and_takes_each_once():
    reader = HlsReader(Counted(), ALL)
    asked = [reader.ask(0)]

    def answer(body: bytes, now_ns: int) -> None:
        data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        asked.append(reader.take(bytearray(data), len(data), now_ns))

    answer(hls_playlist(9), 0)
    for number in (7, 8, 9):
        assert asked[-1].startswith(b"GET /hls/%d.m4s " % number)
        answer(hls_segment(number), S)
    assert asked[-1] == b""
    assert reader.due_ns == SEGMENT_S * S
    assert reader.player.end == 10 * SEGMENT_S
    asked.append(reader.ask(4 * S))
    answer(hls_playlist(9), 4 * S)
    assert reader.due_ns == 6 * S  # nothing new: half a target duration later


def test_hls_segments_follow_each_other_to_the_sample():
    sizes = [len(hls_segment(number)) for number in range(4)]
    assert sizes[0] != sizes[1]  # 188 and 187 frames: 187.5 do not exist
    assert [one.kind for one in boxes(hls_segment(3))] == ["moof", "mdat"]


def test_buffer_that_runs_dry_is_one_stall():
    counted = Counted()
    reader = Mp4Reader(counted, ALL)
    give(reader, HEAD + chunk(0), [])
    give(reader, chunk(1), [], now_ns=round(0.9 * S))
    assert counted.stalls == 0
    give(reader, chunk(2), [], now_ns=round(2.2 * S))
    assert counted.stalls == 1
    assert counted.stalled_s == pytest.approx(2.2 - 2 * CHUNK_S)


def test_refusal_is_not_taken_for_audio():
    with pytest.raises(Broken, match="503"):
        give(Mp4Reader(Counted(), ALL), b"HTTP/1.1 503 Service Unavailable\r\n\r\n", [])


def test_missing_program_says_what_brings_it():
    with pytest.raises(Missing, match="Debian: some-package"):
        program("no-such-program-anywhere", "some-package")


def server(label: str, cpu_us: tuple[float, ...], behind_s: float) -> dict:
    one = {"listeners": 10, "bytes_per_listener_s": 6000, "stalls": 0, "lost": 0}
    one |= {"behind_p50_s": behind_s, "behind_p95_s": behind_s}
    rounds = [one | {"cpu_us_per_listener_s": us} for us in cpu_us]
    more = {"idle_cpu_share": 0.0, "memory": None, "joins_per_s": 0, "flood": None}
    return {"label": label, "version": "1", "rounds": rounds, **more}


def found(ours_behind_s: float) -> dict:
    servers = {
        "stentor-slow": server("this edge", (2.0, 3.0, 3.0), ours_behind_s),
        "nginx-hls": server("nginx <HLS>", (10.0, 10.0, 12.0), 14.0),
    }
    where = ("processor", "memory", "kernel", "python", "commit", "date")
    return {
        "machine": dict.fromkeys(where, "x"),
        "placement": {"servers": [0], "clients": [1]},
        "listeners": 10,
        "seconds": 1.0,
        "rounds": 3,
        "joiners_at_once": 256,
        "skipped": {"Icecast 2": "needs icecast2"},
        "servers": servers,
    }


def test_ratio_is_of_the_same_round_and_says_whether_it_is_reached():
    (one,) = table.comparisons(found(9.6))
    assert one.ratios == pytest.approx((0.2, 0.3, 0.25))
    assert one.verdict == "aim reached"


def test_being_cheaper_counts_for_nothing_further_behind_live():
    (one,) = table.comparisons(found(19.0))
    assert one.verdict == "further behind live than the peer"


def test_page_says_what_was_skipped_and_plot_is_well_formed_xml():
    from xml.etree import ElementTree

    assert "Skipped: Icecast 2, needs icecast2." in page.markdown(found(9.6))
    drawn = ElementTree.fromstring(plot.svg(found(9.6)))
    bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 4  # two servers, two panels
