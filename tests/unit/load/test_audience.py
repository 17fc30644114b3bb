"""The player model: when a listener would have heard nothing, and what counts as a gap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.edge.answer import http_chunk
from stentor.edge.rooms import Stream, jump_event
from stentor.load.audience import Audience, Trait
from stentor.load.course import PART_NS, Course, Node
from stentor.load.report import Tally
from stentor.media.boxes import emsg
from stentor.media.renditions import RENDITIONS
from support.programme import init_of, part_of

AAC = RENDITIONS["aac48"]
HEAD = b"HTTP/1.1 200 OK\r\nStentor-Period-Ms: 320\r\nTransfer-Encoding: chunked\r\n\r\n"
WELCOME = HEAD + http_chunk(init_of(AAC))


def chunks(*numbers: int) -> bytes:
    return b"".join(http_chunk(part_of(AAC, number)) for number in numbers)


class One:
    """An audience of one, to whom bytes come at times."""

    def __init__(self, buffer_s: float | None = 0.96) -> None:
        self.tally = Tally()
        self.course = Course()
        self.audience = Audience(1, self.course, self.tally, buffer_s)
        self.node: Node = self.course.start

    def hears(self, data: bytes, now_ns: int) -> One:
        step = self.course.follow(self.node, data, now_ns)
        joining = self.node.position < 0
        self.audience.take(0, self.node, step, now_ns)
        self.node = step.node
        if joining and self.node.position >= 0:
            self.audience.settle(0, self.node, now_ns)
        return self

    def comes_back(self, now_ns: int) -> One:
        self.audience.left(0, self.node.position, now_ns)
        self.node = self.course.start
        return self


def test_parts_on_time_never_stall() -> None:
    one = One().hears(WELCOME + chunks(0, 1), 0)
    for number in range(2, 100):
        one.hears(chunks(number), (number - 1) * PART_NS)
    one.audience.finish(0, 99 * PART_NS)
    assert (one.tally.stalls, one.tally.gaps, one.tally.parts) == (0, 0, 100)


def test_it_starts_at_once_and_skips_what_exceeds_the_target() -> None:
    few = One().hears(WELCOME + chunks(0, 1), 0)
    assert few.audience.dry_ns[0] == 2 * PART_NS
    many = One().hears(WELCOME + chunks(*range(10)), 0)
    assert many.audience.dry_ns[0] == 3 * PART_NS


def test_target_is_that_of_the_lane_which_the_edge_named() -> None:
    one = One(None).hears(WELCOME + chunks(*range(10)), 0)
    assert one.audience.dry_ns[0] == 820_000_000  # 0.32 s and half a second
    slow = One(None).hears(WELCOME.replace(b"Ms: 320", b"Ms: 3840") + chunks(*range(40)), 0)
    assert slow.audience.dry_ns[0] == 4_800_000_000


@given(st.integers(1, 5_000_000_000))
def test_part_later_than_the_buffer_is_a_stall_of_the_difference(late_ns: int) -> None:
    one = One().hears(WELCOME + chunks(0), 0).hears(chunks(1), PART_NS + late_ns)
    assert one.tally.stalls == one.audience.stalls[0] == 1
    assert one.audience.dry_ns[0] == 2 * PART_NS + late_ns
    assert one.tally.stalled_s == late_ns / 1e9


def test_buffer_that_is_dry_at_the_end_is_a_stall() -> None:
    one = One().hears(WELCOME + chunks(0), 0)
    one.audience.finish(0, PART_NS + 1)
    assert (one.tally.stalls, one.tally.stalled_listeners) == (1, 1)


def test_stalls_of_slow_and_flaky_listeners_are_their_own() -> None:
    one = One()
    one.audience.traits[0] = Trait.SLOW
    one.hears(WELCOME + chunks(0), 0).hears(chunks(1), 10 * PART_NS)
    assert (one.tally.stalls, one.tally.odd_stalls) == (0, 1)


def test_hole_without_a_word_is_a_gap_and_with_one_is_a_jump() -> None:
    silent = One().hears(WELCOME + chunks(5, 6), 0).hears(chunks(9), 1)
    assert (silent.tally.gaps, silent.tally.jumps) == (1, 0)
    told = One().hears(WELCOME + chunks(5, 6), 0)
    told.hears(http_chunk(jump_event(7, 9)) + chunks(9), 1)
    assert (told.tally.gaps, told.tally.jumps) == (0, 1)


@pytest.mark.parametrize("changed", [2, 3, 4])
@pytest.mark.parametrize(
    "news", [b"", http_chunk(emsg("urn:x", b"1", presentation_time=0))], ids=["alone", "news"]
)
def test_part_that_comes_with_an_event_is_no_gap(changed: int, news: bytes) -> None:
    """An edge puts a new state into the chunk of the next part, wherever in a delivery that is."""
    stream = Stream("aac48")
    for number in range(5):
        if number == changed:
            stream.news = emsg("urn:x", b"2", presentation_time=0)
        stream.append(number, part_of(AAC, number), 0, 100)
    one = One().hears(WELCOME + stream.chunked(0, 2), 0)
    before = one.node
    for _ in range(2):  # whoever is the first to get it, and who follows
        one.node = before
        one.hears(news + stream.chunked(2, 5), PART_NS)
        assert (one.tally.gaps, one.node.position) == (0, 5)
    assert one.tally.parts == 2 + 2 * 3


def test_parts_that_come_again_are_counted_not_heard_twice() -> None:
    one = One().hears(WELCOME + chunks(5, 6), 0).hears(chunks(6, 7), 1)
    assert (one.tally.parts, one.tally.repeated, one.tally.gaps) == (3, 1, 0)


def test_who_comes_back_goes_on_where_it_was() -> None:
    one = One().hears(WELCOME + chunks(5, 6), 0).comes_back(1)
    one.hears(WELCOME + chunks(5, 6, 7), 2)
    assert (one.tally.repeated, one.tally.parts, one.tally.gaps) == (2, 3, 0)
    assert one.audience.dry_ns[0] == 3 * PART_NS
    one.comes_back(3).hears(WELCOME + chunks(10), 4)
    assert (one.tally.gaps, one.tally.missed_parts) == (1, 2)
