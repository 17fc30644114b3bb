"""Who is advised to change lanes, and how fast that goes."""

from __future__ import annotations

from itertools import pairwise

from stentor.admission.lanes import LANE_PARTS
from stentor.admission.moves import (
    FASTER_AFTER_S,
    REPEATED_AFTER_S,
    SLOWER_AFTER_S,
    LaneFacts,
    Move,
    Moves,
)

PER_S = 100.0


def run(
    moves: Moves, lanes: list[LaneFacts], fastest: int, seconds: int, at_s: int = 0
) -> list[tuple[int, Move]]:
    found = [(now, moves.step(now, fastest, lanes)) for now in range(at_s, at_s + seconds)]
    return [(now, move) for now, move in found if move is not None]


def test_nobody_is_moved_for_a_moment_of_load() -> None:
    moves = Moves(PER_S)
    lanes = [LaneFacts("a", 1, 500)]
    for second in range(100):
        fastest = 3 if second % 10 < 8 else 1
        assert moves.step(second, fastest, lanes) is None


def test_a_crowd_that_stays_moves_the_fastest_lane_one_step() -> None:
    lanes = [LaneFacts("a", 1, 500), LaneFacts("b", 3, 2000)]
    (at, first), *_ = run(Moves(PER_S), lanes, 12, 60)
    assert at == SLOWER_AFTER_S
    assert first == Move("a", 3, 5.0, slower=True)


def test_moves_of_an_edge_are_a_bounded_number_a_second() -> None:
    lanes = [LaneFacts(n, 3, 1500 + n) for n in range(10)]
    told = run(Moves(PER_S), lanes, 6, 400)
    assert len({move.key for _, move in told}) == 10
    sizes = {lane.key: lane.listeners for lane in lanes}
    for (at, move), (later, _) in pairwise(told):
        assert move.within_s >= sizes[move.key] / PER_S
        assert later - at >= move.within_s


def test_who_is_still_there_is_told_again_but_not_at_once() -> None:
    told = run(Moves(PER_S), [LaneFacts("a", 1, 10)], 3, 400)
    ats = [at for at, _ in told]
    assert len(ats) == 4
    assert all(b - a >= REPEATED_AFTER_S for a, b in pairwise(ats))


def test_when_load_falls_the_way_back_is_slower_and_step_by_step() -> None:
    lanes = [LaneFacts("a", 48, 10)]
    (at, move), *_ = run(Moves(PER_S), lanes, 1, 200)
    assert at == FASTER_AFTER_S > SLOWER_AFTER_S
    assert move == Move("a", 24, 5.0, slower=False)


def test_load_that_comes_back_ends_the_way_back() -> None:
    moves = Moves(PER_S)
    lanes = [LaneFacts(n, 6, 1000) for n in range(20)]
    assert [move.slower for _, move in run(moves, lanes, 3, 100)] == [False] * 4
    assert run(moves, lanes, 6, 100, at_s=100) == []
    told = run(moves, lanes, 12, 60, at_s=200)
    assert told
    assert all(move.slower and move.parts == 12 for _, move in told)


def test_who_is_where_joiners_go_and_empty_lanes_are_left_alone() -> None:
    for parts in LANE_PARTS:
        assert not run(Moves(PER_S), [LaneFacts("a", parts, 9)], parts, 200)
    assert not run(Moves(PER_S), [LaneFacts("a", 1, 0)], 48, 200)


def test_nobody_is_moved_to_a_lane_in_which_all_who_are_here_would_not_fit() -> None:
    moves, lanes = Moves(PER_S), [LaneFacts("a", 12, 900)]
    told = [moves.step(now, 1, lanes, present_parts=12) for now in range(300)]
    assert told == [None] * 300
    told = [moves.step(now, 1, lanes, present_parts=3) for now in range(300, 300 + 70)]
    assert [one.parts for one in told if one] == [6]
