"""The desk: stored, then ordered, then said to be so."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from stentor.base.clock import ManualClock
from stentor.base.errors import Problem
from stentor.base.settings import Settings
from stentor.control.desk import Desk
from stentor.rooms import acts
from stentor.rooms.acts import OPERATOR
from stentor.rooms.orders import Orders, Phase, Role
from stentor.store.database import StorageFailed, open_database
from stentor.store.orders import OrdersFolder
from stentor.store.rooms import RoomStore

PEOPLE = [(Role.HOST, "Host"), (Role.SPEAKER, "Ann")]


class BrokenStore(RoomStore):
    """A store whose disk breaks when told to."""

    broken = False

    def save(self, *arguments: object, **more: object) -> None:
        if self.broken:
            raise StorageFailed("The disk refuses.")
        super().save(*arguments, **more)  # type: ignore[arg-type]


class Fixture:
    """A desk and what lies around it."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.clock = ManualClock()
        self.store = BrokenStore(open_database(folder / "stentor.db"))
        self.orders = OrdersFolder(folder / "orders")
        self.settings = Settings(**settings)  # type: ignore[arg-type]
        self.desk = self.restart()

    def restart(self) -> Desk:
        self.desk = Desk(self.store, self.orders, self.clock, self.settings, os.urandom)
        return self.desk

    def ordered(self, room: str) -> Orders:
        orders = self.orders.read(room)
        assert orders is not None
        return orders


@pytest.fixture
def at(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_room_lives_through_a_restart(at: Fixture) -> None:
    room = at.desk.create("Title", at.desk.now_ms + 60_000, True, PEOPLE)
    muted = at.desk.act(room.id, acts.Mute(room.seats[1].id), OPERATOR)
    assert at.ordered(room.id) == muted.orders()
    assert at.restart().room(room.id) == muted


def test_act_that_cannot_be_stored_is_neither_ordered_nor_remembered(at: Fixture) -> None:
    room = at.desk.create("Title", at.desk.now_ms + 60_000, True, PEOPLE)
    at.store.broken = True
    with pytest.raises(StorageFailed):
        at.desk.act(room.id, acts.Start(), OPERATOR)
    with pytest.raises(StorageFailed):
        at.desk.create("Other", at.desk.now_ms + 60_000, True, PEOPLE)
    assert at.desk.rooms() == [room]
    assert at.ordered(room.id) == room.orders()
    at.orders.discard_all()  # nothing was left to discard
    at.store.broken = False
    assert at.desk.act(room.id, acts.Start(), OPERATOR).revision == 2


def test_several_acts_are_one(at: Fixture) -> None:
    room = at.desk.create("Title", at.desk.now_ms + 60_000, True, PEOPLE)
    with pytest.raises(Problem) as refused:
        at.desk.acts(room.id, [acts.Rename("New"), acts.Rename("")], OPERATOR)
    assert refused.value.status == 422
    assert at.desk.room(room.id) is room
    both = at.desk.acts(room.id, [acts.Rename("New"), acts.List(False)], OPERATOR)
    assert (both.title, both.listed, both.revision) == ("New", False, 3)
    assert [line.act["type"] for line in at.desk.log_of(room.id)] == ["create", "rename", "list"]


def test_start_is_on_the_machines_clock(at: Fixture) -> None:
    room = at.desk.create("Title", at.desk.now_ms + 60_000, True, PEOPLE)
    live = at.desk.act(room.id, acts.Start(), OPERATOR)
    assert live.phase(at.desk.now_ms) is Phase.SCHEDULED
    at.clock.advance(0.5)
    assert at.desk.room(room.id).phase(at.desk.now_ms) is Phase.LIVE


def test_room_is_ended_when_it_ran_for_its_longest(tmp_path: Path) -> None:
    at = Fixture(tmp_path, room_duration_max_s=60)
    room = at.desk.create("Title", at.desk.now_ms + 1_000, True, PEOPLE)
    at.clock.advance(60.9)
    at.desk.tidy()
    assert at.desk.room(room.id).end_ms is None
    at.clock.advance(0.2)
    at.desk.tidy()
    assert at.ordered(room.id).end_ms == at.desk.now_ms + 300
    at.store.broken = True
    at.desk.tidy()  # and goes on when the disk is broken


def test_many_at_once_lose_nothing(at: Fixture) -> None:
    room = at.desk.create("Title", at.desk.now_ms + 60_000, True, PEOPLE)
    names = [f"Speaker {number}" for number in range(20)]

    def invite(name: str) -> None:
        at.desk.invite(room.id, Role.SPEAKER, name, OPERATOR)

    threads = [threading.Thread(target=invite, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = at.desk.room(room.id)
    assert {seat.name for seat in after.seats[2:]} == set(names)
    assert after.revision == 21
    assert at.ordered(room.id) == after.orders()
    assert at.restart().room(room.id) == after
