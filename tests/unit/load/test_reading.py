"""What a load makes of a push stream's bytes, whole, in pieces, or damaged."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.edge.answer import LAST_CHUNK, http_chunk
from stentor.edge.rooms import jump_event
from stentor.load.listener import Bench, Listener
from stentor.load.reading import BrokenStream, read_chunks, read_head
from stentor.load.report import Histogram, Tally, figures, sum_tallies
from stentor.media.renditions import RENDITIONS
from support.programme import init_of, part_of

AAC = RENDITIONS["aac48"]
HEAD = b"HTTP/1.1 200 OK\r\nStentor-Period-Ms: 320\r\nTransfer-Encoding: chunked\r\n\r\n"


def stream(*numbers: int) -> bytes:
    chunks = [http_chunk(part_of(AAC, number)) for number in numbers]
    return HEAD + http_chunk(init_of(AAC)) + b"".join(chunks)


def listened(data: bytes, pieces: int = 1) -> Tally:
    bench = Bench(Tally(), None)
    listener = Listener(bench, sampled=True, decoder=None)
    listener.connecting(0)
    step = max(1, -(-len(data) // pieces))
    for at in range(0, len(data), step):
        listener.take(data[at : at + step], 1_000_000, 0)
    listener.finish(2_000_000)
    return bench.tally


@given(st.integers(1, 400))
@settings(max_examples=30)
def test_pieces_make_no_difference(pieces: int) -> None:
    data = stream(5, 6, 7) + LAST_CHUNK
    assert listened(data, pieces) == listened(data)
    assert listened(data).parts == 3


def test_hole_without_a_word_is_a_gap_and_with_one_is_a_jump() -> None:
    assert listened(stream(5, 6, 9)).gaps == 1
    told = stream(5, 6) + http_chunk(jump_event(7, 9)) + http_chunk(part_of(AAC, 9))
    assert (listened(told).gaps, listened(told).jumps) == (0, 1)


def test_parts_that_come_again_are_counted_not_heard_twice() -> None:
    tally = listened(stream(5, 6) + http_chunk(part_of(AAC, 6)) + http_chunk(part_of(AAC, 7)))
    assert (tally.parts, tally.repeated, tally.gaps) == (3, 1, 0)


def test_different_bytes_for_the_same_part_are_found() -> None:
    bench = Bench(Tally(), None)
    for data in (stream(5), stream(5).replace(b"aac48:5:0", b"aac48:5:x")):
        listener = Listener(bench, sampled=True, decoder=None)
        listener.connecting(0)
        listener.take(data, 0, 0)
    assert bench.tally.differing_parts == 1


@pytest.mark.parametrize("data", [b"zz\r\nabc\r\n", b"5\r\nabcde\r\n", b"ffffffffff\r\n"])
def test_damaged_chunks_are_broken(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        read_chunks(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_broken(data: bytes) -> None:
    with contextlib.suppress(BrokenStream):
        assert read_chunks(data).used <= len(data)
    with contextlib.suppress(BrokenStream):
        read_head(data)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_percentiles_are_within_a_bin_of_the_truth(values: list[float]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    found = histogram.figures()
    assert found is not None
    ordered = sorted(values)
    exact = ordered[max(0, -(-len(values) * 95 // 100) - 1)]
    assert found["p95"] == pytest.approx(exact, abs=0.006)
    assert found["p50"] <= found["p95"] <= found["p99"]


def test_processes_figures_add_up() -> None:
    one, other = Tally(listeners=2, stalls=1), Tally(listeners=3)
    one.first_audio_s.add(0.1)
    other.first_audio_s.add(0.3)
    total = figures(sum_tallies([one, other]))
    assert (total["listeners"], total["stalls"]) == (5, 1)
    assert total["first_audio_s"] == pytest.approx(
        {"p50": 0.105, "p95": 0.305, "p99": 0.305, "max": 0.3}, abs=0.006
    )
