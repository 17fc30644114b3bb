"""Writes the tickets of one edge, each with a serial of its own, and keeps those that many share.

Decides nothing of who gets which; that is the door's.
"""

from collections.abc import Callable

from stentor.admission.events import ReturnTicket, return_event
from stentor.admission.tickets import NO_NETWORK, Kind, Ticket, Tickets
from stentor.edge.board import Board
from stentor.edge.rooms import Room

RETURN_TICKET_S = 120
PASS_S = 21_600
_RETURN_SAME_S = 15


class Issuing:
    """Tickets of edge `index`, signed with the deployment's key."""

    def __init__(
        self, tickets: Tickets, board: Board, index: int, now_ms: Callable[[], int]
    ) -> None:
        self._tickets = tickets
        self._board = board
        self._index = index
        self._now_ms = now_ms
        self._returns: dict[str, ReturnTicket] = {}

    def write(
        self,
        kind: Kind,
        room: str,
        place_ms: int,
        now_ms: int,
        expires_s: int,
        network: bytes = NO_NETWORK,
    ) -> tuple[str, Ticket]:
        """Return a new ticket as text, and what it says."""
        serial = self._board.next_serial()
        ticket = Ticket(kind, self._index, serial, place_ms, now_ms // 1000, expires_s, network)
        return self._tickets.write(ticket, room), ticket

    def return_event(self, room: Room, sample_index: int) -> bytes:
        """Return the event box with the room's return ticket."""
        return return_event(self.return_ticket(room), sample_index)

    def return_ticket(self, room: Room) -> ReturnTicket:
        """Return what lets a listener of the room come back, the same for some seconds."""
        now_ms = self._now_ms()
        ticket = self._returns.get(room.id)
        if ticket is None or ticket.until_ms - now_ms <= (RETURN_TICKET_S - _RETURN_SAME_S) * 1000:
            until_s = now_ms // 1000 + RETURN_TICKET_S
            text, _ = self.write(Kind.RETURN, room.id, now_ms, now_ms, until_s)
            ticket = self._returns[room.id] = ReturnTicket(text, until_s * 1000)
        return ticket

    def give_pass(self, room: str, peer: bytes) -> str:
        """Return what an HLS player shows from now on; for its network."""
        now_ms = self._now_ms()
        network = self._tickets.network_of(peer)
        expires_s = now_ms // 1000 + PASS_S
        return self.write(Kind.PASS, room, now_ms, now_ms, expires_s, network)[0]

    def is_pass(self, text: str, room: str, peer: bytes) -> bool:
        """Say whether that is a pass of somebody there."""
        if not text:
            return False
        found = self._tickets.check(text, room, self._tickets.network_of(peer), self._now_ms())
        return isinstance(found, Ticket) and found.kind is Kind.PASS

    def forget(self, now_ms: int) -> None:
        """Drop return tickets whose time is over."""
        for room, ticket in tuple(self._returns.items()):
            if ticket.until_ms <= now_ms:
                del self._returns[room]
