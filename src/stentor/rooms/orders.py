"""Orders: what control wants of a room. Level-triggered: always the whole wish, never a change.

Control writes orders after its own database has them; stage and origin read them when the file
changes, and again whenever they start. So control may die at any time, and whoever restarts knows
what to do without asking anybody. This module is the document and what follows from it.
"""

from enum import StrEnum

import msgspec

from stentor.base.decoding import decode_json


class Role(StrEnum):
    """What a link lets its holder be."""

    HOST = "host"
    COHOST = "cohost"
    SPEAKER = "speaker"
    OPERATOR = "operator"

    @property
    def moderates(self) -> bool:
        """May mute, remove, invite, start and end."""
        return self is not Role.SPEAKER


class Phase(StrEnum):
    """Where a room is in its life: in `scheduled` the stage is a green room."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


def phase_at(epoch_ms: int, end_ms: int | None, now_ms: int) -> Phase:
    """Return the phase of a room with that hour and that end, at `now_ms`."""
    if end_ms is not None and now_ms >= end_ms:
        return Phase.ENDED
    return Phase.LIVE if now_ms >= epoch_ms else Phase.SCHEDULED


class Pin(msgspec.Struct, frozen=True):
    """A link pinned in the room."""

    title: str
    url: str


class Seat(msgspec.Struct, frozen=True):
    """A place on the stage. One link, one seat: the id of a link is the id of its seat."""

    id: str
    role: Role
    name: str
    muted: bool = False
    removed: bool = False  # out until let back in
    revoked: bool = False  # banned, or the link was withdrawn: out for good


class Orders(msgspec.Struct, frozen=True):
    """Everything that control wants of one room. Times are Unix milliseconds."""

    room: str
    revision: int
    title: str
    epoch_ms: int  # programme sample 0; fixed from the moment it is reached
    end_ms: int | None = None
    listed: bool = True
    hold: bool = False  # a hold tune lies in the data folder
    expected: int = 0  # listeners at once; for the ledger: no part acts on it
    seats: tuple[Seat, ...] = ()
    pinned: tuple[Pin, ...] = ()

    def phase(self, now_ms: int) -> Phase:
        """Return the room's phase at `now_ms`."""
        return phase_at(self.epoch_ms, self.end_ms, now_ms)

    def seat(self, seat_id: str) -> Seat | None:
        """Return the seat of that id, if the room has it."""
        return next((seat for seat in self.seats if seat.id == seat_id), None)


def encode_orders(orders: Orders) -> bytes:
    """Return the orders as JSON."""
    return msgspec.json.format(msgspec.json.encode(orders), indent=1)


def decode_orders(data: bytes) -> Orders:
    """Return orders from JSON; raises `msgspec.MsgspecError` on anything else."""
    return decode_json(data, Orders)
