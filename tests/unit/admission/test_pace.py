"""The pace that is announced, how many fit, and how many leave."""

from __future__ import annotations

from stentor.admission.pace import (
    JOIN_COST_S_MIN,
    ROOM_MAX,
    Leaving,
    Pace,
    fits,
    sustained_per_s,
)

TELLING_S = 38e-6  # of CPU, for one who is told their place (bench/refusals.py)


def test_ten_times_as_many_can_be_told_to_wait_in_what_the_pace_leaves_over() -> None:
    for cost_s in (20e-6, JOIN_COST_S_MIN):
        per_s = sustained_per_s(cost_s, join_share=0.5)
        assert per_s * (cost_s + 10 * TELLING_S) <= 0.5


def test_pace_holds_still_while_costs_sway_and_falls_when_they_double() -> None:
    pace, paces = Pace(), set()
    for second in range(60):
        cost_s = 100e-6 * (1.1 if second % 2 else 0.95)
        paces.add(pace.follow(sustained_per_s(cost_s, 0.5), 1.0))
    assert len(paces) == 1
    before = pace.per_s
    after = [pace.follow(sustained_per_s(250e-6, 0.5), 1.0) for _ in range(20)]
    assert after == sorted(after, reverse=True)
    assert after[-1] < before / 1.9


def test_pace_rises_slowly() -> None:
    pace = Pace()
    pace.follow(100.0, 1.0)
    after = [pace.follow(400.0, 1.0) for _ in range(10)]
    assert 100 < after[0] < 112
    assert after[-1] < 250


def test_least_of_all_bounds_is_how_many_fit_and_too_many_are_below_zero() -> None:
    assert fits(0.5, 10e-6, 0.96) in (47_999, 48_000)
    assert fits(0.5, 10e-6, 0.96, 700.0, None) == 700
    assert fits(-0.01, 10e-6, 0.96, 700.0) in (-960, -959)
    assert fits(1e9, 1e-9, 15.36) == ROOM_MAX


def test_share_that_leaves_is_the_same_though_the_house_grows() -> None:
    leaving, found = Leaving(), 0.0
    for second in range(1, 120):
        listeners = 100 * second
        found = leaving.look(listeners, listeners / 50, 1.0)
    assert abs(found - 119 * 100 / 50) < 1
    assert Leaving().look(0, 0.0, 1.0) == 0.0


def test_many_who_begin_to_leave_are_noticed_within_seconds() -> None:
    leaving = Leaving()
    for _ in range(30):
        leaving.look(2_000, 0.0, 1.0)
    found = [leaving.look(2_000, 30.0, 1.0) for _ in range(25)]
    assert found[-1] > 0.85 * 30
