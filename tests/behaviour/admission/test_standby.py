"""Whose turn has come and for whom there is no room: they stand by, in order, and are told so."""

from __future__ import annotations

from pathlib import Path

from stentor.admission.line import WAIT_S_MAX
from stentor.admission.tickets import Kind, Ticket, Tickets
from support.crowd import EPOCH_MS, ROOM, Visitor, errors_of
from support.house import House

PLACES = 400  # at each of two edges


def reminded(house: House, number: int, comes_s: float) -> Visitor:
    """Somebody who asked for a place an hour before."""
    before_ms = EPOCH_MS - 3_600_000 + number
    ticket = Ticket(
        Kind.REMINDER, 0, 100 + number, before_ms, before_ms // 1000, EPOCH_MS // 1000 + 7_200
    )
    text = Tickets(b"k" * 32).write(ticket, ROOM.id)
    return house.come(Visitor(house.anybody(), comes_s, ticket=text))


def full_house(folder: Path, *, line: int = 100, stays_s: float = 1e9) -> House:
    """A house that is full at 30 s, with a line before it."""
    house = House(folder, places=PLACES, stays_s=stays_s)
    house.arrivals((2.04 * PLACES + line) / 10, 10, start_s=1.0)
    house.run(30)
    assert sum(house.listeners.values()) >= 0.98 * 2 * PLACES
    return house


def test_who_has_a_reminder_and_no_room_is_told_so_and_asks_seldom(tmp_path: Path) -> None:
    house = full_house(tmp_path)
    holders = [reminded(house, n, 30 + n / 20) for n in range(80)]
    tries = [one.tries for one in holders]
    house.run(150)
    slack = 0.01 * 2 * PLACES  # so many more may come in beyond what is full
    outside = [one for one in holders if one.admitted_s is None]
    assert len(outside) >= 80 - slack - 2
    for place, one in enumerate(outside):
        assert (one.said["standby"], one.said["full"]) == (True, True)
        assert one.said["wait_s"] == WAIT_S_MAX
        assert abs(one.said["ahead"] - place) <= 2, "among the first so many, in their order"
        assert one.said["poll_s"] >= 20
        assert one.tries - tries[holders.index(one)] <= 7, "asked twelve times at least before"


def test_who_stands_by_comes_in_before_the_line_and_when_it_was_said(tmp_path: Path) -> None:
    house = full_house(tmp_path, line=700, stays_s=80.0)
    holders = [reminded(house, n, 30 + n / 30) for n in range(200)]  # 10 a second leave
    house.run(70)
    in_turn = [one for one in holders if one.admitted_s is not None]
    assert len(in_turn) == 200
    last_s = max(one.admitted_s or 0.0 for one in in_turn)
    others = [one for one in house.admitted if one not in holders]
    past = [one for one in others if 38 < (one.admitted_s or 0.0) < last_s - 2]
    assert len(past) <= 5, "nobody in line is let in before them"
    order = sorted(holders, key=lambda one: one.admitted_s or 0.0)
    moved = sorted(abs(holders.index(one) - at) for at, one in enumerate(order))
    assert moved[180] <= 25, "in the order in which they came"
    errors = errors_of([one for one in in_turn if one.waited_s > 5])
    assert len(errors) >= 100
    assert errors[len(errors) // 2] <= 0.2
    assert errors[int(0.9 * len(errors))] <= 0.35, "who leaves, leaves by chance"
