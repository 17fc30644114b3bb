"""Rooms in the database. A change and the act that made it are one transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine, RowMapping, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DatabaseError

from stentor.rooms.acts import Actor, AnyAct
from stentor.rooms.record import Room
from stentor.store.database import storage_error
from stentor.store.schema import ACTS, ROOMS, SEATS


class ActRecord(msgspec.Struct, frozen=True):
    """One line of the log of acts."""

    at_ms: int
    room: str
    revision: int
    role: str
    seat: str | None
    act: dict[str, Any]


def _plain(row: RowMapping) -> dict[str, Any]:
    return {str(key): value for key, value in row.items()}  # its keys are a kind of str


class RoomStore:
    """Loads and saves rooms. Used by one thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_all(self) -> list[Room]:
        """Return every room."""
        with self._engine.connect() as connection:
            rooms = connection.execute(select(ROOMS)).mappings().all()
            seats = connection.execute(select(SEATS).order_by(SEATS.c.place)).mappings().all()
        by_room: dict[str, list[dict[str, Any]]] = {}
        for seat in seats:
            by_room.setdefault(seat["room"], []).append(_plain(seat))
        return [
            msgspec.convert({**_plain(room), "seats": by_room.get(room["id"], [])}, Room)
            for room in rooms
        ]

    def save(self, room: Room, acts: Sequence[AnyAct], actor: Actor, now_ms: int) -> None:
        """Store the room and the acts that made it: all of it is on disk on return.

        Raises `StorageFull` or `StorageFailed`; then none of it is stored.
        """
        record = msgspec.to_builtins(room)
        seats = [
            {**seat, "room": room.id, "place": place}
            for place, seat in enumerate(record.pop("seats"))
        ]
        log = [
            {
                "at_ms": now_ms,
                "room": room.id,
                "revision": room.revision,
                "role": str(actor.role),
                "seat": actor.seat,
                "act": msgspec.to_builtins(act),
            }
            for act in acts
        ]
        row = upsert(ROOMS).values(**record)
        try:
            with self._engine.begin() as connection:
                connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=record))
                connection.execute(delete(SEATS).where(SEATS.c.room == room.id))
                if seats:
                    connection.execute(insert(SEATS), seats)
                connection.execute(insert(ACTS), log)
        except DatabaseError as error:
            raise storage_error(error) from None

    def acts_of(self, room: str, count_max: int = 1_000) -> list[ActRecord]:
        """Return the newest acts on a room, oldest first."""
        query = select(ACTS).where(ACTS.c.room == room).order_by(ACTS.c.id.desc()).limit(count_max)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [msgspec.convert(_plain(row), ActRecord) for row in reversed(rows)]

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
