"""How often joiners may wake an edge."""

from __future__ import annotations

from stentor.admission.gathering import APART_NS, APART_NS_MAX, AT_ONCE, Gathering

SECOND_NS = 1_000_000_000


def test_who_comes_now_and_then_is_served_at_once() -> None:
    gathering = Gathering()
    assert [gathering.rest_ns(turn * APART_NS) for turn in range(1, 1000)] == [0] * 999


def test_turns_at_once_are_followed_by_one_in_so_many_milliseconds() -> None:
    gathering = Gathering()
    now_ns, turns = SECOND_NS, 0
    while now_ns < 2 * SECOND_NS:
        turns += 1
        now_ns += gathering.rest_ns(now_ns) or 1_000_000  # the next one comes a moment later
    assert turns == AT_ONCE + SECOND_NS // APART_NS


def test_edges_that_share_a_core_wake_it_in_turns() -> None:
    for cores, apart_ns in ((1.0, APART_NS), (0.5, 2 * APART_NS), (0.01, APART_NS_MAX)):
        gathering = Gathering(cores)
        rests = [gathering.rest_ns(SECOND_NS) for _ in range(AT_ONCE + 2)]
        assert rests == [*([0] * AT_ONCE), apart_ns, 2 * apart_ns]
