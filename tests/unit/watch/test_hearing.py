"""What edges tell: in order, each second once, bounded, and no datagram does harm."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.shield.facts import StageSecond
from stentor.watch.hearing import EDGES_MAX, GONE_S, LATE_S, STAGES_MAX, WAITING_MAX, Heard
from support.watch import edge_second


def tell(heard: Heard, edge: str, at_ms: int = 0, now_s: float = 0.0) -> None:
    heard.take(msgspec.msgpack.encode(edge_second(edge, at_ms)), now_s)


def taken(heard: Heard) -> list[list[tuple[str, int]]]:
    return [[(one.edge, one.at_ms) for one in edges] for edges in heard.rounds()]


def test_each_edges_second_is_taken_once() -> None:
    heard = Heard()
    tell(heard, "b", 1)
    tell(heard, "a", 2)
    assert taken(heard) == [[("a", 2), ("b", 1)]]
    assert taken(heard) == [[]]


def test_an_edge_that_told_twice_between_two_looks_is_not_counted_twice() -> None:
    heard = Heard()
    tell(heard, "a", 1)
    tell(heard, "a", 2)
    tell(heard, "b", 1)
    assert taken(heard) == [[("a", 1), ("b", 1)]]
    tell(heard, "b", 2)
    assert taken(heard) == [[("a", 2), ("b", 2)]]


def test_a_watch_that_was_held_up_takes_the_seconds_one_by_one() -> None:
    heard = Heard()
    for at_ms in range(4):
        tell(heard, "a", at_ms)
    assert taken(heard) == [[("a", 0)], [("a", 1)], [("a", 2)]]
    assert taken(heard) == [[("a", 3)]]


def tell_stage(heard: Heard, stage: str, sifted: int) -> None:
    heard.take(msgspec.msgpack.encode(StageSecond(stage, 0, 1, sifted, foreign=1)), 0.0)


def test_what_stages_tell_is_summed_up_until_it_is_taken() -> None:
    heard = Heard()
    tell_stage(heard, "b", 5)
    tell_stage(heard, "a", 1)
    tell_stage(heard, "a", 2)
    assert [(one.stage, one.sifted, one.foreign) for one in heard.stages()] == [
        ("a", 3, 2),
        ("b", 5, 1),
    ]
    assert heard.stages() == ()
    assert heard.rounds() == [()]
    for number in range(STAGES_MAX + 2):
        tell_stage(heard, str(number), 0)
    assert heard.dropped == 2


def test_what_waits_is_bounded_and_the_oldest_goes() -> None:
    heard = Heard()
    for at_ms in range(WAITING_MAX + 5):
        tell(heard, "a", at_ms)
    assert heard.dropped == 5
    assert taken(heard)[0] == [("a", 5)]


def test_edges_are_bounded_until_those_that_are_gone_are_forgotten() -> None:
    heard = Heard()
    for number in range(EDGES_MAX + 3):
        tell(heard, str(number), now_s=0.0)
    assert heard.dropped == 3
    assert len(heard.missing(GONE_S)) == EDGES_MAX
    assert heard.missing(GONE_S + 1) == ()
    tell(heard, "new", now_s=GONE_S + 1)
    assert heard.dropped == 3


def test_an_edge_that_falls_silent_is_missing_and_one_that_left_is_not() -> None:
    heard = Heard()
    tell(heard, "a", now_s=0.0)
    tell(heard, "b-leaving", now_s=0.0)
    assert heard.missing(LATE_S) == ()
    assert heard.missing(LATE_S + 0.1) == ("a",)
    tell(heard, "a", now_s=9.0)
    assert heard.missing(9.1) == ()


@given(st.binary(max_size=300))
def test_no_datagram_raises(data: bytes) -> None:
    Heard().take(data, 0.0)


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 50, msgspec.msgpack.encode({"edge": 1}), b"\x91" * 9000]
)
def test_what_is_no_second_is_dropped_and_counted(data: bytes) -> None:
    heard = Heard()
    heard.take(data, 0.0)
    assert (heard.dropped, taken(heard)) == (1, [[]])
