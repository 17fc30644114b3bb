"""All stages of a process: independent of each other, bounded, and nothing kept for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from stentor.base.clock import ManualClock
from stentor.base.errors import Problem
from stentor.base.settings import Settings
from stentor.feed.wire import Kind, Message
from stentor.rooms.links import Link, sign_link
from stentor.rooms.orders import Orders, Role, Seat
from stentor.stage.peer import Direction
from stentor.stage.session import Session
from stentor.stage.stage import Stage
from stentor.store.orders import OrdersFolder
from support.bad_network import packets, tone

KEY = b"k" * 32
S = 1_000_000_000
SENT = packets(tone(440, 1))


class Machine:
    """A stage whose time moves by ticks; its speakers send a tone without a network."""

    def __init__(self, folder: Path, **settings: int) -> None:
        self.clock = ManualClock()
        self.orders = OrdersFolder(folder)
        self.messages: list[Message] = []
        self.forgotten: list[str] = []
        for room in ("a", "b", "c"):
            seats = tuple(Seat(f"{room}{n}", Role.SPEAKER, "Ada") for n in range(3))
            self.order(Orders(room, 1, "A room", self.now_ms - 1_000, seats=seats))
        self.stage = Stage(
            Settings(**settings), self.clock, OrdersFolder(folder), KEY,
            self.messages.append, self.forgotten.append, self.clock.now_ns,
        )  # fmt: skip
        self.speakers: list[Session] = []
        self.number = 0

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def order(self, orders: Orders) -> None:
        self.orders.write(orders)
        self.latest = orders

    def enter(self, room: str, seat: str) -> Session:
        orders = self.orders.read(room)
        assert orders is not None
        found = orders.seat(seat)
        assert found is not None
        session = Session(
            f"{room}-{seat}", room, found, Direction.SPEAKS_AND_HEARS, self.clock.now_ns(),
            dead_after_ns=30 * S, connect_within_ns=15 * S,
        )  # fmt: skip
        self.stage._seat(session)
        self.speakers.append(session)
        return session

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.clock.advance(0.02)
            for session in self.speakers:
                payload = SENT[self.number % 50].payload
                session._take(self.number & 0xFFFF, self.number * 960, payload)
            self.number += 1
            self.stage.ticker.counts.ticks += 1
            self.stage._tick(self.clock.now_ns())

    def frames(self, room: str) -> int:
        return sum(one.kind is Kind.FRAME and one.room == room for one in self.messages)

    async def join(self, room: str, seat: str, resume: str | None = None) -> Session:
        token = sign_link(Link(seat, room, Role.SPEAKER, "x", self.now_ms + 60_000), KEY)
        client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        client.addTransceiver("audio", direction="sendonly")
        await client.setLocalDescription(await client.createOffer())
        offer = client.localDescription.sdp.encode()
        await client.close()
        return await self.stage.join(room, token, offer, Direction.SPEAKS, resume)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path / "orders")
    yield machine
    await machine.stage.close()


async def test_a_fault_in_one_room_stops_no_other(machine: Machine) -> None:
    machine.enter("a", "a0")
    machine.enter("b", "b0")
    machine.run(1)
    machine.stage.room("a")._mixer = None  # type: ignore[union-attr,assignment]
    before = machine.frames("a"), machine.frames("b")
    machine.run(0.06)
    assert machine.frames("a") == before[0]
    assert machine.frames("b") == before[1] + 3


async def test_a_speaker_that_nothing_can_be_sent_to_is_put_out_and_the_others_hear_on(
    machine: Machine,
) -> None:
    ada, ben = machine.enter("a", "a0"), machine.enter("a", "a1")
    machine.run(1)
    sent = []

    def fail(_payload: bytes) -> None:
        raise RuntimeError("whatever aiortc may raise")

    ada.peer.send = fail  # type: ignore[method-assign]
    ben.peer.send = sent.append  # type: ignore[method-assign]
    machine.run(0.5)
    assert len(sent) == 25
    assert ada.gone == "failed"
    assert machine.stage.sessions == [ben]


async def test_orders_that_cannot_be_looked_at_stop_nothing_and_count_as_soon_as_they_can(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = machine.enter("a", "a0"), machine.enter("a", "a1")
    machine.run(1)

    def out_of_descriptors(*_: object) -> None:
        raise OSError(24, "Too many open files")

    before = machine.frames("a")
    orders = machine.orders.read("a")
    assert orders is not None
    muted = msgspec.structs.replace(orders.seats[0], muted=True)
    machine.order(msgspec.structs.replace(orders, revision=2, seats=(muted, *orders.seats[1:])))
    with monkeypatch.context() as patch:
        patch.setattr("stentor.store.orders.os.scandir", out_of_descriptors)
        machine.run(1)
    assert machine.frames("a") == before + 50
    assert not ada.seat.muted
    machine.run(0.04)
    assert ada.seat.muted
    assert not ben.seat.muted


async def test_a_connection_that_is_over_ends_its_session_at_once_and_keeps_the_seat(
    machine: Machine,
) -> None:
    ada = machine.enter("a", "a0")
    machine.run(1)
    await ada.peer.close()
    machine.run(0.1)
    assert ada.gone == "silent"
    room = machine.stage.room("a")
    assert room is not None
    assert [one.away for one in room.present()] == [True]


async def test_who_leaves_is_not_expected_back_though_their_connection_was_seen_to_end_first(
    machine: Machine,
) -> None:
    ada, ben = machine.enter("a", "a0"), machine.enter("a", "a1")
    machine.run(1)
    await ada.peer.close()  # as a browser does, a moment before its DELETE is here
    await ben.peer.close()  # whose network failed
    machine.run(0.1)
    machine.stage.end("b", ada.id)  # another room's has nothing to do with it
    room = machine.stage.room("a")
    assert room is not None
    assert [one.seat for one in room.present()] == ["a0", "a1"]
    machine.stage.end("a", ada.id)
    assert [(one.seat, one.away) for one in room.present()] == [("a1", True)]
    machine.stage.end("a", ben.id)
    assert room.present() == ()


async def test_what_the_feed_keeps_of_a_room_is_there_half_a_minute_after_its_end_then_gone(
    machine: Machine,
) -> None:
    ada, ben = machine.enter("a", "a0"), machine.enter("b", "b0")
    machine.run(1)
    for room, session in (("a", ada), ("b", ben)):
        orders = machine.orders.read(room)
        assert orders is not None
        machine.order(msgspec.structs.replace(orders, revision=2, end_ms=machine.now_ms + 200))
        if room == "a":  # who leaves before the end must not leave anything behind
            machine.stage.end(room, session.id)
    machine.run(0.1)
    assert machine.stage.room("a") is None
    machine.run(25)
    assert machine.forgotten == []
    machine.run(10)
    assert sorted(machine.forgotten) == ["a", "b"]


@pytest.mark.parametrize(
    ("limit", "first", "second"),
    [
        ("speakers_max", ("a", "a0"), ("a", "a1")),
        ("stage_rooms_max", ("a", "a0"), ("b", "b0")),
        ("stage_sessions_max", ("a", "a0"), ("b", "b0")),
    ],
)
async def test_limits_hold_for_those_who_come_at_once_and_replacing_oneself_is_not_one_more(
    tmp_path: Path, limit: str, first: tuple[str, str], second: tuple[str, str]
) -> None:
    machine = Machine(tmp_path / "orders", **{limit: 1})
    try:
        results = await asyncio.gather(
            machine.join(*first), machine.join(*second), return_exceptions=True
        )
        (session,) = [one for one in results if isinstance(one, Session)]
        (problem,) = [one for one in results if isinstance(one, Problem)]
        assert (problem.status, problem.kind) == (503, "stage-full")
        place = (session.room, session.seat.id)
        again = await machine.join(*place, resume=session.id)
        assert session.gone == "replaced"
        machine.stage.end(again.room, again.id)
        machine.run(0.1)
        assert await machine.join(*(second if place == first else first))
    finally:
        await machine.stage.close()
