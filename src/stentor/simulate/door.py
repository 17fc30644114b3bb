"""Who gets in at a simulated edge, in the order in which `edge.door` asks the production code.

`Entry`, `Places`, the line's sheet and `Standby` decide. Knows neither people nor attackers.
"""

from collections import defaultdict
from enum import Enum

from stentor.admission.entry import RETURNS_MIN, Entry, Turn, is_served
from stentor.admission.ladder import Decision
from stentor.admission.networks import Places
from stentor.admission.standby import stands_by
from stentor.admission.tickets import Kind
from stentor.shield.summary import Summary
from stentor.simulate.events import EPOCH_MS, Machine
from stentor.simulate.line import BEGINS_MS, Line

_PUSH_MS_MAX = 600_000


class Answer(Enum):
    """What the door says."""

    IN = "in"
    PLACE = "place"
    STANDBY = "standby"
    AGAIN = "again"
    FULL = "full"


class Door(Entry):
    """The door of one edge."""

    def __init__(
        self, machine: Machine, line: Line, summary: Summary, counts: defaultdict[str, int]
    ) -> None:
        """`counts` are the edge's."""
        n = machine.edges
        super().__init__(machine.joins_per_s / n, 0)
        self.expects(RETURNS_MIN)
        self.earns(0)
        self._shared_ms: int | None = None
        self._machine = machine
        self._line = line
        self._summary = summary
        self._counts = counts
        self._places = Places(machine.network_per_s / n, machine.network_burst / n, _PUSH_MS_MAX)

    def obeys(self, decision: Decision, listeners: int) -> None:
        """Go by what the ladder decided."""
        self.per_s, self.room = decision.per_s, decision.room
        self.wants_line, self.pauses = decision.line, decision.pauses
        self.leaving_per_s = decision.leaving_per_s
        self.earns(listeners)

    def renew(self) -> None:
        """Another quarter of a second has begun."""
        self._shared_ms = None

    def share(self, now_s: float) -> int:
        """Return the place of all who are told so in this quarter of a second; 0: no line yet."""
        line = self._line
        if self._shared_ms is None:
            now_ms = EPOCH_MS + int(now_s * 1000)
            self._shared_ms = line.sheet.virtual_ms(now_ms) if line.sheet.line else 0
        if self._shared_ms:
            line.note_place(self._shared_ms)
        self._counts["line_shared"] += 1
        return self._shared_ms

    def set_share(self, share: float) -> None:
        """Let a network have this share of the places that it may have."""
        machine = self._machine
        self._places.set_rate(machine.network_per_s * share, machine.network_burst * share)

    def forget_idle(self, now_ms: int) -> None:
        """Forget networks that have no place in the time to come."""
        self._places.forget_idle(self._line.sheet.virtual_ms(now_ms))

    def asks(
        self, peer: bytes, now_s: float, kind: Kind | None, place_ms: int
    ) -> tuple[Answer, int]:
        """Say what the door says to somebody with such a ticket, and their place."""
        counts = self._counts
        counts["asked"] += 1
        since_ms, kind = (place_ms, None) if kind is Kind.SHARED else (0, kind)
        self._summary.asked(peer, kind)
        line, sheet = self._line, self._line.sheet
        if not (sheet.line or self.room <= 0):
            self.room -= 1
            return Answer.IN, 0
        now_ms = EPOCH_MS + int(now_s * 1000)
        if kind is Kind.RETURN:
            if self.returns():
                counts["returned"] += 1
                return Answer.IN, 0
            counts["returns_over"] += 1
            kind = None
        level = self.level(int(now_s * 1e9), holds=kind is not None)
        if kind is not None:
            return self._in_turn(kind, level, place_ms, now_ms)
        if self.passes(sheet, level):
            self.takes()
            line.past += 1
            counts["admitted_at_once"] += 1
            return Answer.IN, 0
        virtual_ms = sheet.virtual_ms(now_ms)
        if not sheet.line:  # whoever came before it began will be taken to be in
            virtual_ms += BEGINS_MS
        given = self._places.place(peer, virtual_ms)
        if given is None:
            counts["line_full"] += 1
            return Answer.FULL, 0
        if since_ms and sheet.line:
            given += since_ms - virtual_ms
        if given != since_ms:
            line.note_place(given)
        counts["line_given"] += 1
        return Answer.PLACE, given

    def _in_turn(self, kind: Kind, level: float, place_ms: int, now_ms: int) -> tuple[Answer, int]:
        line, sheet, counts = self._line, self._line.sheet, self._counts
        if kind is not Kind.STANDBY and is_served(sheet, kind, place_ms):
            full = level < 1 and sheet.room <= 0
            if stands_by(sheet.standby, kind, full=full):
                kind, place_ms = Kind.STANDBY, now_ms
                line.standby += 1
                counts["standby_given"] += 1
        turn = self.turn(sheet, kind, place_ms, level)
        if turn is Turn.EARLY:
            counts["line_early"] += 1
            return (Answer.STANDBY if kind is Kind.STANDBY else Answer.PLACE), place_ms
        if turn is Turn.AGAIN:
            counts["line_again"] += 1
            return Answer.AGAIN, place_ms
        self.takes()
        counts["admitted_in_turn"] += 1
        if kind is Kind.REMINDER:
            line.past += 1
        else:
            line.came += 1
        if kind is Kind.LINE:
            self._summary.turn_lag(line.since_turn_s(place_ms, now_ms))
        return Answer.IN, 0
