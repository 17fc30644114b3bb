"""What joiners get, as a function of what the edge has measured."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from stentor.admission.ladder import Decision, Ladder, LoadFacts, Step, delivery_use
from stentor.admission.lanes import LANE_PARTS

QUIET = LoadFacts(cores=1.0)


def crowd(ladder: Ladder, joins_per_s: list[float], leave: float = 0.0) -> list[Decision]:
    """Let so many come each second; they take the lane that is decided, and may leave again."""
    listeners: dict[int, int] = dict.fromkeys(LANE_PARTS, 0)
    decision, found = ladder.decide(QUIET, 0.0), []
    for second, asked in enumerate(joins_per_s, 1):
        left = 0
        for parts, count in listeners.items():
            gone = int(count * leave)
            listeners[parts] -= gone
            left += gone
        let_in = min(asked, decision.per_s, decision.room) if decision.line else asked
        listeners[decision.fastest_parts] += int(let_in)
        facts = LoadFacts(listeners=dict(listeners), asked_per_s=asked, left_per_s=left)
        decision = ladder.decide(facts, float(second))
        found.append(decision)
    assert delivery_use(replace(facts, asked_per_s=0)) < 0.9, "deliveries always have time"
    return found


def test_few_listeners_have_everything() -> None:
    assert {one.step for one in crowd(Ladder(), [20.0] * 120)} == {Step.ALL}


def test_growing_crowd_climbs_rung_by_rung_and_ends_in_line() -> None:
    found = crowd(Ladder(), [3_000.0] * 300)
    steps = [one.step for one in found]
    assert steps == sorted(steps)
    assert steps[-1] is Step.LINE
    lanes = [one.fastest_parts for one in found]
    assert lanes == sorted(lanes)
    assert lanes[-1] == LANE_PARTS[-1]
    assert Step.LOWER in steps
    assert found[-1].shed
    assert found[-1].lower_rendition


def test_sudden_crowd_is_given_slow_lanes_before_it_is_in() -> None:
    quiet, flood = [10.0] * 5, [20_000.0]
    assert crowd(Ladder(), quiet + flood)[-1].fastest_parts >= 24


def test_lane_that_an_operator_fixed_stays() -> None:
    found = crowd(Ladder(fastest_parts=3, slowest_parts=3), [3_000.0] * 120)
    assert {one.fastest_parts for one in found} == {3}
    assert found[-1].step is Step.LINE


def test_ladder_comes_down_late_and_by_one() -> None:
    ladder = Ladder()
    high = ladder.decide(replace(QUIET, listeners={1: 20_000}), 0.0)
    assert high.step >= Step.SLOWER
    found = [ladder.decide(QUIET, float(second)) for second in range(1, 60)]
    assert all(one == high for one in (replace(one, per_s=high.per_s) for one in found[:8]))
    lanes = [one.fastest_parts for one in found]
    assert lanes == sorted(lanes, reverse=True)
    assert all(a == b or LANE_PARTS.index(a) - LANE_PARTS.index(b) == 1 for a, b in _pairs(lanes))
    assert found[-1].step is Step.ALL


def test_load_that_sways_around_a_ceiling_does_not_make_the_ladder_sway() -> None:
    ladder = Ladder()
    changes = 0
    last: tuple[Step, int] | None = None
    for second in range(600):
        count = 10_000 + 700 * (1 if second % 7 < 3 else -1)
        found = ladder.decide(replace(QUIET, listeners={1: count}), float(second))
        now = (found.step, found.fastest_parts)
        changes += last is not None and now != last
        last = now
    assert changes <= 3


@pytest.mark.parametrize(
    "short",
    [
        {"descriptors": 0.98},
        {"memory": 0.96},
        {"bits": 0.97},
        {"late_s": 3.5, "listeners": {3: 1_000}},
    ],
)
def test_what_no_slower_lane_would_help_with_makes_a_line(short: dict[str, object]) -> None:
    ladder = Ladder()
    facts = replace(QUIET, **short)  # type: ignore[arg-type]
    found = [ladder.decide(facts, float(second)) for second in range(8)]
    assert found[-1].line
    assert not Ladder().decide(QUIET, 0.0).line
    back = [ladder.decide(QUIET, float(second)) for second in range(8, 120)]
    assert not back[-1].line


def test_one_bad_second_is_no_line() -> None:
    ladder = Ladder()
    ladder.decide(QUIET, 0.0)
    assert not ladder.decide(replace(QUIET, asked_per_s=9_000), 1.0).line
    assert not ladder.decide(QUIET, 2.0).line


def test_line_stays_while_somebody_waits() -> None:
    ladder = Ladder()
    for second in range(5):
        ladder.decide(replace(QUIET, descriptors=0.98), float(second))
    found = [ladder.decide(replace(QUIET, waiting=9), float(second)) for second in range(5, 60)]
    assert all(one.line for one in found)


def test_bitrate_is_lowered_when_the_network_is_nearly_full() -> None:
    found = Ladder().decide(replace(QUIET, bits=0.85), 0.0)
    assert found.lower_rendition
    assert not found.line


def test_full_network_makes_no_lane_slower_as_each_who_goes_there_costs_it_a_burst() -> None:
    ladder = Ladder()
    found = [ladder.decide(replace(QUIET, bits=0.9), float(second)) for second in range(30)]
    assert {one.fastest_parts for one in found} == {1}
    assert {one.step for one in found} == {Step.LOWER}


def test_network_beyond_its_limit_is_less_than_no_room_by_those_who_are_too_many() -> None:
    over = replace(QUIET, bits=1.0, listeners={1: 1_000})
    assert Ladder().decide(over, 0.0).room == pytest.approx(-50, abs=1)
    assert Ladder().decide(replace(over, bits=0.95), 0.0).room == 0
    full = replace(QUIET, memory=1.0, listeners={1: 1_000})
    assert Ladder().decide(full, 0.0).room == pytest.approx(-51, abs=1)


def test_memory_that_was_full_has_room_for_what_fits_until_there_is_enough_again() -> None:
    ladder, here = Ladder(), replace(QUIET, listeners={48: 1_000})
    assert ladder.decide(replace(here, memory=0.94), 0.0).room > 5_000  # it may not be theirs
    assert ladder.decide(replace(here, memory=0.96), 1.0).room < 0
    assert ladder.decide(replace(here, memory=0.94), 2.0).room == 10
    assert ladder.decide(replace(here, memory=0.9499), 3.0).room == 1
    assert ladder.decide(replace(QUIET, memory=0.94), 4.0).room > 5_000  # nobody's but its own
    assert ladder.decide(replace(here, memory=0.88), 5.0).room > 5_000


def test_bitrate_comes_back_late_and_does_not_sway_with_the_network() -> None:
    ladder = Ladder()
    ladder.decide(replace(QUIET, bits=0.85), 0.0)
    near = [ladder.decide(replace(QUIET, bits=0.77), float(second)) for second in range(1, 30)]
    assert all(one.lower_rendition for one in near)
    back = [ladder.decide(replace(QUIET, bits=0.5), float(second)) for second in range(30, 60)]
    assert back[0].lower_rendition
    assert not back[-1].lower_rendition
    assert back[-1].step is Step.ALL


def test_rate_stays_the_same_while_costs_sway_a_little() -> None:
    ladder = Ladder()
    rates = set()
    for second in range(60):
        cost_s = 50e-6 * (1.05 if second % 2 else 0.95)
        rates.add(ladder.decide(replace(QUIET, join_cost_s=cost_s), float(second)).per_s)
    assert len(rates) == 1


def test_fixed_rate_is_a_line_and_sheds_nothing() -> None:
    found = Ladder(per_s_max=7.0).decide(QUIET, 0.0)
    assert found.line
    assert found.per_s == 7.0
    assert not found.shed


def _pairs(values: list[int]) -> list[tuple[int, int]]:
    return list(pairwise(values))


def test_lane_for_who_is_here_is_one_in_which_all_of_them_fit() -> None:
    ladder = Ladder()
    # 6,000 in the 0.96 s lane take 12.5 % at 20 µs: joiners may have the fastest lane again, but
    # all who are here would take 37.5 % there.
    calm = LoadFacts(listeners={3: 6_000}, delivery_cost_s=20e-6)
    decision = ladder.decide(calm, 1.0)
    assert decision.fastest_parts == 1
    assert decision.present_parts == 3
    few = LoadFacts(listeners={3: 1_000}, delivery_cost_s=20e-6)
    assert ladder.decide(few, 2.0).present_parts == 1
    many = LoadFacts(listeners={48: 400_000}, delivery_cost_s=40e-6)
    assert ladder.decide(many, 3.0).present_parts == 48


def test_what_hls_players_ask_for_takes_time_from_deliveries() -> None:
    assert Ladder().decide(replace(QUIET, delivery_cost_s=20e-6), 0.0).step is Step.ALL
    read = replace(QUIET, delivery_cost_s=20e-6, shelf_per_s=2_500.0)
    assert delivery_use(read) == pytest.approx(0.25)
    assert Ladder().decide(read, 0.0).step is Step.SHED
