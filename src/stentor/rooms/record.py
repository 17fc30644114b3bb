"""A room as control keeps it, and the limits of everything in it.

The record is more than the orders made from it (when links expire, when it was created), and what
may be in it is decided here and in `acts`; how it is stored is not.
"""

import unicodedata
from urllib.parse import urlsplit

import msgspec

from stentor.rooms.orders import Orders, Phase, Pin, Role, Seat, phase_at

TITLE_CHARS_MAX = 120
NAME_CHARS_MAX = 60
URL_CHARS_MAX = 2_000
SEATS_MAX = 32  # that may be used; the stage mixes 13 at once
SEATS_EVER_MAX = 256  # with those whose links were withdrawn
PINS_MAX = 12
EXPECTED_MAX = 1_000_000_000  # listeners at once
AHEAD_MS_MAX = 366 * 86_400_000
EXPIRES_MS_MAX = 4_102_444_800_000  # the year 2100

_UNSEEN = {"Cc", "Cs", "Co", "Zl", "Zp"}  # control, half surrogates, private, line ends
_TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # of the reading direction


class RoomSeat(msgspec.Struct, frozen=True):
    """A seat and the link to it; the link's id is the seat's."""

    id: str
    role: Role
    name: str
    expires_ms: int
    muted: bool = False
    removed: bool = False
    revoked: bool = False


class Room(msgspec.Struct, frozen=True):
    """One room. Times are Unix milliseconds; `revision` counts the acts that changed something."""

    id: str
    title: str
    epoch_ms: int
    created_ms: int
    revision: int = 1
    end_ms: int | None = None
    listed: bool = True
    hold: bool = False
    expected: int = 0  # listeners at once, as the host thinks; 0: not said
    seats: tuple[RoomSeat, ...] = ()
    pinned: tuple[Pin, ...] = ()

    def phase(self, now_ms: int) -> Phase:
        """Return the room's phase at `now_ms`; the orders say the same."""
        return phase_at(self.epoch_ms, self.end_ms, now_ms)

    def seat(self, seat_id: str) -> RoomSeat | None:
        """Return the seat of that id, if the room has it."""
        return next((seat for seat in self.seats if seat.id == seat_id), None)

    def orders(self) -> Orders:
        """Return what stage and origin are to do."""
        return Orders(
            room=self.id,
            revision=self.revision,
            title=self.title,
            epoch_ms=self.epoch_ms,
            end_ms=self.end_ms,
            listed=self.listed,
            hold=self.hold,
            expected=self.expected,
            seats=tuple(
                Seat(seat.id, seat.role, seat.name, seat.muted, seat.removed, seat.revoked)
                for seat in self.seats
            ),
            pinned=self.pinned,
        )


def text_fault(text: str, chars_max: int) -> str | None:
    """Say what is wrong with a line of text that people will read, or None."""
    if not text or text != text.strip():
        return "must not be empty, nor begin or end with space"
    if len(text) > chars_max:
        return f"must not be longer than {chars_max} characters"
    if any(unicodedata.category(char) in _UNSEEN or char in _TURNS for char in text):
        return "must not hold characters that cannot be seen"
    if not any(unicodedata.category(char)[0] in "LNPS" for char in text):
        return "must hold something that can be seen"
    return None


def url_fault(url: str) -> str | None:
    """Say what is wrong with an address that listeners may be sent to, or None."""
    if len(url) > URL_CHARS_MAX:
        return f"must not be longer than {URL_CHARS_MAX} characters"
    if not url.isascii() or not url.isprintable() or any(char in url for char in " \"'<>\\"):
        return "must be written as an address: ASCII, without spaces or quotes"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with http:// or https://"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    return None
