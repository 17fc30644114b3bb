"""The desk: the one writer of rooms. Stored first, then ordered, then acknowledged.

It may be used from several threads. What it says has happened has happened: it is on disk in the
database and in the orders. Who may act is decided in `stentor.rooms`, not here.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.exc import DatabaseError

from stentor.base.clock import Clock
from stentor.base.errors import Problem, StentorError
from stentor.base.ids import RandomBytes, readable_id, room_id
from stentor.base.metrics import CONTROL_ACTS, CONTROL_ORDERS_WAITING, CONTROL_ROOMS
from stentor.base.settings import Settings
from stentor.control.problems import refused
from stentor.rooms.acts import OPERATOR, Actor, AnyAct, Create, End, Invite, Refusal
from stentor.rooms.changes import apply, create
from stentor.rooms.orders import Phase, Role
from stentor.rooms.record import EXPIRES_MS_MAX, Room
from stentor.store.database import StorageFailed, StorageFull, storage_error
from stentor.store.orders import OrdersFolder
from stentor.store.rooms import ActRecord, RoomStore

_SEAT_CHARS = 10
_T = TypeVar("_T")


class Desk:
    """Every room, in memory as it is on disk."""

    def __init__(
        self,
        store: RoomStore,
        orders: OrdersFolder,
        clock: Clock,
        settings: Settings,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._orders = orders
        self._clock = clock
        self._settings = settings
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._waiting: set[str] = set()  # stored, but the rename failed
        self._rooms: dict[str, Room] = {room.id: room for room in store.load_all()}
        self._order_again()

    @property
    def now_ms(self) -> int:
        """What time it is on the machine's clock."""
        return self._clock.now_ns() // 1_000_000

    def rooms(self) -> list[Room]:
        """Return all rooms, the latest hour first."""
        return sorted(self._rooms.values(), key=lambda room: (-room.epoch_ms, room.id))

    def find(self, room: str) -> Room | None:
        """Return a room, if there is one of that id."""
        return self._rooms.get(room)

    def room(self, room: str) -> Room:
        """Return a room; raises a `Problem` if there is none of that id."""
        found = self._rooms.get(room)
        if found is None:
            raise Problem(404, "no-such-room", "There is no such room")
        return found

    def create(
        self,
        title: str,
        epoch_ms: int,
        listed: bool,
        people: list[tuple[Role, str]],
        expected: int = 0,
    ) -> Room:
        """Make a room with a seat for each of `people`."""
        with self._lock:
            if len(self._rooms) >= self._settings.rooms_max:
                raise Problem(
                    409, "full", "No more rooms", f"There are {len(self._rooms)} (rooms_max)."
                )
            now_ms = self.now_ms
            seats = tuple(self._invitation(role, name, epoch_ms, now_ms) for role, name in people)
            name = self._new_room_id(title, listed)
            room = create(name, title, epoch_ms, listed, seats, now_ms, expected)
            return self._settle(None, room, [Create()], OPERATOR, now_ms)

    def act(self, room_id: str, act: AnyAct, actor: Actor) -> Room:
        """Do an act on a room and return the room as it is now; raises a `Problem`."""
        return self.acts(room_id, [act], actor)

    def acts(self, room_id: str, acts: Sequence[AnyAct], actor: Actor) -> Room:
        """Do several acts, all of them or none."""
        with self._lock:
            before, now_ms = self.room(room_id), self.now_ms
            room = before
            for act in acts:
                after = apply(room, act, actor, now_ms)
                if isinstance(after, Refusal):
                    _count([act], after.kind)
                    raise refused(after)
                room = after
            return self._settle(before, room, acts, actor, now_ms)

    def act_with_file(
        self, room_id: str, act: AnyAct, actor: Actor, new: Path, place: Path
    ) -> Room:
        """Do an act that orders a file: it is in place before, and the old one again if refused."""
        old = place.with_suffix(".old")
        with self._lock:
            room, now_ms = self.room(room_id), self.now_ms
            changed = apply(room, act, actor, now_ms)
            if isinstance(changed, Refusal):
                raise refused(changed)
            try:
                had_one = place.exists()
                if had_one:
                    place.replace(old)
                new.replace(place)
            except OSError as error:
                raise storage_error(error) from None
            try:
                return self._settle(room, changed, [act], actor, now_ms)
            except (StorageFull, StorageFailed):
                if had_one:
                    old.replace(place)
                else:
                    place.unlink(missing_ok=True)
                raise
            finally:
                old.unlink(missing_ok=True)

    def check(self, room_id: str, act: AnyAct, actor: Actor) -> None:
        """Raise a `Problem` if the act would be refused now; nothing is done."""
        changed = apply(self.room(room_id), act, actor, self.now_ms)
        if isinstance(changed, Refusal):
            raise refused(changed)

    def invite(self, room_id: str, role: Role, name: str, actor: Actor) -> tuple[Room, str]:
        """Add a seat; return the room and the seat's id."""
        with self._lock:
            room, now_ms = self.room(room_id), self.now_ms
            act = self._invitation(role, name, room.epoch_ms, now_ms)
            changed = apply(room, act, actor, now_ms)
            return self._settle(room, changed, [act], actor, now_ms), act.seat

    def log_of(self, room_id: str) -> list[ActRecord]:
        """Return what was done to a room, oldest first."""
        with self._lock:
            self.room(room_id)
            return _reading(lambda: self._store.acts_of(room_id))

    def tidy(self) -> None:
        """Write orders that could not be written, end what runs for too long. Every second."""
        with self._lock:
            for room_id in sorted(self._waiting):
                self._write(self._rooms[room_id])
        now_ms = self.now_ms
        phases = dict.fromkeys(Phase, 0)
        for room in list(self._rooms.values()):
            phase = room.phase(now_ms)
            phases[phase] += 1
            over_ms = room.epoch_ms + self._settings.room_duration_max_s * 1000
            if phase is Phase.LIVE and now_ms >= over_ms and room.end_ms is None:
                try:
                    self.act(room.id, End(), OPERATOR)
                except StentorError as error:
                    structlog.get_logger().warning("room not ended", room=room.id, why=str(error))
        for phase, count in phases.items():
            CONTROL_ROOMS.labels(phase).set(count)

    def close(self) -> None:
        """Let go of the database, once nobody is at it."""
        with self._lock:
            self._store.close()

    def _settle(
        self,
        before: Room | None,
        after: Room | Refusal,
        acts: Sequence[AnyAct],
        actor: Actor,
        now_ms: int,
    ) -> Room:
        """Store, order, and only then remember; raises a `Problem` or a storage error."""
        if isinstance(after, Refusal):
            _count(acts, after.kind)
            raise refused(after)
        if after is before:
            _count(acts, "nothing-changed")
            return after
        try:
            self._orders.prepare(after.orders())
            self._store.save(after, acts, actor, now_ms)
        except (OSError, StentorError) as error:
            self._orders.discard(after.id)
            _count(acts, "disk")
            raise (storage_error(error) if isinstance(error, OSError) else error) from None
        self._rooms[after.id] = after
        _count(acts, "done")
        try:
            self._orders.publish(after.id)
            self._waiting.discard(after.id)
        except OSError as error:
            self._waiting.add(after.id)
            structlog.get_logger().error("orders not written", room=after.id, why=str(error))
            raise Problem(
                503,
                "stored-not-ordered",
                "Stored, but not carried out yet",
                "The disk refuses; it is carried out as soon as the disk lets us.",
            ) from None
        finally:
            CONTROL_ORDERS_WAITING.set(len(self._waiting))
        return after

    def _order_again(self) -> None:
        """Write the orders of every room anew where they are not what the database says."""
        self._orders.discard_all()
        for room in self._rooms.values():
            if self._orders.read(room.id) != room.orders():
                self._write(room)

    def _write(self, room: Room) -> None:
        try:
            self._orders.write(room.orders())
            self._waiting.discard(room.id)
        except OSError as error:
            self._waiting.add(room.id)
            structlog.get_logger().error("orders not written", room=room.id, why=str(error))
        CONTROL_ORDERS_WAITING.set(len(self._waiting))

    def _invitation(self, role: Role, name: str, epoch_ms: int, now_ms: int) -> Invite:
        expires_ms = max(now_ms, epoch_ms) + self._settings.link_valid_s * 1000
        seat = readable_id(_SEAT_CHARS, self._random_bytes)
        return Invite(seat, role, name, min(expires_ms, EXPIRES_MS_MAX))

    def _new_room_id(self, title: str, listed: bool) -> str:
        while (name := room_id(title, self._random_bytes, listed=listed)) in self._rooms:
            pass
        return name


def _count(acts: Sequence[AnyAct], outcome: str) -> None:
    for act in acts:
        CONTROL_ACTS.labels(type(act).__name__.lower(), outcome).inc()


def _reading(read: Callable[[], _T]) -> _T:
    try:
        return read()
    except DatabaseError as error:
        raise storage_error(error) from None
