"""Tickets: what a listener holds of its place, signed, so that no edge has to remember anybody.

Decides whether a ticket is one of ours and holds good here and now. It never decides whose turn it
is (`line`), and knows neither sockets nor clocks: time, keys and serials are passed in.
"""

import base64
import binascii
import hmac
import struct
from enum import Enum, IntEnum

import msgspec

from stentor.admission.keyed import Keyed

_BODY = struct.Struct(">BBH6s6sII4s4s")
_MAC_BYTES = 16
_BYTES = _BODY.size + _MAC_BYTES
TICKET_CHARACTERS = _BYTES * 8 // 6  # 48 bytes: base64 without padding or spare bits
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_VERSION = 1
SERIAL_MAX = (1 << 48) - 1
NO_NETWORK = b"\0" * 4  # of a ticket that any network may present


class Kind(IntEnum):
    """What a ticket is good for."""

    LINE = 1  # a place in line, for the network that it was given to
    REMINDER = 2  # a place from before the hour, for whoever holds it
    RETURN = 3  # past the line, for those who were in and lost their connection
    PROVED = 4  # as LINE, and moved forward for a proof of work; once
    SHARED = 5  # a place of all who came at once, for a moment: worth one of one's own, no more
    PASS = 6  # of an HLS player that was let in, for the network that it was given to
    STANDBY = 7  # before the line: the turn had come, and there was no room


class Refusal(Enum):
    """Why a ticket does not hold good. The first three no honest listener ever has."""

    MALFORMED = "malformed"
    FORGED = "forged"
    OTHER_ROOM = "other-room"
    OTHER_NETWORK = "other-network"
    EXPIRED = "expired"
    REPLAYED = "replayed"  # a place is for one
    LATE = "late"  # it was served, and nobody came for longer than is waited


IN_LINE = frozenset((Kind.LINE, Kind.PROVED))  # places that were given at the door
NETWORKS_OWN = IN_LINE | {Kind.PASS}
# What speaks for who shows it at the door: a shared place is anybody's, a pass is for playlists.
SPEAKING = frozenset((Kind.LINE, Kind.REMINDER, Kind.RETURN, Kind.PROVED, Kind.STANDBY))
FALSE = frozenset((Refusal.MALFORMED, Refusal.FORGED, Refusal.OTHER_ROOM))


class Ticket(msgspec.Struct, frozen=True):
    """What a ticket says. `edge` and `serial` name it; times are Unix time.

    `place_ms` is the place in line: the moment one came, later for a network that came often.
    """

    kind: Kind
    edge: int
    serial: int
    place_ms: int
    issued_s: int
    expires_s: int
    network: bytes = NO_NETWORK


class Tickets:
    """Signs and reads the tickets of one deployment (HMAC-SHA-256, RFC 2104, cut to 128 bits)."""

    def __init__(self, key: bytes) -> None:
        self._sign = Keyed(hmac.digest(key, b"stentor ticket 1", "sha256")).digest
        self._name = Keyed(hmac.digest(key, b"stentor ticket network 1", "sha256")).digest
        self._last_room = ("", b"")  # most that come in a row come to one room

    def network_of(self, peer: bytes) -> bytes:
        """Return what stands for a peer's network: keyed, so a ticket tells nobody's address.

        IPv4 /24 and IPv6 /48: a phone's address within its carrier's network may change.
        """
        network = peer[:6] if len(peer) == 16 else peer[:3]
        return self._name(network)[:4]

    def write(self, ticket: Ticket, room: str) -> str:
        """Return the ticket as text that a query string takes as it is."""
        body = _BODY.pack(
            _VERSION,
            ticket.kind,
            ticket.edge,
            ticket.serial.to_bytes(6),
            ticket.place_ms.to_bytes(6),
            ticket.issued_s,
            ticket.expires_s,
            ticket.network,
            self._room(room),
        )
        data = binascii.b2a_base64(body + self._mac(body, room), newline=False)
        return data.translate(_URL_SAFE).decode()

    def read(self, text: str, room: str) -> Ticket | Refusal:
        """Return a ticket that was signed here for this room, or what is wrong with it."""
        if len(text) != TICKET_CHARACTERS:
            return Refusal.MALFORMED
        try:
            data = base64.b64decode(text, b"-_", validate=True)
        except (binascii.Error, ValueError):
            return Refusal.MALFORMED
        body, mac = data[: _BODY.size], data[_BODY.size :]
        version, kind, edge, serial, place_ms, issued_s, expires_s, network, its_room = (
            _BODY.unpack(body)
        )
        if version != _VERSION or kind not in _KINDS:
            return Refusal.MALFORMED
        if not hmac.compare_digest(mac, self._mac(body, room)):
            if its_room == self._room(room):
                return Refusal.FORGED
            return Refusal.OTHER_ROOM
        return Ticket(
            Kind(kind),
            edge,
            int.from_bytes(serial),
            int.from_bytes(place_ms),
            issued_s,
            expires_s,
            network,
        )

    def check(self, text: str, room: str, network: bytes, now_ms: int) -> Ticket | Refusal:
        """Return a ticket that this network may use in this room now, or why it may not."""
        ticket = self.read(text, room)
        if isinstance(ticket, Refusal):
            return ticket
        if now_ms >= ticket.expires_s * 1000:
            return Refusal.EXPIRED
        its_own = ticket.kind in NETWORKS_OWN or (
            ticket.kind is Kind.STANDBY and ticket.network != NO_NETWORK
        )
        if its_own and ticket.network != network:
            return Refusal.OTHER_NETWORK
        return ticket

    def _mac(self, body: bytes, room: str) -> bytes:
        return self._sign(body + room.encode())[:_MAC_BYTES]

    def _room(self, room: str) -> bytes:
        """Return what tells another room's ticket from a forged one; the MAC binds the room."""
        if self._last_room[0] != room:
            self._last_room = room, self._name(room.encode())[:4]
        return self._last_room[1]


_KINDS = frozenset(int(kind) for kind in Kind)
