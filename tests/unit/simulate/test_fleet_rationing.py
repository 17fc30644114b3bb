"""A simulated edge spends its joiners' share as a real one does: saved up first, then in slices."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray

from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.delivering import Turn
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.gathering import held_up
from stentor.simulate.fleet.knocks import Batch, begins
from stentor.simulate.fleet.rationing import ASKING_S, asking_s, ration, used_s
from stentor.simulate.fleet.run import Run
from stentor.simulate.fleet.scenario import Arrivals, Event, Fleet, Scenario

EARNED_S = 0.005  # in a tick


def batch(came_ms: list[int], edges: list[int] | None = None) -> Batch:
    """Return people who came then, by edge."""
    n = len(came_ms)
    at = np.array(edges or [0] * n, np.int64)
    first = np.searchsorted(at, at)
    return Batch(
        np.arange(n, dtype=np.int32),
        at,
        np.array(came_ms, np.int32),
        np.zeros(n),
        np.zeros(n, np.bool_),
        first,
        np.arange(n),
    )


def turn(*saved_s: float) -> Turn:
    saved = np.array(saved_s)
    return Turn(np.ones(len(saved)), saved + EARNED_S, saved)


def takes(many: Batch, each_s: float = 0.999e-3) -> NDArray[np.float64]:
    return np.full(len(many), each_s)


def test_who_comes_while_some_is_saved_up_waits_for_nothing() -> None:
    many = batch([1000] * 40)
    speed, sliced = ration(many, takes(many), turn(0.02), 1.0, 1000)
    assert not sliced[:20].any()
    assert sliced[20:].all()
    assert (speed[:20] == 1.0).all()
    assert speed[20:] == pytest.approx(EARNED_S / (TICK_MS / 1000))


@pytest.mark.parametrize(("worth", "served"), [(0.5, 10), (1.0, 20), (1.5, 30)])
def test_what_was_saved_up_lets_in_what_it_is_worth(worth: float, served: int) -> None:
    many = batch([1000] * 60)
    _, sliced = ration(many, takes(many), turn(0.02), worth, 1000)
    assert int((~sliced).sum()) == served
    spent_s = np.array([served * 1e-3 + EARNED_S])
    assert used_s(spent_s, turn(0.02), worth) == pytest.approx(0.02 + EARNED_S)


def test_what_is_earned_in_a_tick_is_there_as_it_is_earned() -> None:
    """Five a tick come evenly and five are earned: nobody queues, though nothing was saved."""
    evenly = batch([1000 + 50 * (n + 1) for n in range(5)])
    _, sliced = ration(evenly, takes(evenly), turn(0.0), 1.0, 1000)
    assert not sliced.any()
    at_once = batch([1000] * 5)
    _, sliced = ration(at_once, takes(at_once), turn(0.0), 1.0, 1000)
    assert sliced.all()


def test_what_is_earned_is_worth_itself() -> None:
    assert used_s(np.array([0.004]), turn(0.02), 0.25) == pytest.approx(0.004)
    assert used_s(np.array([0.006]), turn(0.02), 0.25) == pytest.approx(0.005 + 0.004)


@pytest.mark.parametrize("worth", [0.05, 0.25, 1.5])
def test_what_is_spent_beyond_all_that_was_there_is_owed_as_it_is(worth: float) -> None:
    assert used_s(np.array([0.009]), turn(0.0), worth) == pytest.approx(0.009)
    spent_s = np.array([EARNED_S + 0.02 * worth + 0.003])
    assert used_s(spent_s, turn(0.02), worth) == pytest.approx(EARNED_S + 0.02 + 0.003)


def test_each_edge_has_its_own() -> None:
    many = batch([1000] * 6, [0, 0, 0, 2, 2, 2])
    _, sliced = ration(many, takes(many), turn(0.002, 0.0, 0.001), 1.0, 1000)
    assert sliced.tolist() == [False, False, True, False, True, True]


def test_a_backlog_is_looked_at_evenly_over_the_time_that_pays_for_it() -> None:
    many = batch([0] * 5)
    speed, _ = ration(many, takes(many), turn(0.0), 1.0, 1000)
    ready_ms = np.maximum(many.came_ms, 1000).astype(np.float64)
    begin_s, done_s = begins(many, ready_ms, takes(many) / speed, np.ones(1))
    assert np.diff(begin_s) == pytest.approx(0.05, rel=0.01)
    assert done_s[-1] == pytest.approx(1.25, rel=0.01)


def test_only_who_has_waited_long_is_asked_for() -> None:
    now_ms = 10 * TICK_MS
    asked = asking_s(batch([now_ms - 2000, now_ms - 1200, now_ms - 900, now_ms - 10]), now_ms)
    assert asked.tolist() == [ASKING_S, ASKING_S, 0.0, 0.0]


def in_lots(people: int, together: int = 64, greeting: float = 0.65) -> list[float]:
    """Return after how many joins each hears: accepted in lots, all greeted before any goes on.

    One by one, as `edge.listening` accepts and the loop's ready list has it.
    """
    waiting, done, heard = deque(range(people)), 0.0, [0.0] * people
    while waiting:
        lot = [waiting.popleft() for _ in range(min(together, len(waiting)))]
        done += greeting * len(lot)
        for one in lot:
            done += 1 - greeting
            heard[one] = done
    return heard


def test_by_tls_others_of_a_lot_hold_somebody_up_as_in_the_ready_list() -> None:
    """As a mean over where the lots begin: chance, as who came before is."""
    sizes = range(400, 400 + 64)
    for behind in (0, 10, 32, 100, 300):
        later = [in_lots(size)[size - 1 - behind] - (size - behind) for size in sizes]
        expected = float(held_up(np.array([float(behind)]), tls=True)[0])
        assert sum(later) / len(later) == pytest.approx(expected, abs=1.0)
    assert held_up(np.array([100.0]), tls=False).tolist() == [0.0]


def test_people_come_when_they_are_due_and_not_at_any_moment_of_that_tick() -> None:
    """A crowd that comes within 0.9 s is one of 0.9 s: a tick more of it is a wait less."""
    scenario = Scenario(
        name="a crowd",
        about="a few come within 0.9 s",
        event=Event(listeners=500, lasts_s=8.0, hour_s=0.0),
        arrivals=(Arrivals(model="steady", from_s=5.1, until_s=6.0),),
        fleet=Fleet(machines=1, regions=1, cores=1),
    )
    run = Run(scenario, scenario.fleet, SHIPPED, 1)
    run.course()
    came_ms = run.scene.people.came_ms
    assert came_ms.min() >= 5100
    assert came_ms.max() <= 6000
    assert np.median(came_ms) == pytest.approx(5550, abs=60)
