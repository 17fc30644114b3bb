"""Ticks: on the grid, made up for when a little late, left out when too late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.base.clock import ManualClock
from stentor.stage.ticker import MADE_UP_MAX, TICK_NS, Ticker


def ticker() -> tuple[ManualClock, Ticker]:
    clock = ManualClock()
    return clock, Ticker(clock, lambda _now: None)


def test_one_tick_is_due_every_20_ms() -> None:
    clock, ticks = ticker()
    start = clock.now_ns() // TICK_NS
    for number in range(1, 6):
        clock.advance(0.02)
        assert list(ticks.due(clock.now_ns())) == [start + number]
        assert not ticks.due(clock.now_ns())


def test_a_short_delay_is_made_up_for() -> None:
    clock, ticks = ticker()
    clock.advance(0.02 * MADE_UP_MAX)
    assert len(ticks.due(clock.now_ns())) == MADE_UP_MAX
    assert ticks.counts.left_out == 0


def test_a_long_one_is_left_out_not_queued() -> None:
    clock, ticks = ticker()
    clock.advance(1)
    assert len(ticks.due(clock.now_ns())) == 1
    assert ticks.counts.left_out == 49


def test_a_clock_that_is_set_back_goes_on_from_there() -> None:
    clock, ticks = ticker()
    clock.advance(-3600)
    assert len(ticks.due(clock.now_ns())) == 1
    clock.advance(0.02)
    assert len(ticks.due(clock.now_ns())) == 1


@given(st.lists(st.floats(-100, 100), max_size=50))
def test_never_more_than_a_few_ticks_at_once(steps: list[float]) -> None:
    clock, ticks = ticker()
    for step in steps:
        clock.advance(step)
        assert len(ticks.due(clock.now_ns())) <= MADE_UP_MAX
