"""Tells the watch, once a second, what this edge saw of those who come: one datagram, never waited
for. Who hears it or not changes nothing here.

The key under which networks are named is the watch's; without one the edge has a key of its own,
which nobody else knows.
"""

import os
import socket
from collections.abc import Callable, Collection, Iterable
from dataclasses import fields
from pathlib import Path

import msgspec

from stentor.admission.ladder import LoadFacts, delivery_use
from stentor.admission.lanes import period_s
from stentor.admission.line import Sheet
from stentor.admission.tickets import Kind
from stentor.base.errors import ConfigurationError
from stentor.base.logs import log
from stentor.base.secrets import load_secret
from stentor.edge.counts import Counts
from stentor.edge.kernel import KernelDrops
from stentor.edge.networks import Networks
from stentor.edge.push import Push
from stentor.edge.rooms import Room
from stentor.rooms.audience import DoorFacts
from stentor.rooms.orders import Phase
from stentor.shield.facts import ROOMS_MAX, DoorSecond, Load, RoomSecond
from stentor.shield.keys import EVENT_KEY_BYTES, EventKey
from stentor.shield.policy import Why
from stentor.shield.summary import Summary

_ROOMS_REMEMBERED = 4 * ROOMS_MAX
_COUNTED = tuple(one.name for one in fields(Counts))


class Silent(Summary):
    """Sums up nothing: for an edge that has no shield."""

    def came(self, peer: bytes, times: int = 1) -> None:
        """Forget it."""

    def asked(self, peer: bytes, ticket: Kind | None = None, times: int = 1) -> None:
        """Forget it."""

    def admitted(self, peer: bytes, times: int = 1) -> None:
        """Forget it."""

    def wrong(self, peer: bytes, why: Why, times: int = 1) -> None:
        """Forget it."""

    def visited(self, peer: bytes) -> None:
        """Forget it."""


class Key:
    """The event's key as the watch has it, read again when its file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[int, int] | None = None
        self.key = EventKey(os.urandom(EVENT_KEY_BYTES))

    def look(self) -> bool:
        """Read the key if there is a new one; say whether there was."""
        try:
            status = self._path.stat()
            known = status.st_ino, status.st_mtime_ns
            if known == self._known:
                return False
            self._known = known
            key = load_secret(self._path)
        except (OSError, ConfigurationError) as error:
            if not isinstance(error, FileNotFoundError):
                log().warning("no_event_key", why=str(error))
            return False
        if key is None or len(key) != EVENT_KEY_BYTES or key == self.key.key:
            return False
        self.key = EventKey(key)
        return True


class Telling:
    """What one edge tells, and the summary that it is told from."""

    def __init__(
        self, *, watch: Path, event_key: Path, index: int, counts: Counts, networks: Networks
    ) -> None:
        self._watch = str(watch)
        self._key = Key(event_key)
        self._key.look()
        self._counts = counts
        self._networks = networks
        self.summary = Summary(self._key.key, f"edge-{index}")
        self._seen = self._totals()
        self._kernel = KernelDrops()
        self._inside: dict[str, int] = {}
        self._first_part_ms: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def part_zero(self, room: str, now_ms: int) -> None:
        """Note that a programme's first part went out."""
        self._first_part_ms.setdefault(room, now_ms)
        if len(self._first_part_ms) > _ROOMS_REMEMBERED:
            del self._first_part_ms[next(iter(self._first_part_ms))]

    @property
    def begun(self) -> Collection[str]:
        """The rooms whose first part went out here."""
        return self._first_part_ms.keys()

    def leave(self) -> None:
        """Tell of oneself under another name from now on: the successor has this one."""
        if not self.summary.edge.endswith("-leaving"):
            self.summary.edge += "-leaving"

    def second(
        self,
        now_ms: int,
        *,
        rooms: Iterable[Room],
        push: Push,
        load: LoadFacts,
        connections: int,
        unserved: int,
        door: DoorFacts,
        sheet: Sheet,
        listening_fd: int,
        leads: bool,
        policy: int,
        listening_of: Callable[[bytes], int],
        bystanders: Collection[bytes] = (),
    ) -> dict[str, bytes]:
        """Tell of the second that ends now; return the packed networks that it names.

        `listening_of` says how many listen in a packed network, `bystanders` are to be named.
        """
        totals = self._totals()
        seen, self._seen = self._seen, totals
        told = self.summary.second(
            now_ms,
            counts={
                name: new - old
                for name, new, old in zip(_COUNTED, totals, seen, strict=True)
                if new != old
            },
            rooms=self._of_rooms(rooms, push),
            load=_load(load, connections, unserved),
            door=DoorSecond(
                step=door.step,
                lane_ms=door.lane_ms,
                line=sheet.line,
                waiting=sheet.waiting,
                per_s=round(sheet.per_s, 3),
                serving_ms=sheet.serving_ms,
            ),
            kernel=self._kernel.growth(listening_fd, whole_machine=leads)
            if listening_fd >= 0
            else {},
            policy=policy,
            present_of=self._networks.connections.of,
            listening_of=listening_of,
            bystanders=bystanders,
        )
        try:
            self._socket.sendto(msgspec.msgpack.encode(told), self._watch)
        except OSError:
            self._counts.unsent_seconds += 1
        if self._key.look():
            self.summary.use(self._key.key)
        return self.summary.named

    def close(self) -> None:
        """Let go of the socket and the sketches."""
        self._socket.close()
        self.summary.close()

    def _totals(self) -> list[int]:
        counts = self._counts
        return [getattr(counts, name) for name in _COUNTED]

    def _of_rooms(self, rooms: Iterable[Room], push: Push) -> dict[str, RoomSecond]:
        """Return those rooms that are near their hour or on the air; the summary bounds them."""
        told: dict[str, RoomSecond] = {}
        known: set[str] = set()
        for room in rooms:
            state = room.state
            if not room.streams:
                continue
            known.add(room.id)
            if state is None:  # part 0 may be here before it
                continue
            totals = push.total(room.id)
            present = 0 if totals is None else totals.present
            if state.phase is Phase.SCHEDULED and (
                room.id in self._inside or len(self._inside) < _ROOMS_REMEMBERED
            ):
                self._inside[room.id] = present
            told[room.id] = RoomSecond(
                listeners=present,
                inside=self._inside.get(room.id, 0),
                epoch_ms=state.epoch_ms,
                phase=state.phase.value,
                first_part_ms=self._first_part_ms.get(room.id, 0),
                part=max(stream.next for stream in room.streams.values()) - 1,
                joined=0 if totals is None else totals.joined,
                left=0 if totals is None else totals.left,
                returned=0 if totals is None else totals.returned,
                jumped=0 if totals is None else totals.jumped,
                recording=state.recording,
            )
        for gone in self._inside.keys() - known:
            del self._inside[gone]
        for gone in self._first_part_ms.keys() - known:
            del self._first_part_ms[gone]
        return told


def _load(facts: LoadFacts, connections: int, unserved: int) -> Load:
    return Load(
        cores=facts.cores,
        use=round(delivery_use(facts), 6),
        delivery_cost_s=round(facts.delivery_cost_s, 9),
        join_cost_s=round(facts.join_cost_s, 9),
        joining=round(facts.joining, 6),
        late_s=round(facts.late_s, 6),
        asked_per_s=round(facts.asked_per_s, 3),
        connections=connections,
        unserved=unserved,
        descriptors=round(facts.descriptors, 6),
        memory=round(facts.memory, 6),
        bits=round(facts.bits, 6),
        by_lane_ms={
            str(round(period_s(parts) * 1000)): count for parts, count in facts.listeners.items()
        },
    )
