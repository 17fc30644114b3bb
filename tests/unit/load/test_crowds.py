"""Arrivals, behaviours and the line, as a load's listeners go by them. Seeded and exact."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.base.errors import UsageError
from stentor.load.arrivals import Arrivals, Coming, due_s
from stentor.load.audience import Trait
from stentor.load.behaviour import Behaviour, trait
from stentor.load.line import (
    InLine,
    Notice,
    expected_wait_s,
    is_served,
    read_in_line,
    read_notice,
)
from stentor.load.plan import Plan, processes_needed, shares
from stentor.load.report import Tally
from stentor.load.target import Target
from stentor.load.waiting import Queue

TARGET = Target("127.0.0.1", 1, "hall", "aac48")
NS = 1_000_000_000


def came(pattern: Arrivals, count: int = 2000, **more: float) -> list[float]:
    coming, chance = Coming(pattern, 20.0, **more), random.Random(3)
    return [due_s(coming, number, count, chance) for number in range(count)]


@pytest.mark.parametrize("pattern", list(Arrivals))
def test_arrivals_rise_and_are_within_the_ramp(pattern: Arrivals) -> None:
    times = came(pattern)
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= 20.0


def test_rate_is_constant_or_rises_or_peaks_at_the_hour() -> None:
    def share(times: list[float], low: float, high: float) -> float:
        return sum(low <= one < high for one in times) / len(times)

    assert share(came(Arrivals.CONSTANT), 5, 10) == pytest.approx(0.25, abs=0.01)
    assert share(came(Arrivals.RAMP), 0, 10) == pytest.approx(0.25, abs=0.01)
    crowd = came(Arrivals.CROWD, hour_s=12.0)
    assert share(crowd, 7, 17) == pytest.approx(0.715, abs=0.02)  # one sigma of two
    assert share(crowd, 11, 13) > 3 * share(crowd, 2, 4)


def test_same_seed_is_the_same_crowd() -> None:
    assert came(Arrivals.CROWD) == came(Arrivals.CROWD)


def test_behaviours_have_their_shares() -> None:
    behaviour, chance = Behaviour(0.1, 0.2, 0.3), random.Random(5)
    found = [trait(behaviour, chance) for _ in range(5000)]
    for one, share in ((Trait.SLOW, 0.1), (Trait.FLAKY, 0.2), (Trait.LEAVING, 0.3)):
        assert found.count(one) / 5000 == pytest.approx(share, abs=0.03)
    with pytest.raises(UsageError):
        Behaviour(0.5, 0.4, 0.2)


@given(st.integers(1, 5000), st.integers(1, 8))
def test_shares_are_everyone_once(count: int, processes: int) -> None:
    plan = Plan(TARGET, max(count, processes), 10, processes=processes)
    assert sum(one.count for one in shares(plan, None)) == plan.count
    assert sum(one.decoding for one in shares(plan, None)) == plan.decoding


def test_plan_beyond_what_may_be_opened_is_refused() -> None:
    with pytest.raises(UsageError, match="processes"):
        processes_needed(Plan(TARGET, 1_000_000, 10, processes=2))


NOTICE = Notice(
    open=False,
    serving_ms=1000,
    serving=10,
    per_minute=60,
    line=((1000, 10), (3000, 30)),
    wait_s=(0.0, 20.0),
)


def test_place_between_two_that_the_notice_names_is_interpolated() -> None:
    assert not is_served(NOTICE, 2000)
    assert expected_wait_s(NOTICE, 2000) == 10
    assert expected_wait_s(NOTICE, 9999) == 20
    assert is_served(NOTICE, 1000)
    assert expected_wait_s(Notice(open=False, serving_ms=0), 5) == 0


def test_who_is_nearly_served_looks_when_it_is_their_turn() -> None:
    queue = Queue(Tally(), random.Random(1))
    queue.refused(7, InLine("t", 1300, 3, wait_s=30.0, poll_s=10.0), 0)
    look_ns = queue.noticed(7, NOTICE, 0)
    assert look_ns is not None
    assert 3.2 * NS <= look_ns <= 3.8 * NS, "three seconds, and all do not come at once"


@given(st.binary(max_size=200))
def test_any_body_is_a_place_or_none(body: bytes) -> None:
    assert read_in_line(body) is None
    assert read_notice(body) is None


def test_wait_is_compared_with_what_was_announced_first() -> None:
    tally = Tally()
    queue = Queue(tally, random.Random(1))
    said = InLine("t", 2000, 10, wait_s=10.0, poll_s=2.0)
    look_ns = queue.refused(7, said, 0)
    assert look_ns == 2 * NS, "when the door said"
    assert queue.noticed(7, NOTICE, look_ns) is not None
    assert queue.noticed(7, None, look_ns) is not None
    served = Notice(open=False, serving_ms=2000)
    assert queue.noticed(7, served, 11 * NS) is None
    assert 7 in queue.called
    queue.refused(7, InLine("u", 2000, 0, wait_s=1.0), 11 * NS)
    assert (queue.ticket(7), tally.tickets_lost) == ("u", 0)
    queue.admitted(7, 11 * NS + NS // 2)
    assert (tally.waited, tally.waits_within_10, tally.waits_within_20) == (1, 0, 1)
    assert len(queue) == 0


def test_worse_place_for_a_ticket_is_a_broken_promise() -> None:
    tally = Tally()
    queue = Queue(tally, random.Random(1))
    queue.refused(1, InLine("t", 2000, 1), 0)
    queue.refused(1, InLine("t", 2500, 1), 1)
    assert tally.tickets_lost == 1


def test_place_that_many_share_is_changed_for_one_of_one_s_own_and_promised_then() -> None:
    tally = Tally()
    queue = Queue(tally, random.Random(1))
    shared = InLine("all", 2000, 10, wait_s=20.0, poll_s=2.0, shared=True)
    assert queue.refused(7, shared, 0) == 2 * NS
    assert queue.ticket(7) == "all"
    assert 7 not in queue.called, "it is nobody's turn"
    queue.refused(7, InLine("own", 2500, 10, wait_s=10.0, poll_s=3.0), 2 * NS)
    assert tally.tickets_lost == 0
    assert queue.ticket(7) == "own"
    queue.admitted(7, 12 * NS)
    assert (tally.waited, tally.promised, tally.waits_within_10) == (1, 1, 1)
