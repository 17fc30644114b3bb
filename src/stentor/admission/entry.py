"""What one edge has left for those who come, and whether it is somebody's turn.

The same at an edge's door and at a simulated one: room, a pace, and those whose connection broke.
Pure: it reads no ticket, counts nothing, and gives no place.
"""

from enum import Enum

from stentor.admission.bucket import BURST_S, SLACK, Bucket
from stentor.admission.line import Sheet
from stentor.admission.pace import ROOM_MAX
from stentor.admission.tickets import Kind

RETURNS_MIN = 4.0  # in a tick, at one edge
OVER = 100  # one of so many, and one, may be let in beyond room when their turn has come


class Turn(Enum):
    """How it stands with somebody's turn."""

    EARLY = "early"  # it is to come, or they stand by and no edge has room
    AGAIN = "again"  # it has come, and this edge has nothing left just now
    COMES = "comes"


class Entry:
    """What is left at one edge; it is set by the ladder, and taken by who comes."""

    def __init__(self, per_s: float, now_ns: int) -> None:
        self.per_s = per_s
        self.wants_line = False
        self.room = ROOM_MAX  # how many more fit, until the ladder looks again
        self.leaving_per_s = 0.0
        self.pauses = False  # nobody is let in just now
        self._over = 1
        self._returns_left = 0.0
        self._bucket = Bucket(now_ns)

    def earns(self, listeners: int) -> None:
        """Go by the pace of now, for an edge with so many listeners."""
        self._over = 1 + listeners // OVER
        self._bucket.per_s = self.per_s * SLACK

    def expects(self, returns: float) -> None:
        """Let so many come back past the line until this is said again."""
        self._returns_left = returns

    def returns(self) -> bool:
        """Let in somebody who comes back; say whether not too many do."""
        if self._returns_left < 1:
            return False
        self._returns_left -= 1
        self.room -= 1
        return True

    def level(self, now_ns: int, *, holds: bool) -> float:
        """Return how many may be let in now, for somebody who holds a ticket or does not.

        Whose turn it is may find this edge full while the machine is not.
        """
        level = self._bucket.level(now_ns)
        return 0.0 if self.pauses or self.room <= (-self._over if holds else 0) else level

    def passes(self, sheet: Sheet, level: float) -> bool:
        """Say whether somebody without a ticket is let in: nobody waits, and there is plenty."""
        return not sheet.waiting and level > self._bucket.per_s * BURST_S / 2

    def turn(self, sheet: Sheet, kind: Kind, place_ms: int, level: float) -> Turn:
        """Say how it stands with the turn of a place."""
        if not is_served(sheet, kind, place_ms):
            return Turn.EARLY
        if level >= 1:
            return Turn.COMES
        return Turn.EARLY if kind is Kind.STANDBY and sheet.room <= 0 else Turn.AGAIN

    def takes(self) -> None:
        """Let in somebody in their turn, or past a line in which nobody waits."""
        self._bucket.take()
        self.room -= 1


def is_served(sheet: Sheet, kind: Kind, place_ms: int) -> bool:
    """Say whether the turn of a place has come."""
    if kind is Kind.STANDBY:
        return not sheet.line or place_ms <= sheet.standby.serving_ms
    return sheet.is_served(place_ms)
