"""The parts of a simulated fleet, each beside what it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from stentor.admission.lanes import LANE_PARTS
from stentor.admission.line import Sheet, Totals, poll_s, step
from stentor.base.errors import UsageError
from stentor.edge import board, budget, door_limits, load
from stentor.edge import door as edge_door
from stentor.edge import stands as edge_stands
from stentor.simulate.fleet import delivering, ladders, serving, waiting
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.delivering import JUMP_S, Delivering
from stentor.simulate.fleet.diary import TICK_MS, WINDOW, Diary
from stentor.simulate.fleet.edges import (
    UNMEASURED_PER_S,
    edges_per_machine,
    make_edges,
    wire_bits,
)
from stentor.simulate.fleet.homes import NETWORKS, Homes, population
from stentor.simulate.fleet.knocks import Knocks, begins, ranks
from stentor.simulate.fleet.lines import polls_s, stands
from stentor.simulate.fleet.people import NEVER
from stentor.simulate.fleet.scenario import Arrivals, Event, Fleet, Scenario

SCENARIO = Scenario("a", "b", Event(1_000_000), (Arrivals("crowd"),))


def a_sheet(chance: np.random.Generator, *, per_s: float, room: int) -> tuple[Sheet, int]:
    """Return the sheet of a line that has gone on for a while, and the moment after it."""
    now_ms, sheet = 10_000_000, Sheet()
    sheet = step(sheet, [0], Totals(), wanted=True, per_s=per_s, now_ms=now_ms)
    counts = chance.poisson(3.0, 400).tolist()
    given = sum(counts)
    first = sheet.serving_ms // 100
    for n in range(1, 60):
        at = sheet.serving_ms // 100 - first
        sheet = step(
            sheet,
            counts[at:],
            Totals(places=given, came=n * 3),
            wanted=True,
            per_s=per_s,
            now_ms=now_ms + n * 500,
            room=room,
            leaving_per_s=2.0,
        )
    return sheet, now_ms + 30_000


@pytest.mark.parametrize(("per_s", "room"), [(7.0, 10_000), (7.0, 5), (0.0, 10_000), (60.0, 1)])
def test_many_are_told_the_wait_that_the_sheet_tells_each(per_s: float, room: int) -> None:
    chance = np.random.default_rng(3)
    sheet, now_ms = a_sheet(chance, per_s=per_s, room=room)
    places = chance.integers(9_990_000, 10_080_000, 500).astype(np.int32)
    for given in (0, 40):
        found = stands(sheet, places, now_ms, np.full(len(places), float(given)))
        each = [sheet.stand(int(place), now_ms, given) for place in places]
        assert found.waits_s == pytest.approx([one.wait_s for one in each], abs=1e-9)
        ahead = [max(0, one.number - 1 - round(sheet.served)) for one in each]
        assert found.ahead.tolist() == ahead


def test_nobody_waits_where_there_is_no_line() -> None:
    assert stands(Sheet(), np.array([5, 7], np.int32), 10).waits_s.tolist() == [0.0, 0.0]


def test_many_look_again_when_each_would() -> None:
    chance = np.random.default_rng(3)
    waits_s, chances = chance.exponential(40, 500), chance.random(500)
    each = [poll_s(float(w), 2.0, float(c)) for w, c in zip(waits_s, chances, strict=True)]
    assert polls_s(waits_s, 2.0, chances) == pytest.approx(each)


def test_each_begins_when_they_have_come_and_the_one_before_is_done() -> None:
    chance = np.random.default_rng(9)
    n, edges = 400, 7
    at = chance.integers(0, edges, n)
    came_ms = chance.integers(0, 3_000, n).astype(np.int32)
    knocks = Knocks()
    knocks.add(np.arange(n, dtype=np.int32), at, came_ms, np.zeros(n))
    knocks.sort()
    batch = knocks.batch(edges, n)
    takes_s = chance.exponential(0.04, n)
    free_s = chance.random(edges)
    begin_s, done_s = begins(batch, batch.came_ms, takes_s, free_s)
    free = free_s.copy()
    for one in range(n):
        edge = batch.edges[one]
        expected = max(batch.came_ms[one] / 1000, free[edge])
        assert begin_s[one] == pytest.approx(expected, abs=1e-6)
        free[edge] = expected + takes_s[one]
        assert done_s[one] == pytest.approx(free[edge], abs=1e-6)
    assert (np.diff(batch.edges) >= 0).all()


def test_rank_is_how_many_of_ones_edge_come_first() -> None:
    edges = np.array([0, 0, 0, 2, 2, 5])
    marks = np.array([True, False, True, True, True, True])
    assert ranks(marks, np.searchsorted(edges, edges)).tolist() == [0, 1, 1, 0, 1, 0]


def test_everybody_is_handed_out_once_in_the_tick_that_they_are_due_in() -> None:
    chance = np.random.default_rng(4)
    due_ms = chance.integers(0, 5 * WINDOW * TICK_MS, 3_000).astype(np.int32)
    expected, found = due_ms // TICK_MS, np.full(len(due_ms), -1)
    diary = Diary(due_ms)
    for tick in range(5 * WINDOW):
        rows = diary.take(tick)
        assert (found[rows] == -1).all()
        found[rows] = tick
    assert (found == expected).all()
    assert (due_ms == NEVER).all()


def test_who_changes_their_mind_is_due_then_and_not_before() -> None:
    due_ms = np.array([1_000, 1_000, 60_000], np.int32)
    diary = Diary(due_ms)
    assert not len(diary.take(0))
    diary.put(np.array([0, 2], np.int32), np.array([3_000, 500], np.int32))
    diary.put(np.array([0], np.int32), np.array([2_000], np.int32))
    taken = {tick: diary.take(tick).tolist() for tick in range(1, 20)}
    assert {tick: rows for tick, rows in taken.items() if rows} == {2: [2], 4: [1], 8: [0]}


def test_network_beyond_its_limit_is_late_by_what_it_has_not_sent_and_then_drops_it() -> None:
    fleet = Fleet(machines=1, edges=2, cores=2, network_gbit_per_s=1.0)
    edges = make_edges(SCENARIO, fleet, SHIPPED)
    edges.present[:, -1] = 1.25 * edges.machine_bits / 2 / edges.bits[-1]
    work = Delivering(edges)
    nothing = np.zeros(2)
    late_s, missed = [], []
    for _ in range(4 * 60):
        work.begin(0.25, live=True)
        work.end(0.25, nothing, nothing)
        late_s.append(work.late_s.max())
        missed.append(work.missed.max())
    assert work.network[0] == pytest.approx(1.25, rel=1e-3)
    # A quarter of a second is unsent each second, until that is as much as an edge keeps.
    assert late_s[4 * 20 - 1] - late_s[4 * 10 - 1] == pytest.approx(2.5, rel=0.02)
    assert late_s[-1] - late_s[4 * 20 - 1] == pytest.approx(JUMP_S - 5.0, rel=0.02)
    assert not any(missed[: 4 * 40])
    assert missed[-1] == pytest.approx(0.2, rel=0.01)


def test_rules_that_stand_here_too_are_the_edge_s_own() -> None:
    ours_and_theirs = {
        "again": (serving._AGAIN_S, edge_door._AGAIN_S),
        "the line begins": (serving._LINE_BEGINS_MS, edge_door._BEGINS_MS),
        "comes": (waiting.COMES_S, edge_stands._COMES_S),
        "tick": (TICK_MS, edge_door.TICK_S * 1000),
        "peak": (waiting._PEAK_S, board.PEAK_S),
        "unmeasured": (UNMEASURED_PER_S, door_limits._UNMEASURED_PER_S),
        "turn": (delivering._TURN_S, budget.TURN_NS_MAX / 1e9),
        "depth": (delivering._DEPTH_S, budget._DEPTH_NS / 1e9),
        "smooth": (ladders._SMOOTH, load._SMOOTH),
        "asked": (ladders._ASKED_SMOOTH, load._ASKED_SMOOTH),
        "deliveries": (ladders._DELIVERIES_MIN, load._DELIVERIES_MIN),
        "joins": (ladders._JOINS_MIN, load._JOINS_MIN),
    }
    assert {name: ours for name, (ours, _) in ours_and_theirs.items()} == {
        name: theirs for name, (_, theirs) in ours_and_theirs.items()
    }


def test_thousands_are_behind_a_carriers_address_and_few_in_a_house() -> None:
    numbers = np.random.default_rng(1).integers(0, NETWORKS, 40_000, np.uint32)
    homes = Homes(np.random.default_rng(2), population(40_000))
    found = homes.addresses(numbers)
    assert found == homes.addresses(numbers)
    by_peer = sorted(np.unique(np.array(found, dtype=object), return_counts=True)[1].tolist())
    assert by_peer[-1] > 1_500
    assert by_peer[len(by_peer) // 2] == 1


def test_overhead_is_the_measured_one_in_its_lane_and_less_where_deliveries_are_larger() -> None:
    bits = wire_bits(48_000, 1.14)
    assert bits[LANE_PARTS.index(3)] == pytest.approx(48_000 * 1.14)
    assert (np.diff(bits) < 0).all()
    assert bits[-1] > 48_000


def test_machine_runs_as_many_edges_as_its_listeners_need_descriptors() -> None:
    small = Fleet(machines=50, network_gbit_per_s=0.1)
    assert edges_per_machine(SCENARIO, small, SHIPPED) == small.cores
    large = Fleet(machines=1, network_gbit_per_s=40)
    assert edges_per_machine(SCENARIO, large, SHIPPED) > large.cores
    assert edges_per_machine(SCENARIO, Fleet(machines=1, edges=3), SHIPPED) == 3


def test_fleet_that_cannot_be_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="no machines"):
        make_edges(SCENARIO, Fleet(machines=0), SHIPPED)
    with pytest.raises(UsageError, match="65,535 is the most"):
        make_edges(SCENARIO, Fleet(machines=20_000), SHIPPED)


def test_the_first_of_each_queue_are_its_first_and_who_was_seen_is_gone() -> None:
    chance = np.random.default_rng(4)
    n, edges = 300, 5
    at = chance.integers(0, edges - 1, n)  # nobody comes to the last
    came_ms = chance.integers(0, 3_000, n).astype(np.int32)
    knocks = Knocks()
    knocks.add(np.arange(n, dtype=np.int32), at, came_ms, np.zeros(n))
    knocks.sort()
    whole, some = knocks.batch(edges, n), knocks.batch(edges, 7)
    for edge in range(edges):
        assert (some.rows[some.edges == edge] == whole.rows[whole.edges == edge][:7]).all()
    assert (some.first == np.searchsorted(some.edges, some.edges)).all()
    seen = some.came_ms < 40
    knocks.leave(some.at[seen])
    left = knocks.batch(edges, n)
    assert set(left.rows.tolist()) == set(range(n)) - set(some.rows[seen].tolist())
