"""Which trials a rehearsal runs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from stentor.base.errors import UsageError
from stentor.rehearsal.trial import Kind
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.trials.plan import SIZES, plan_trials, takes_s


def test_every_size_has_a_crowd_and_a_line_both_ways() -> None:
    plans = plan_trials(SIZES, 1)
    for kind in (Kind.CROWD, Kind.LINE):
        shown = {(one.size, one.tls) for one in plans if one.kind is kind}
        assert shown == {(size, tls) for size in SIZES for tls in (False, True)}
    assert {one.sizes for one in plans if one.kind is Kind.DELIVERIES} == {SIZES}


def test_the_lanes_are_forced_across() -> None:
    plans = plan_trials(SIZES, 1)
    for tls in (False, True):
        lanes = {one.lane_parts for one in plans if one.tls is tls}
        assert lanes >= {1, 3, 12, 48}


def test_several_times_as_many_come_as_are_let_in() -> None:
    for plan in plan_trials(SIZES, 1):
        if plan.kind is Kind.LINE:
            assert plan.flood / plan.flood_s >= 3 * plan.per_s
            assert plan.size / plan.comes_s < plan.per_s
            assert plan.flood_from_s + plan.flood / plan.per_s < plan.lasts_s


def test_each_is_tried_by_several_processes_and_never_twice_in_a_row() -> None:
    plans = plan_trials(SIZES, 1)
    for kind in (Kind.DELIVERIES, Kind.LINE, Kind.CROWD):
        mine = [one for one in plans if one.kind is kind]
        for one in mine:
            again = [other for other in mine if replace(other, round=one.round) == one]
            assert [other.round for other in again] == [*range(1, len(again) + 1)]
            assert len(again) >= 2
    for first, second in pairwise(plans):
        assert replace(first, round=second.round) != second


def test_crowds_come_several_times_to_several_processes_in_turn() -> None:
    plans = [one for one in plan_trials(SIZES, 1) if one.kind is Kind.CROWD]
    for size in SIZES:
        for tls in (False, True):
            mine = [one for one in plans if (one.size, one.tls) == (size, tls)]
            assert sum(one.times for one in mine) >= 8
            assert [one.round for one in mine] == list(range(1, len(mine) + 1))
            assert len({replace(one, round=1) for one in mine}) == 1
    for first, second in pairwise(plans):
        assert (first.size, first.tls) != (second.size, second.tls)


def test_a_crowd_waits_for_seconds_and_one_by_one() -> None:
    for plan in plan_trials(SIZES, 1):
        if plan.kind is Kind.CROWD:
            join_s = (SHIPPED.tls if plan.tls else SHIPPED.plain).join_s
            assert plan.first <= 0.75 * 4096, "more are told in one breath (edge.crush)"
            assert 2.0 < plan.first * join_s / plan.join_share < 6.0


def test_by_default_it_takes_about_a_quarter_of_an_hour() -> None:
    assert 600 < takes_s(plan_trials(SIZES, 1)) < 970


@pytest.mark.parametrize(
    "sizes", [(), (1000,), (100, 200), (300, 200, 100), (90, 90, 90), (1, 2, 3), (100, 200, 10**7)]
)
def test_sizes_that_say_nothing_are_refused_in_a_sentence(sizes: tuple[int, ...]) -> None:
    with pytest.raises(UsageError) as refusal:
        plan_trials(sizes, 1)
    assert str(refusal.value).endswith(".")
