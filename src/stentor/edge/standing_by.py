"""Puts on standby whose turn has come and for whom no edge has room: before the line, in order.

A ticket becomes another one, with a moment as its place. Who shows the old one again is given the
same as long as this edge remembers; both have one serial, so only one of them can be used. Decides
nothing of who is let in, or when.
"""

from collections import OrderedDict

from msgspec.structs import replace

from stentor.admission.line import Sheet
from stentor.admission.standby import stands_by
from stentor.admission.tickets import Kind, Ticket
from stentor.edge.board import Board
from stentor.edge.counts import Counts

REMEMBERED_MAX = 65_536  # tickets; whoever was put there first is forgotten


class StandingBy:
    """Whom one edge has put on standby."""

    def __init__(self, board: Board, counts: Counts) -> None:
        self._board = board
        self._counts = counts
        self._places: OrderedDict[tuple[int, int], int] = OrderedDict()

    def takes(self, ticket: Ticket, sheet: Sheet, now_ms: int, *, full: bool) -> Ticket:
        """Return a served ticket, or the place on standby that its holder has instead of it.

        `full`: no edge has room for them.
        """
        if ticket.kind is Kind.STANDBY:
            return ticket
        name = ticket.edge, ticket.serial
        place_ms = self._places.get(name)
        if place_ms is None:
            if not stands_by(sheet.standby, ticket.kind, full=full):
                return ticket
            place_ms = self._places[name] = now_ms
            if len(self._places) > REMEMBERED_MAX:
                del self._places[next(iter(self._places))]
            self._board.note_standby()
            self._counts.standby_given += 1
        return replace(ticket, kind=Kind.STANDBY, place_ms=place_ms)

    def forget(self, late_ms: int) -> None:
        """Drop places that were served too long ago to hold good."""
        places = self._places
        while places and places[name := next(iter(places))] < late_ms:
            del places[name]
