"""The door of one edge: lets in, or answers with a place in line, and tells how the line stands.

Whoever leads the machine's edges moves the line on; this door goes by the sheet that it wrote.
All decisions are `admission`'s; nobody who listens is ever looked at here.
"""

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from stentor.admission.entry import RETURNS_MIN, Entry, Turn, is_served
from stentor.admission.line import BUCKET_MS, Sheet, step
from stentor.admission.networks import Places
from stentor.admission.tickets import FALSE, IN_LINE, SPEAKING, Kind, Refusal, Ticket, Tickets
from stentor.base.errors import Problem
from stentor.edge import routes
from stentor.edge.answer import JSON, Answer
from stentor.edge.board import Board, Standing
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.door_limits import DoorLimits
from stentor.edge.issuing import Issuing
from stentor.edge.placing import ON_STANDBY, Shared, as_member, notice, place_answer
from stentor.edge.proofs import Proofs
from stentor.edge.reminders import LINE_FULL, Reminders
from stentor.edge.rooms import Room
from stentor.edge.standing_by import StandingBy
from stentor.edge.stands import Stands, tell

TICK_S = 0.25
SHARED_TICKET_S = 60
LINE_TICKET_S = 7200
RETURN_RENEW_S = 30.0
_AGAIN_S = (1.0, 3.0)
_BEGINS_MS = round(2500 * TICK_S)  # from one edge's wish for a line to the line


