"""Which phase of a lane a joiner goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from stentor.admission.lanes import LANE_PARTS
from stentor.edge.lane import Lane
from stentor.edge.phases import LISTENERS_MIN, TOGETHER, Phases, phase_order


@dataclass
class _Place:
    """As much of a lane as is looked at."""

    phase: int
    listeners: int = 0


def phases_of(parts: int) -> Phases:
    order = phase_order(parts, "hall", 0)
    return Phases(order, lambda phase: cast(Lane, _Place(phase)))


def join(phases: Phases, count: int) -> None:
    for _ in range(count):
        cast(_Place, phases.choose()).listeners += 1


@pytest.mark.parametrize("parts", LANE_PARTS)
def test_every_phase_is_opened_once(parts: int) -> None:
    order = phase_order(parts, "hall", 3)
    assert sorted(order) == list(range(parts))
    phases = phases_of(parts)
    join(phases, parts * LISTENERS_MIN + parts)
    assert sorted(lane.phase for lane in phases.lanes) == list(range(parts))
    counts = {lane.listeners for lane in phases.lanes}
    assert max(counts) - min(counts) <= TOGETHER


def test_who_come_one_after_another_go_to_one_phase() -> None:
    phases = phases_of(48)
    join(phases, 48 * LISTENERS_MIN)
    went = [phases.choose().phase for _ in range(3 * TOGETHER)]
    assert [len(set(went[at : at + TOGETHER])) for at in range(0, 3 * TOGETHER, TOGETHER)] == [
        1
    ] * 3
    assert len(set(went)) == 3


def test_few_listeners_share_a_delivery() -> None:
    phases = phases_of(48)
    join(phases, LISTENERS_MIN)
    assert len(phases.lanes) == 1
    join(phases, 1)
    assert len(phases.lanes) == 2


def test_few_phases_are_far_apart() -> None:
    for parts in (6, 12, 24, 48):
        for opened in (2, 3):
            taken = sorted(phase_order(parts, "hall", 0)[:opened])
            gaps = [(b - a) % parts for a, b in zip(taken, [*taken[1:], taken[0]], strict=True)]
            assert min(gaps) >= parts / opened / 2 - 1


def test_rooms_and_edges_begin_with_different_phases() -> None:
    assert len({phase_order(48, f"room-{n}", 0)[0] for n in range(200)}) > 40
    assert len({phase_order(48, "hall", index)[0] for index in range(48)}) == 48


def test_who_left_is_made_up_for() -> None:
    phases = phases_of(3)
    join(phases, 3 * LISTENERS_MIN + 3)
    emptied = cast(_Place, phases.lanes[1])
    emptied.listeners = 2
    phases.level()
    join(phases, 6)
    assert emptied.listeners == 8


def test_empty_lanes_are_forgotten_and_their_phases_free_again() -> None:
    phases = phases_of(3)
    join(phases, 3 * LISTENERS_MIN)
    gone = cast(_Place, phases.lanes[0])
    gone.listeners = 0
    phases.level()
    assert gone.phase not in {lane.phase for lane in phases.lanes}
    join(phases, 1)
    assert gone.phase in {lane.phase for lane in phases.lanes}
    assert phases.at(gone.phase) is next(one for one in phases.lanes if one.phase == gone.phase)
