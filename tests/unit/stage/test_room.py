"""A room's stage without a network: what orders do at once, and that speakers are independent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from stentor.codecs.opus import packet_samples
from stentor.feed.wire import Kind
from stentor.rooms.orders import Orders, Role, Seat
from stentor.rooms.state import decode_stage_state
from stentor.stage.peer import Direction
from stentor.stage.room import StageRoom
from stentor.stage.session import Liveness, Session
from support.bad_network import packets, strength, tone

S = 1_000_000_000
TICK_NS = S // 50
EPOCH_MS = 1_000_000
GRACE_NS = 30 * S


def orders(**changes: dict[str, bool]) -> Orders:
    seats = tuple(
        Seat(name, Role.SPEAKER, name.title(), **changes.get(name, {})) for name in ("ada", "ben")
    )
    return Orders("room", 1, "A room", EPOCH_MS, seats=seats)


class Hall:
    """A room whose speakers send tones; time moves by ticks."""

    def __init__(self) -> None:
        self.now_ns = EPOCH_MS * 1_000_000 - 2 * S
        self.room = StageRoom(orders(), GRACE_NS)
        self.sent = {"ada": packets(tone(440, 2)), "ben": packets(tone(700, 2))}
        self.sessions: dict[str, Session] = {}
        self.numbers = dict.fromkeys(self.sent, 0)
        self.frames: list = []

    def enter(self, name: str, number: int = 1) -> Session:
        seat = self.room.orders.seat(name)
        assert seat is not None
        session = Session(
            f"{name}-{number}", "room", seat, Direction.SPEAKS_AND_HEARS, self.now_ns,
            dead_after_ns=30 * S, connect_within_ns=15 * S,
        )  # fmt: skip
        self.room.enter(session)
        self.sessions[name] = session
        return session

    def run(self, seconds: float, *silent: str) -> None:
        for _ in range(round(seconds * 50)):
            self.now_ns += TICK_NS
            for name, session in self.sessions.items():
                number = self.numbers[name]
                one = self.sent[name][number % 100]
                if name not in silent:
                    self.numbers[name] += 1
                    session._take(number & 0xFFFF, number * 960, one.payload)
                assert packet_samples(one.payload) == 960
            frame = self.room.tick(self.now_ns, self.now_ns)
            if frame is not None:
                self.frames.append(frame)

    def sound(self, seconds: float) -> np.ndarray:
        chosen = self.frames[-round(seconds * 50) :]
        joined = b"".join(one.payload for one in chosen)
        return np.frombuffer(joined, np.int16).astype(np.float32) / 32_768


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    hall = Hall()
    yield hall
    for session in hall.sessions.values():
        await session.peer.close()


async def test_nothing_leaves_before_the_epoch_and_the_first_frame_is_sample_zero(
    hall: Hall,
) -> None:
    hall.enter("ada")
    hall.run(1.9)
    assert hall.frames == []
    assert hall.room.news(hall.now_ns) is None
    hall.run(1)
    assert hall.frames[0].sample_index == 0
    assert [one.sequence for one in hall.frames] == list(range(len(hall.frames)))
    assert all(len(one.payload) == 1_920 and one.kind is Kind.FRAME for one in hall.frames)


async def test_not_a_sample_that_was_mixed_before_the_epoch_is_in_the_first_frame(
    hall: Hall,
) -> None:
    hall.enter("ada")
    hall.run(1.98)
    assert hall.frames == []
    hall.run(0.04)
    first = np.frombuffer(hall.frames[0].payload, np.int16)
    assert not first[:240].any()  # what the limiter held
    assert first[240:].any()


async def test_mute_is_heard_in_the_very_next_frame_but_the_limiters(hall: Hall) -> None:
    hall.enter("ada")
    hall.enter("ben")
    hall.run(3)
    assert strength(hall.sound(0.5), 700) > 0.1
    hall.room.obey(orders(ben={"muted": True}))
    hall.run(0.02)  # 5 ms of it are what the limiter held
    hall.run(0.5)
    assert strength(hall.sound(0.5), 700) < 0.001
    assert strength(hall.sound(0.5), 440) > 0.1
    state = decode_stage_state(hall.room.news(hall.now_ns).payload)
    assert [one.muted for one in state.present] == [False, True]


async def test_removed_and_banned_speakers_are_put_out_and_their_seats_with_them(
    hall: Hall,
) -> None:
    hall.enter("ada")
    ben = hall.enter("ben")
    hall.run(3)
    assert hall.room.obey(orders(ben={"removed": True})) == [ben]
    hall.run(0.1)
    assert [one.seat for one in hall.room.present()] == ["ada"]


async def test_a_room_with_everybody_muted_says_nothing_at_all(hall: Hall) -> None:
    hall.enter("ada")
    hall.run(3)
    count = len(hall.frames)
    hall.room.obey(orders(ada={"muted": True}))
    hall.run(1)
    assert len(hall.frames) == count


async def test_a_speaker_whose_handling_fails_is_put_out_and_the_others_go_on(hall: Hall) -> None:
    hall.enter("ada")
    ben = hall.enter("ben")
    hall.run(3)
    ben.playout = None  # type: ignore[assignment]
    hall.sessions.pop("ben")
    hall.run(0.5)
    assert strength(hall.sound(0.4), 440) > 0.1
    assert hall.room.sweep(hall.now_ns) == [ben]
    await ben.peer.close()


async def test_a_dropped_speaker_is_away_then_dead_and_the_seat_waits(hall: Hall) -> None:
    ada = hall.enter("ada")
    hall.run(3)
    hall.run(2.1, "ada")
    assert ada.liveness() is Liveness.AWAY
    assert not ada.holds_seat()
    assert hall.room.present()[0].away
    hall.room.leave(ada, hall.now_ns, may_return=True)
    assert hall.room.present()[0].away
    hall.room.sweep(hall.now_ns + 20 * S)
    assert hall.room.present()[0].away
    hall.room.sweep(hall.now_ns + 31 * S)
    assert hall.room.deserted


async def test_who_never_connects_is_swept_out(hall: Hall) -> None:
    ada = hall.enter("ada")
    hall.run(14, "ada")
    assert hall.room.sweep(hall.now_ns) == []
    assert hall.room.present() == ()
    hall.run(2, "ada")
    assert hall.room.sweep(hall.now_ns) == [ada]
    assert hall.room.deserted


async def test_a_flood_ends_the_session_and_a_burst_does_not(hall: Hall) -> None:
    ada = hall.enter("ada")
    hall.run(1)
    payload = hall.sent["ada"][0].payload
    for number in range(500):
        if ada._admit():
            ada._take(30_000 + number, number * 960, payload)
    hall.run(2)
    assert hall.room.sweep(hall.now_ns) == []
    assert sum(ada._admit() for _ in range(2_000)) <= 1_000  # of whatever kind
    hall.run(0.02)
    assert hall.room.sweep(hall.now_ns) == [ada]


async def test_a_sample_that_is_no_number_never_gets_into_the_mix(hall: Hall) -> None:
    hall.enter("ada")
    ben = hall.enter("ben")
    hall.run(3)
    pull = ben.playout.pull
    ben.playout.pull = lambda: np.full(960, np.nan, np.float32)  # type: ignore[method-assign]
    hall.run(0.1)
    ben.playout.pull = pull  # type: ignore[method-assign]
    hall.run(0.5)
    assert strength(hall.sound(0.4), 440) > 0.1
    assert strength(hall.sound(0.4), 700) > 0.1
    assert ben.broken_total == 5
