"""What the watch sees of the machine beside what edges tell: rooms, parts that died, the clock.

Reads files that others write anyway; asks nobody, and a file that is not there is nothing new.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.evidence.records import Note, RoomPlan
from stentor.rooms.orders import Orders, Phase
from stentor.store.orders import OrdersFolder

ROOMS_MAX = 64  # of those that are live or near their hour, in a record
NEAR_MS = 2 * 3_600_000
PLANS_EVERY = 60  # seconds
_JUMP_NS = 200_000_000
_INDEX_ENTRY_BYTES = 8  # DataFolder.recording_index


class _PartFacts(msgspec.Struct, frozen=True):
    pid: int | None = None
    restarts: int = 0


class Outside:
    """Looks once a second."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._orders = OrdersFolder(folder.orders)
        self.known: dict[str, Orders] = {}
        self._told: dict[str, RoomPlan] = {}
        self.near: frozenset[str] = frozenset()  # the rooms that a record may tell of now
        self._seconds = 0
        self._parts: dict[str, _PartFacts] = {}
        self._offset_ns: int | None = None
        self._deployed: tuple[int, int] | None = None  # which file of settings was read
        self.settings: dict[str, str] | None = None  # as the last deploy left them

    def look_at_settings(self) -> None:
        """Read what a deploy left, if that is new."""
        try:
            status = self._folder.deployed.stat()
            known = status.st_ino, status.st_mtime_ns
            if known != self._deployed:
                data = self._folder.deployed.read_bytes()
                self.settings = msgspec.json.decode(data, type=dict[str, str])
                self._deployed = known
        except (OSError, msgspec.MsgspecError):
            pass  # nobody has deployed

    def rooms(self, now_ms: int) -> dict[str, RoomPlan]:
        """Return the plans of rooms that are near: those that are new, and once a minute all."""
        try:
            for orders in self._orders.changes():
                self.known[orders.room] = orders
        except OSError as error:
            log().warning("orders_not_read", why=error.strerror)
        near = [one for one in self.known.values() if _is_near(one, now_ms)]
        near.sort(key=lambda one: (one.phase(now_ms) is not Phase.LIVE, one.epoch_ms, one.room))
        plans = {one.room: _plan(one) for one in near[:ROOMS_MAX]}
        every = self._seconds % PLANS_EVERY == 0
        self._seconds += 1
        new = {room: plan for room, plan in plans.items() if every or self._told.get(room) != plan}
        self._told = plans
        self.near = frozenset(plans)
        return {
            room: msgspec.structs.replace(plan, parts_recorded=self._recorded(room))
            for room, plan in new.items()
        }

    def notes(self, offset_ns: int) -> tuple[Note, ...]:
        """Return what happened to the parts and to the clock since the last look."""
        notes: list[Note] = []
        if self._offset_ns is not None and abs(offset_ns - self._offset_ns) > _JUMP_NS:
            by_s = (offset_ns - self._offset_ns) / 1e9
            notes.append(Note("clock-jumped", f"by {by_s:.3f} s"))
        self._offset_ns = offset_ns
        now = self._read_parts()
        if self._parts and now:
            notes += _changes(self._parts, now)
        self._parts = now or self._parts
        return tuple(notes)

    def _read_parts(self) -> dict[str, _PartFacts]:
        try:
            data = self._folder.parts.read_bytes()
            return msgspec.json.decode(data, type=dict[str, _PartFacts])
        except (OSError, msgspec.MsgspecError):
            return {}

    def _recorded(self, room: str) -> int:
        """Return how many parts the shortest recording of a room has; -1: there is none."""
        folder: Path = self._folder.recording_index(room, "any").parent
        try:
            sizes = [path.stat().st_size for path in folder.glob("*.index")]
        except OSError:
            return -1
        return min(sizes, default=-_INDEX_ENTRY_BYTES) // _INDEX_ENTRY_BYTES


def _is_near(orders: Orders, now_ms: int) -> bool:
    match orders.phase(now_ms):
        case Phase.LIVE:
            return True
        case Phase.SCHEDULED:
            return orders.epoch_ms - now_ms < NEAR_MS
        case Phase.ENDED:
            return orders.end_ms is not None and now_ms - orders.end_ms < NEAR_MS


def _plan(orders: Orders) -> RoomPlan:
    return RoomPlan(orders.title, orders.epoch_ms, orders.end_ms, expected=orders.expected)


def _changes(before: Mapping[str, _PartFacts], now: Mapping[str, _PartFacts]) -> list[Note]:
    notes = []
    for name, one in now.items():
        old = before.get(name)
        if old is None:
            notes.append(Note("part-added", name))
        elif one.restarts > old.restarts:
            notes.append(Note("part-restarted", name))
        elif one.pid != old.pid and None not in (one.pid, old.pid):
            notes.append(Note("deploy", name))
    return notes
