"""What a speaker's own page is told, ten times a second: how they and the others stand.

Always the newest snapshot, never a queue: a page that reads slowly misses some. A session has one
reader at a time; a new one ends the one before.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from stentor.base.clock import Clock
from stentor.rooms.orders import Phase, Role
from stentor.rooms.state import Present
from stentor.stage.room import StageRoom
from stentor.stage.session import Session
from stentor.stage.stage import Stage

INTERVAL_S = 0.1


class You(msgspec.Struct, frozen=True):
    """The session's own side."""

    seat: str
    name: str
    role: Role
    muted: bool
    speaking: bool
    level_db: float
    gain_db: float
    connected: bool
    lost: int
    received: int


class Other(msgspec.Struct, frozen=True):
    """Somebody on the stage."""

    seat: str
    name: str
    role: Role
    muted: bool
    speaking: bool
    away: bool
    level_db: float


class Event(msgspec.Struct, frozen=True):
    """One snapshot. `on_air` says that the audience hears the stage now."""

    room: str
    title: str
    phase: Phase
    epoch_ms: int
    end_ms: int | None
    now_ms: int
    on_air: bool
    you: You
    present: tuple[Other, ...]


def _other(present: Present, stage: StageRoom) -> Other:
    session = stage.sessions.get(present.seat)
    level = session.voice.level_db if session is not None and not present.away else -120.0
    return Other(
        present.seat,
        present.name,
        present.role,
        present.muted,
        present.speaking,
        present.away,
        round(level, 1),
    )


class Events:
    """Snapshots for all sessions of a stage; the last one only says `gone`, and why."""

    def __init__(self, stage: Stage, clock: Clock) -> None:
        self._stage = stage
        self._clock = clock
        self._readers: dict[str, object] = {}  # by session: the newest

    async def follow(self, session: Session) -> AsyncIterator[str]:
        """Yield snapshots as JSON until the session is over or another reader comes."""
        reader = object()
        self._readers[session.id] = reader
        try:
            while self._readers.get(session.id) is reader:
                stage = self._stage.room(session.room)
                if session.gone or stage is None:
                    yield msgspec.json.encode({"gone": session.gone or "over"}).decode()
                    return
                yield msgspec.json.encode(self._event(session, stage)).decode()
                await asyncio.sleep(INTERVAL_S)
        finally:
            if self._readers.get(session.id) is reader:
                del self._readers[session.id]

    def _event(self, session: Session, stage: StageRoom) -> Event:
        now_ns = self._clock.now_ns()
        phase = stage.phase(now_ns)
        seat = session.seat
        return Event(
            room=session.room,
            title=stage.orders.title,
            phase=phase,
            epoch_ms=stage.orders.epoch_ms,
            end_ms=stage.orders.end_ms,
            now_ms=now_ns // 1_000_000,
            on_air=phase is Phase.LIVE,
            you=You(
                seat.id,
                seat.name,
                seat.role,
                seat.muted,
                session.voice.speaking,
                round(session.voice.level_db, 1),
                round(session.voice.gain_db, 1),
                session.peer.state == "connected",
                session.playout.lost_total,
                session.playout.counts.received,
            ),
            present=tuple(_other(one, stage) for one in stage.present()),
        )