class Door(Entry):
    """Who gets in at one edge, and what the others are told."""

    def __init__(
        self,
        *,
        limits: DoorLimits,
        board: Board,
        tickets: Tickets,
        proofs: Proofs,
        counts: Counts,
        index: int,
        now_ms: Callable[[], int],
        now_ns: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        super().__init__(float(limits.per_s_max or limits.per_s_unmeasured), now_ns())
        self._limits = limits
        self._board = board
        self._tickets = tickets
        self.proofs = proofs
        self._counts = counts
        self._index = index
        self._now_ms = now_ms
        self._now_ns = now_ns
        self._chance = chance
        self.sheet = Sheet()
        self.leads = False  # the machine's line
        self.network_share = 1.0  # of what a network may have: the shield's wish
        self.shown: Ticket | None = None  # the good ticket of who was asked about last
        self.asked = 0  # who wanted to join, since the start
        self.wants_line = bool(limits.per_s_max)
        self._places = Places(limits.network_per_s, limits.network_burst, limits.push_ms_max)
        self.issuing = Issuing(tickets, board, index, now_ms)
        self.return_event = self.issuing.return_event
        self.return_ticket = self.issuing.return_ticket
        self._reminders = Reminders(limits, self.issuing, counts, now_ms, chance)
        self._stands = Stands(board, chance)
        self._standing_by = StandingBy(board, counts)
        self._served: deque[tuple[int, int, int]] = deque()  # when, up to where, and on standby
        self._late_ms = self._late_standby_ms = 0
        self._told_ms = 0
        self._json = b""

    def admit(self, connection: Connection, room: Room, text: str, proof: str = "") -> bool:
        """Say whether somebody may join now; if not, they have been answered with their place.

        Raises `Problem` for what is no ticket of ours, and when no place is left.
        """
        self.asked += 1
        self.shown = None
        line = self.is_full
        if not text and not line:
            self.room -= 1
            return True
        now_ms = self._now_ms()
        ticket, since_ms = self._reads(text, room, connection.peer, now_ms)
        self.shown = ticket
        if not line:
            self.room -= 1
            return True
        if ticket is not None and ticket.kind is Kind.RETURN:
            if self.returns():
                self._counts.returned += 1
                return True
            self._counts.returns_over += 1
            ticket = None
        level = self.level(self._now_ns(), holds=ticket is not None)
        if ticket is not None:
            let_in = self._in_turn(connection, ticket, text, proof, level, room, now_ms)
            if let_in is not None:
                return let_in
        elif self.passes(self.sheet, level):
            self.takes()
            self._board.note_past()
            self._counts.admitted_at_once += 1
            return True
        self._give_place(connection, room, now_ms, since_ms=since_ms)
        return False

    def _in_turn(
        self,
        connection: Connection,
        ticket: Ticket,
        text: str,
        proof: str,
        level: float,
        room: Room,
        now_ms: int,
    ) -> bool | None:
        """Let in whose turn it is, as `admit`; None: the ticket was used before."""
        sheet = self.sheet
        if is_served(sheet, ticket.kind, ticket.place_ms):
            full = level < 1 and sheet.room <= 0
            kept, ticket = ticket, self._standing_by.takes(ticket, sheet, now_ms, full=full)
            if ticket is not kept:
                text = self._tickets.write(ticket, room.id)
        turn = self.turn(sheet, ticket.kind, ticket.place_ms, level)
        if turn is Turn.EARLY:
            self._counts.line_early += 1
            text, ticket = self._moved(text, ticket, proof, room, now_ms)
            self._answer_place(connection, text, ticket, now_ms)
            return False
        if turn is Turn.AGAIN:
            self._counts.line_again += 1
            again_s = _AGAIN_S[0] + (_AGAIN_S[1] - _AGAIN_S[0]) * self._chance()
            place_ms = 0 if ticket.kind is Kind.STANDBY else ticket.place_ms
            tell(connection, text, place_ms, (1, 0, again_s, again_s))
            return False
        if self._board.spend(ticket.edge, ticket.serial):
            self.takes()
            if ticket.kind is Kind.REMINDER:
                self._board.note_past()
            else:
                self._board.note_came()
            self._counts.admitted_in_turn += 1
            return True
        self._refused(Refusal.REPLAYED)
        return None

    def _reads(self, text: str, room: Room, peer: bytes, now_ms: int) -> tuple[Ticket | None, int]:
        """Return a good ticket that somebody shows, and since when they have a shared place."""
        ticket = self._held(text, room, peer, now_ms) if text else None
        if ticket is None or ticket.kind in SPEAKING:
            return ticket, 0
        return None, ticket.place_ms if ticket.kind is Kind.SHARED else 0

    def answer(self, connection: Connection, room: Room, intent: routes.DoorOf) -> Answer:
        """Return how the line stands, the same for all and renewed once a second, or a ticket.

        Raises `Problem` if no ticket is to be had.
        """
        if intent.reminder:
            return self._reminders.answer(connection.peer, room)
        return Answer(200, self._json, JSON, cache="public, max-age=1")

    def tick(self, now_ns: int, listeners: int) -> None:
        """Four times a second: be seen, lead if it is ours to lead, and read the sheet."""
        now_ms, beat_ms = self._now_ms(), now_ns // 1_000_000
        board = self._board
        wants_line = self.wants_line or self.room <= 0
        board.beat(
            beat_ms,
            Standing(listeners, self.per_s, wants_line, 0, self.room, self.leaving_per_s),
        )
        edges = board.edges(beat_ms)
        standings = board.standings(edges)
        present = sum(one.listeners for one in standings)
        self.leads = edges[:1] == [self._index]
        if self.leads:
            board.note_listeners(beat_ms // 1000, present)
            sheet = board.sheet()
            virtual_ms = sheet.virtual_ms(now_ms)
            first = (sheet.serving_ms or virtual_ms) // BUCKET_MS
            board.write_sheet(
                step(
                    sheet,
                    board.counts(first, virtual_ms // BUCKET_MS),
                    board.totals(),
                    wanted=any(one.wants_line for one in standings),
                    per_s=sum(one.per_s for one in standings),
                    now_ms=now_ms,
                    room=sum(one.room for one in standings),
                    leaving_per_s=sum(one.leaving_per_s for one in standings),
                    polls_per_s_max=self._limits.polls_per_s_max,
                )
            )
        self.sheet = board.sheet()
        board.look_at_places()
        self.earns(listeners)
        share = 1 / max(1, len(edges))
        # Whose network broke comes before anybody here has noticed that they left.
        left = max(0, board.peak(beat_ms // 1000) - present)
        # Who moves to another lane is here twice for a moment.
        spare = max(RETURNS_MIN, self._limits.moves_per_s * TICK_S)
        self.expects(spare + 2 * share * left)
        if now_ms - self._told_ms >= 1000 - TICK_S * 500:
            self._told_ms = now_ms
            self._second(now_ms, share)

    def _second(self, now_ms: int, share: float) -> None:
        limits = self._limits
        fair = share * self.network_share
        self._places.set_rate(limits.network_per_s * fair, limits.network_burst * fair)
        self._places.forget_idle(self.sheet.virtual_ms(now_ms))
        self._reminders.forget_idle(now_ms)
        self._counts.places_forgotten = self._places.forgotten + self._reminders.forgotten
        self.issuing.forget(now_ms)
        self._served.append((now_ms, self.sheet.serving_ms, self.sheet.standby.serving_ms))
        while self._served and self._served[0][0] < now_ms - limits.grace_ms:
            _, self._late_ms, self._late_standby_ms = self._served.popleft()
        self._standing_by.forget(self._late_standby_ms)
        self._json = notice(self.sheet, now_ms)

    def _held(self, text: str, room: Room, peer: bytes, now_ms: int) -> Ticket | None:
        """Return a ticket that holds good; None sends an honest listener to the end of the line."""
        found = self._tickets.check(text, room.id, self._tickets.network_of(peer), now_ms)
        if isinstance(found, Ticket):
            waits = found.kind is Kind.STANDBY
            late_ms = self._late_standby_ms if waits else self._late_ms
            if not (waits or found.kind in IN_LINE) or found.place_ms >= late_ms:
                return found
            found = Refusal.LATE
        self._refused(found)
        if found in FALSE:
            raise Problem(403, f"ticket-{found.value}", "That is no ticket for this room")
        return None

    def read(self, text: str, room: Room, peer: bytes) -> Ticket | Refusal:
        """Return a ticket, or what is wrong with it; it is neither used nor counted."""
        network, now_ms = self._tickets.network_of(peer), self._now_ms()
        return self._tickets.check(text, room.id, network, now_ms)

    def give_last_place(self, connection: Connection, room: Room, back_ms: int) -> None:
        """Answer somebody with a place so far behind whoever comes now, or the last there is."""
        self._give_place(connection, room, self._now_ms(), back_ms)

    def _refused(self, why: Refusal) -> None:
        name = f"tickets_{why.value.replace('-', '_')}"
        setattr(self._counts, name, getattr(self._counts, name) + 1)

    @property
    def is_full(self) -> bool:
        """Whether who comes needs a place in line."""
        return self.sheet.line or self.room <= 0

    @property
    def is_crowded(self) -> bool:
        """Whether anybody waits, or would have to."""
        return self.turns_away or self.room <= 0

    @property
    def turns_away(self) -> bool:
        """Whether everybody who comes without a ticket is given a place, until the next tick."""
        return self.sheet.line and bool(self.sheet.waiting)

    def turn_away(self, peer: bytes, room: str) -> bytes:
        """Return the whole answer to one more who came without a ticket, and is let go.

        To be asked only while it `turns_away`. Raises `Problem` when no place is left.
        """
        now_ms = self._now_ms()
        text, ticket = self._place(peer, room, now_ms)
        self.asked += 1
        place_ms = ticket.place_ms
        number, ahead, wait_s, again_s = self._stands.in_line(self.sheet, place_ms, now_ms)
        more = as_member(self.proofs.ask(text, now_ms))
        return place_answer(
            room, text, place_ms, number, ahead, wait_s, again_s, keep=False, more=more
        )

    def share(self, room: str) -> Shared:
        """Return a place for all who come now, as long as they have no time to get their own.

        Without a line there are no places: who comes again when there is one gets theirs then.
        """
        now_ms = self._now_ms()
        place_ms = self.sheet.virtual_ms(now_ms) if self.sheet.line else 0
        expires_s = now_ms // 1000 + SHARED_TICKET_S
        text, _ = self.issuing.write(Kind.SHARED, room, place_ms, now_ms, expires_s)
        number, ahead, wait_s, _ = self._stands.in_line(self.sheet, place_ms, now_ms)
        return Shared(text, place_ms, number, ahead, wait_s)

    def note_shared(self, shared: Shared) -> None:
        """Note one more who was told it."""
        self.asked += 1
        self._counts.line_shared += 1
        if shared.place_ms:
            self._board.note_place(shared.place_ms)

    def _give_place(
        self, connection: Connection, room: Room, now_ms: int, back_ms: int = 0, since_ms: int = 0
    ) -> None:
        try:
            text, ticket = self._place(connection.peer, room.id, now_ms, back_ms, since_ms)
        except Problem:
            self._counts.line_full += 1
            raise
        self._answer_place(connection, text, ticket, now_ms)

    def _place(
        self, peer: bytes, room: str, now_ms: int, back_ms: int = 0, since_ms: int = 0
    ) -> tuple[str, Ticket]:
        """Return a place in line as a ticket; raises `Problem` when none is left.

        Who has a shared place is as old as that, as long as their network has not come too often.
        """
        virtual_ms = self.sheet.virtual_ms(now_ms)
        if not self.sheet.line:  # whoever came before it began will be taken to be in
            virtual_ms += _BEGINS_MS
        place_ms = self._places.place(peer, virtual_ms)
        if place_ms is None:
            raise LINE_FULL
        if since_ms and self.sheet.line:  # by as much behind that as their network puts them now
            place_ms += since_ms - virtual_ms
        if back_ms:
            place_ms = max(place_ms, virtual_ms + min(back_ms, self._limits.push_ms_max))
        network = self._tickets.network_of(peer)
        expires_s = now_ms // 1000 + LINE_TICKET_S
        written = self.issuing.write(Kind.LINE, room, place_ms, now_ms, expires_s, network)
        if place_ms != since_ms:  # that was noted
            self._board.note_place(place_ms)
        self._counts.line_given += 1
        return written

    def _moved(
        self, text: str, ticket: Ticket, proof: str, room: Room, now_ms: int
    ) -> tuple[str, Ticket]:
        """Return the ticket, for a good proof further in front, but behind who is served already.

        It keeps its serial, so that one of the two can be used, and the board's count of places:
        who has moved is let in a little earlier than counted, as many as moved before them.
        """
        if not proof or ticket.kind is not Kind.LINE:
            return text, ticket
        if not self.proofs.is_good(proof, text, now_ms):
            return text, ticket
        place_ms = max(self.sheet.serving_ms + 1, ticket.place_ms - self.proofs.advance_ms)
        moved = replace(ticket, kind=Kind.PROVED, place_ms=min(place_ms, ticket.place_ms))
        return self._tickets.write(moved, room.id), moved

    def _answer_place(self, connection: Connection, text: str, ticket: Ticket, now_ms: int) -> None:
        if ticket.kind is Kind.STANDBY:
            stood = self._stands.on_standby(self.sheet, ticket.place_ms, now_ms)
            tell(connection, text, 0, stood, ON_STANDBY)
            return
        stood = self._stands.in_line(self.sheet, ticket.place_ms, now_ms)
        asked = self.proofs.ask(text, now_ms) if ticket.kind is Kind.LINE else None
        tell(connection, text, ticket.place_ms, stood, as_member(asked))
