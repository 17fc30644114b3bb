"""What the fleet's doors say to a batch is what the real door says to each, one after the other."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from stentor.admission.line import Sheet
from stentor.admission.pace import ROOM_MAX
from stentor.admission.standby import Standby
from stentor.admission.tickets import NO_NETWORK, Kind, Ticket, Tickets
from stentor.edge.door import TICK_S
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.door import Doors, Said, Sheets, is_in
from stentor.simulate.fleet.edges import Edges, make_edges
from stentor.simulate.fleet.homes import NETWORKS
from stentor.simulate.fleet.knocks import Knocks
from stentor.simulate.fleet.people import People, draw
from stentor.simulate.fleet.scenario import Arrivals, Event, Fleet, Scenario
from support.crowd import EPOCH_MS, ROOM, Crowd, Visitor

N = 60
PER_S = 8.0
TICKETS = Tickets(b"k" * 32)  # as the crowd's doors have
COUNTS = {
    Said.RETURNED: "returned",
    Said.TURN: "admitted_in_turn",
    Said.REMINDED: "admitted_in_turn",
    Said.AT_ONCE: "admitted_at_once",
    Said.PLACE: "line_given",
    Said.EARLY: "line_early",
    Said.AGAIN: "line_again",
    Said.STANDBY: "standby_given",
}


class Asking(Visitor):
    """Who asks, and does not mind in which words they are answered."""

    def keeps(self, *, parting: bool) -> bool:
        return not parting

    def refuse(self, data: bytes, *, keep: bool) -> None:
        pass


def a_fleet() -> tuple[Edges, People]:
    scenario = Scenario("a", "b", Event(N, lasts_s=60, hour_s=1), (Arrivals("steady"),))
    fleet = Fleet(machines=1, regions=1, cores=1, edges=1)
    return (
        make_edges(scenario, fleet, SHIPPED),
        draw(scenario, NETWORKS, 1, np.random.SeedSequence(1)),
    )


def said_one_by_one(
    folder: Path, chance: random.Random, sheet: Sheet, state: dict[str, float], asks: list[Kind]
) -> tuple[list[str], list[int]]:
    """Let a real door answer; return which of its counters moved, and the places of tickets."""
    crowd = Crowd(folder, edges=1)
    door = crowd.doors[0]
    door.sheet = sheet
    door.room, door.pauses = int(state["room"]), bool(state["pauses"])
    door._returns_left, door._over = state["returns"], int(state["over"])
    door._bucket.per_s, door._bucket._level = PER_S * 1.25, state["level"]
    door._late_ms = int(state["late_ms"])
    found, places = [], []
    for n, kind in enumerate(asks):
        visitor = Asking(bytes((100, 1, n % 250, 7)), 0.0)
        place_ms = sheet.serving_ms + chance.choice((-40_000, -2_000, 900, 60_000))
        places.append(place_ms)
        if kind:
            network = TICKETS.network_of(visitor.peer) if kind is Kind.LINE else NO_NETWORK
            now_s = EPOCH_MS // 1000
            ticket = Ticket(kind, 0, n + 1, place_ms, now_s, now_s + 600, network)
            visitor.ticket = TICKETS.write(ticket, ROOM.id)
        before = {name: getattr(door._counts, name) for name in set(COUNTS.values())}
        let_in = door.admit(visitor, ROOM, visitor.ticket)  # type: ignore[arg-type]
        moved = [name for name, was in before.items() if getattr(door._counts, name) != was]
        if "standby_given" in moved:  # it is early there, too
            moved = ["standby_given"]
        assert len(moved) == (0 if let_in and not moved else 1)
        found.append(moved[0] if moved else "free")
    return found, places


@pytest.mark.parametrize("seed", range(40))
def test_batch_is_told_what_the_real_door_tells_one_after_the_other(
    seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    line, waiting = chance.choice(((False, 0), (True, 0), (True, 500)))
    given = chance.choice((10, 25)) if waiting else 10
    sheet = Sheet(
        at_ms=EPOCH_MS,
        line=line,
        serving_ms=EPOCH_MS - 5_000,
        waiting=waiting,
        per_s=9,
        room=chance.choice((-5, 0, 40)) if line else ROOM_MAX,
        standby=Standby(EPOCH_MS - 5_000, 10.0, given),
    )
    state = {
        "room": chance.choice((-3, 0, 1, 10, 1000)),
        "pauses": chance.random() < 0.2,
        "returns": chance.choice((0.5, 4.0, 6.5)),
        "over": chance.choice((1, 3)),
        "level": chance.choice((0.2, 3.7, 12.0, 19.9)),
        "late_ms": sheet.serving_ms - 30_000,
    }
    kinds = [None, Kind.LINE, Kind.RETURN, Kind.REMINDER, Kind.STANDBY]
    asks = chance.choices(kinds, (4, 4, 1, 1, 1), k=N)
    one_by_one, places = said_one_by_one(tmp_path, chance, sheet, state, asks)  # type: ignore[arg-type]

    edges, people = a_fleet()
    doors = Doors(edges)
    edges.per_s[:], edges.room[:], edges.pauses[:] = PER_S, state["room"], state["pauses"]
    doors.returns_left[:], doors.over[:] = state["returns"], state["over"]
    doors.level[:] = state["level"]
    shift = EPOCH_MS - 100_000  # the fleet's virtual time is smaller
    people.ticket[:] = [kind or 0 for kind in asks]
    people.place_ms[:] = [place - shift for place in places]
    one = np.ones(1, np.int64)
    sheets = Sheets(
        np.array([line]),
        (sheet.serving_ms - shift) * one,
        waiting * one,
        int(state["late_ms"] - shift) * one,
        sheet.room * one,
        sheet.standby.waiting * one,
        (sheet.standby.serving_ms - shift) * one,
    )
    knocks = Knocks()
    rows = np.arange(N, dtype=np.int32)
    knocks.add(rows, np.zeros(N, np.int64), rows, np.zeros(N))
    batch = knocks.batch(1, N)
    said = doors.ask(batch, people, sheets)
    assert [COUNTS.get(Said(one), "free") for one in said.tolist()] == one_by_one

    room, level = int(edges.room[0]), float(doors.level[0])
    doors.spend(batch, said, np.ones(N, np.bool_))
    assert edges.room[0] == room - is_in(said).sum()
    spared = (said == Said.FREE) | (said == Said.RETURNED)
    assert doors.level[0] == pytest.approx(level - is_in(said).sum() + spared.sum())


def test_level_grows_with_time_and_holds_two_seconds_worth() -> None:
    edges, _ = a_fleet()
    doors = Doors(edges)
    edges.per_s[:] = 40
    nobody = np.zeros(1, np.int64)
    doors.tick(TICK_S, nobody, 100.0)
    assert doors.level[0] == pytest.approx(40 * 1.25 * TICK_S)
    for _ in range(40):
        doors.tick(TICK_S, nobody, 100.0)
    assert doors.level[0] == pytest.approx(40 * 1.25 * 2)


def test_whose_machine_has_lost_listeners_may_come_back_past_the_line() -> None:
    edges, _ = a_fleet()
    doors = Doors(edges)
    doors.tick(TICK_S, np.zeros(1, np.int64), 100.0)
    usual = doors.returns_left[0]
    doors.tick(TICK_S, np.full(1, 300), 100.0)
    assert doors.returns_left[0] == usual + 600
