"""What a load makes of a push stream's bytes, whole, in pieces, or damaged."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.admission.events import Advice, ReturnTicket, advice_event, return_event
from stentor.edge.answer import LAST_CHUNK, http_chunk
from stentor.load.course import Course, Node
from stentor.load.reading import BrokenStream, read_chunks, read_head
from stentor.load.report import Tally
from stentor.load.sampling import Comparison, Sample
from stentor.load.skim import skim
from stentor.media.merge import merge
from stentor.media.renditions import RENDITIONS
from support.programme import init_of, part_of

RENDITION = st.sampled_from([RENDITIONS["aac48"], RENDITIONS["opus24"]])
AAC = RENDITIONS["aac48"]
HEAD = b"HTTP/1.1 200 OK\r\nStentor-Period-Ms: 320\r\nTransfer-Encoding: chunked\r\n\r\n"


def stream(*numbers: int) -> bytes:
    chunks = [http_chunk(part_of(AAC, number)) for number in numbers]
    return HEAD + http_chunk(init_of(AAC)) + b"".join(chunks)


def followed(course: Course, data: bytes, cuts: list[int]) -> tuple[Node, int]:
    """Follow the data in pieces; return the last node and how many parts there were."""
    node, parts = course.start, 0
    for start, stop in pairwise([0, *sorted(cuts), len(data)]):
        if stop > start:
            step = course.follow(node, data[start:stop], 1)
            node, parts = step.node, parts + step.parts
    return node, parts


@given(st.lists(st.integers(1, 7_000), max_size=12), st.lists(st.integers(1, 7_000), max_size=12))
@settings(max_examples=60)
def test_pieces_make_no_difference(cuts: list[int], other_cuts: list[int]) -> None:
    course, data = Course(), stream(5, 6, 7)
    for one in (cuts, other_cuts, []):
        node, parts = followed(course, data, one)
        assert (node.position, node.tail, parts) == (8, b"", 3)


@given(RENDITION, st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, 1000))
@settings(max_examples=40)
def test_merged_parts_are_as_many_as_they_were(
    rendition: object, sizes: list[int], first: int
) -> None:
    data, number = b"", first
    for size in sizes:
        parts = [part_of(rendition, number + i) for i in range(size)]  # type: ignore[arg-type]
        data += http_chunk(merge(parts))
        number += size
    said, skimmed = read_chunks(data), skim(data)
    assert said.parts == tuple(range(first, number))
    assert said.media == tuple(part_of(rendition, n) for n in said.parts)  # type: ignore[arg-type]
    assert [n for at, parts in skimmed.runs for n in range(at, at + parts)] == list(said.parts)
    assert skimmed.used == said.used == len(data)


def test_same_bytes_are_the_same_step_and_others_are_another() -> None:
    course = Course()
    node, _ = followed(course, stream(5), [])
    six, other_six = stream(6)[len(stream()) :], stream(6)[len(stream()) :].replace(b":6:", b":x:")
    step = course.follow(node, six, 1)
    assert course.follow(node, six, 2) is step
    other = course.follow(node, other_six, 3)
    assert other is not step
    assert other.node is step.node  # both stand before part 7


def test_same_delivery_after_different_news_is_read_once() -> None:
    course = Course()
    course.epoch_ms = 0
    node, _ = followed(course, stream(5), [])
    body = http_chunk(part_of(AAC, 6))
    plain = course.follow(node, body, 1)
    steps = [
        course.follow(node, http_chunk(return_event(ReturnTicket(text, 9), 0)) + body, 1)
        for text in ("first", "other", "first")
    ]
    assert steps[0] is steps[2] is not steps[1]
    assert [step.ticket.ticket for step in steps if step.ticket] == ["first", "other", "first"]
    for step in steps:
        assert step.plain
        assert step.data is plain.data
        assert (step.node, step.parts, step.gained_ns) == (plain.node, 1, plain.gained_ns)
    advised = http_chunk(advice_event(Advice(1, 960, 9.0, "load"), 0)) + body
    assert not course.follow(node, advised, 1).plain
    damaged = http_chunk(return_event(ReturnTicket("first", 9), 0)) + body.replace(b":6:", b":x:")
    assert course.known(node, damaged) is None


def test_what_was_remembered_is_forgotten_after_seconds() -> None:
    course = Course()
    node, _ = followed(course, stream(5), [])
    course.follow(node, stream(6)[len(stream()) :], 1)
    course.forget(4_000_000_000)
    assert node
    course.forget(6_000_000_000)
    assert not node


def test_tickets_and_advice_are_heard() -> None:
    course = Course()
    ticket, advice = ReturnTicket("abc", 5), Advice(1, 960, 10.0, "load")
    data = HEAD + http_chunk(return_event(ticket, 0) + advice_event(advice, 0) + part_of(AAC, 0))
    step = course.follow(course.start, data, 0)
    assert (step.ticket, step.advice, step.parts) == (ticket, advice, 1)
    assert not step.plain


def test_end_is_the_last_chunk() -> None:
    course = Course()
    assert course.follow(course.start, stream(5) + LAST_CHUNK, 0).ended


def test_different_bytes_for_the_same_part_are_found_within_and_between_processes() -> None:
    tally, other_tally = Tally(), Tally()
    first, second = Sample(tally, "aac48", None), Sample(other_tally, "aac48", None)
    damaged = stream(5).replace(b"aac48:5:0", b"aac48:5:x")
    for who, data in enumerate((stream(5, 6), stream(5, 6), damaged)):
        first.connecting(who)
        for at in range(0, len(data), 999):
            first.take(who, data[at : at + 999])
    assert (tally.sampled_parts, tally.differing_parts) == (5, 1)
    second.connecting(0)
    second.take(0, damaged)
    comparison = Comparison()
    comparison.add(first.digests)
    comparison.add(second.digests)
    assert comparison.differing_parts == 1


@pytest.mark.parametrize(
    "data", [b"zz\r\nabc\r\n", b"5\r\nabcde\r\n", b"ffffffffff\r\n", b"5\r\nabcdefgh", b"-5\r\nab"]
)
def test_damaged_chunks_are_broken(data: bytes) -> None:
    with pytest.raises(BrokenStream):
        skim(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_broken(data: bytes) -> None:
    for read in (read_chunks, skim):
        with contextlib.suppress(BrokenStream):
            assert read(data).used <= len(data)  # type: ignore[operator]
    with contextlib.suppress(BrokenStream):
        read_head(data)
