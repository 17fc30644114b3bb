"""What is left at one edge, and whose turn it is."""

from __future__ import annotations

import pytest

from stentor.admission.entry import OVER, Entry, Turn, is_served
from stentor.admission.line import Sheet
from stentor.admission.pace import ROOM_MAX
from stentor.admission.standby import Standby
from stentor.admission.tickets import Kind

SHEET = Sheet(line=True, serving_ms=1_000, room=10, standby=Standby(serving_ms=500))
SECOND_NS = 1_000_000_000


def entry(listeners: int = 0) -> Entry:
    found = Entry(10.0, 0)
    found.earns(listeners)
    return found


def test_pace_is_saved_up_for_two_seconds_and_taken_one_by_one() -> None:
    one = entry()
    assert one.level(60 * SECOND_NS, holds=False) == pytest.approx(25.0)
    one.takes()
    assert one.level(60 * SECOND_NS, holds=False) == pytest.approx(24.0)
    assert one.room == ROOM_MAX - 1


def test_whose_turn_has_come_may_go_a_little_beyond_room_and_nobody_else() -> None:
    one = entry(listeners=2 * OVER)
    for room, held, others in ((1, True, True), (0, True, False), (-2, True, False)):
        one.room = room
        assert bool(one.level(60 * SECOND_NS, holds=True)) == held
        assert bool(one.level(60 * SECOND_NS, holds=False)) == others
    one.room = -3
    assert not one.level(60 * SECOND_NS, holds=True)


def test_edge_that_pauses_lets_nobody_in_who_is_not_back() -> None:
    one = entry()
    one.pauses = True
    one.expects(1.5)
    assert not one.level(60 * SECOND_NS, holds=True)
    assert [one.returns(), one.returns()] == [True, False]
    assert one.room == ROOM_MAX - 1


def test_nobody_passes_a_line_in_which_somebody_waits_or_when_little_is_left() -> None:
    one, quiet = entry(), Sheet(line=True)
    assert one.passes(quiet, 13.0)
    assert not one.passes(quiet, 12.0), "half of what may be saved up is for whose turn it is"
    assert not one.passes(Sheet(line=True, waiting=1), 25.0)


@pytest.mark.parametrize(
    ("kind", "place_ms", "level", "room", "turn"),
    [
        (Kind.LINE, 1_000, 1.0, 10, Turn.COMES),
        (Kind.LINE, 1_001, 9.0, 10, Turn.EARLY),
        (Kind.LINE, 900, 0.9, 10, Turn.AGAIN),
        (Kind.LINE, 900, 0.9, 0, Turn.AGAIN),
        (Kind.STANDBY, 600, 9.0, 10, Turn.EARLY),
        (Kind.STANDBY, 500, 9.0, 10, Turn.COMES),
        (Kind.STANDBY, 500, 0.9, 10, Turn.AGAIN),
        (Kind.STANDBY, 500, 0.9, 0, Turn.EARLY),
    ],
)
def test_turn_follows_from_place_level_and_room(
    kind: Kind, place_ms: int, level: float, room: int, turn: Turn
) -> None:
    sheet = Sheet(line=True, serving_ms=1_000, room=room, standby=Standby(serving_ms=500))
    assert entry().turn(sheet, kind, place_ms, level) is turn


def test_everybody_is_served_where_there_is_no_line() -> None:
    assert is_served(Sheet(), Kind.STANDBY, 10**15)
    assert is_served(Sheet(), Kind.LINE, 10**15)
    assert not is_served(SHEET, Kind.STANDBY, 501)
