"""When a part that died is started again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.supervise.restart import (
    AT_ONCE_MAX,
    FIRST_WAIT_S,
    MEMORY_S,
    WAIT_S_MAX,
    decide_restart,
    remember_death,
)


def test_first_deaths_are_answered_at_once() -> None:
    deaths: tuple[float, ...] = ()
    for count in range(AT_ONCE_MAX):
        deaths = remember_death(deaths, 100.0 + count)
        assert decide_restart(deaths, 100.0 + count) == 0.0


def test_part_that_keeps_dying_is_tried_ever_more_rarely() -> None:
    deaths = tuple(100.0 + i * 0.1 for i in range(AT_ONCE_MAX))
    waits = []
    for i in range(8):
        deaths = remember_death(deaths, 101.0 + i)
        waits.append(decide_restart(deaths, 101.0 + i))
    assert waits[0] == FIRST_WAIT_S
    assert waits == sorted(waits)
    assert waits[-1] == WAIT_S_MAX


def test_deaths_of_long_ago_are_forgiven() -> None:
    deaths = tuple(float(i) for i in range(20))
    assert decide_restart(deaths, 20.0) > 0
    assert decide_restart(deaths, 20.0 + MEMORY_S) == 0.0
    assert remember_death(deaths, 20.0 + MEMORY_S) == (20.0 + MEMORY_S,)


@given(st.lists(st.floats(0, 1e6), max_size=2000), st.floats(0, 1e6))
def test_wait_is_always_bounded(deaths: list[float], now: float) -> None:
    assert 0.0 <= decide_restart(deaths, now) <= WAIT_S_MAX
