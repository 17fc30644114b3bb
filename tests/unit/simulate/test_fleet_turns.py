"""When joiners wake an edge of a simulated fleet is when they wake one in production."""

from __future__ import annotations

import numpy as np
import pytest

from stentor.admission.gathering import APART_NS, AT_ONCE, Gathering
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.gathering import Turns, gathered_s, turns
from stentor.simulate.fleet.knocks import Batch

_SECONDS = 20


def came_ms(per_s: int) -> list[int]:
    """Return so many a second, each at some moment of its own share of it."""
    chance = np.random.default_rng(1)
    count = per_s * _SECONDS
    return sorted(((np.arange(count) + chance.random(count)) * 1000 / per_s).astype(int).tolist())


def in_production(came: list[int]) -> tuple[int, float]:
    """Return how many turns there are, and how long people wait for theirs as a mean, in ms."""
    gathering, next_ms, turns, waited_ms, at = Gathering(), 0.0, 0, 0.0, 0
    while at < len(came):
        turn_ms = max(next_ms, float(came[at]))
        while at < len(came) and came[at] <= turn_ms:
            waited_ms += turn_ms - came[at]
            at += 1
        turns += 1
        next_ms = turn_ms + gathering.rest_ns(round(turn_ms * 1e6)) / 1e6
    return turns, waited_ms / len(came)


def in_the_simulation(came: list[int]) -> tuple[int, float]:
    """Return the same of the simulation, which keeps for the next tick who is not ready in one."""
    bucket, count, waited_ms, left = Turns(1, 1.0), 0, 0.0, list[int]()
    for begin_ms in range(0, (_SECONDS + 1) * 1000, TICK_MS):
        now = left + [one for one in came if begin_ms <= one < begin_ms + TICK_MS]
        batch = Batch(
            np.arange(len(now), dtype=np.int32),
            np.zeros(len(now), np.int64),
            np.array(now, np.int32),
            np.zeros(len(now)),
            np.zeros(len(now), np.bool_),
            np.zeros(len(now), np.int64),
            np.arange(len(now)),
        )
        ready_ms, _gathers = bucket.ready_ms(batch)
        seen = ready_ms < begin_ms + TICK_MS
        had = len(np.unique(ready_ms[seen]))
        bucket.take(np.array([float(had)]))
        count += had
        waited_ms += float((ready_ms - batch.came_ms)[seen].sum())
        left = batch.came_ms[~seen].tolist()
    return count, waited_ms / len(came)


@pytest.mark.parametrize("per_s", [5, 30, 100, 225, 1000])
def test_turns_and_waits_are_those_of_the_production_code(per_s: int) -> None:
    came = came_ms(per_s)
    had, waited_ms = in_production(came)
    simulated, simulated_ms = in_the_simulation(came)
    assert simulated == pytest.approx(had, rel=0.1)
    assert simulated_ms == pytest.approx(waited_ms, abs=2.0)


@pytest.mark.parametrize("per_s", [5, 100, 225, 1000])
def test_what_costs_are_fitted_with_is_so_too(per_s: int) -> None:
    had, waited_ms = in_production(came_ms(per_s))
    assert turns(per_s * _SECONDS, _SECONDS, tls=False) == pytest.approx(had, rel=0.1)
    assert gathered_s(per_s) * 1000 == pytest.approx(waited_ms, abs=2.0)


def test_there_are_never_more_turns_than_time_has_given() -> None:
    simulated, _ = in_the_simulation(came_ms(1000))
    assert simulated <= AT_ONCE + _SECONDS * 1e9 / APART_NS + 1
