"""What an edge has of the shield, put together: the summary of each second, and the policy's hand.

Stands between the edge's parts and the door: notes who asks, who is let in and how soon, and lets
the policy speak before the door does. Decides nothing that the policy or the door does not.
"""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable

from stentor.admission.tickets import FALSE, NO_NETWORK, SPEAKING, Kind, Ticket
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge import routes
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.crush import CrushAnswers
from stentor.edge.deadlines import State
from stentor.edge.door import Door
from stentor.edge.listening import Listening
from stentor.edge.networks import Networks
from stentor.edge.push import Push
from stentor.edge.request import Method
from stentor.edge.rooms import Room, Rooms
from stentor.edge.shielding import Shielding
from stentor.edge.steps import Steps
from stentor.edge.telling import Silent, Telling
from stentor.edge.turnstile import Turnstile
from stentor.edge.web import Web
from stentor.shield.keys import house
from stentor.shield.lately import Lately
from stentor.shield.newcomers import Newcomers
from stentor.shield.policy import Ban, Why, keeps_out

_VOUCHED_REMEMBERED_MS = 7_200_000
_TURNS_MAX = 512  # two minutes of the door's ticks


class Turns:
    """Since when each place has been served, as far back as the newest looks go."""

    def __init__(self) -> None:
        self._looks: deque[tuple[int, int]] = deque(maxlen=_TURNS_MAX)  # served up to, when

    def note(self, serving_ms: int, now_ms: int) -> None:
        """Note up to which place the line is served."""
        if not self._looks or serving_ms > self._looks[-1][0]:
            self._looks.append((serving_ms, now_ms))

    def lag_s(self, place_ms: int, now_ms: int) -> float | None:
        """Return how long ago the turn of a place came; None if that is not known any more."""
        at = bisect_left(self._looks, (place_ms, 0))
        if at == len(self._looks) or (at == 0 and len(self._looks) == _TURNS_MAX):
            return None
        return max(0.0, (now_ms - self._looks[at][1]) / 1000)


class Lookout:
    """One edge's facts and its shield."""

    def __init__(
        self,
        settings: Settings,
        folder: DataFolder,
        index: int,
        counts: Counts,
        networks: Networks,
        now_ms: Callable[[], int],
    ) -> None:
        self._counts = counts
        self._now_ms = now_ms
        self._turns = Turns()
        self._obeyed = 0, 0, 0
        self._vouched = Lately(_VOUCHED_REMEMBERED_MS)
        self._newcomers = Newcomers()
        self.telling = Telling(
            watch=folder.watch_socket,
            event_key=folder.event_key,
            index=index,
            counts=counts,
            networks=networks,
        )
        self._on = settings.shield
        self.summary = self.telling.summary
        if not self._on:
            self.summary.close()
            self.summary = Silent(self.summary.key, self.summary.edge)
        self.shielding = Shielding(
            policy=folder.policy,
            guard=folder.guard_socket,
            networks=networks,
            counts=counts,
            summary=self.summary,
        )

    def attach(
        self,
        web: Web,
        push: Push,
        door: Door,
        public: Listening,
        rooms: Rooms,
        steps: Steps,
        *,
        direct: bool,
    ) -> None:
        """Stand where people come, ask, join and leave; `direct`: they speak for themselves."""
        self._web, self._push, self._door = web, push, door
        self._public, self._rooms, self._steps = public, rooms, steps
        crush = CrushAnswers(
            door, self._counts, self.summary, lambda room: _joinable(rooms.by_id.get(room))
        )
        self._turnstile = Turnstile(web, door, crush, self._is_banned)
        if direct:
            public.turnstile = self._turnstile
        push.admits = self.admits
        push.joins = self._joins
        push.slow = self._slow
        if not self._on:
            return
        push.leaves = self._leaves
        public.knocks.queued = self.summary.queued
        web.closes = self._closes
        # All edges tell of the same second, and the watch looks when they have (`watch.serve`).
        phase_ns = web.now_ns() - self._now_ms() % 1_000 * 1_000_000
        web.loop.every(1.0, self._measured_second, phase_ns=phase_ns)

    def admits(
        self, connection: Connection, room: Room, intent: routes.Push | routes.Master
    ) -> bool:
        """Say whether somebody may join, as the door does, and note what came of it."""
        peer, door, summary, now_ms = connection.peer, self._door, self.summary, self._now_ms()
        self._counts.asked += 1
        replayed = self._counts.tickets_replayed
        ban = self.shielding.ban_of(peer, now_ms)
        if ban is not None:
            found = door.read(intent.ticket, room, peer)
            forged = bool(intent.ticket) and found in FALSE
            good = isinstance(found, Ticket) and found.kind in SPEAKING
            if not good and (forged or self._keeps_out(ban)):
                summary.asked(peer)
                if forged:
                    summary.wrong(peer, Why.FORGED)
                return self._set_back(connection, room, ban.until_ms - now_ms)
        try:
            admitted = door.admit(connection, room, intent.ticket, intent.proof)
        finally:
            again = self._counts.tickets_replayed != replayed  # it was good for somebody, once
            shown = None
            if door.shown is not None and not again:
                shown = self._speaking(door.shown, peer, now_ms)
            summary.asked(peer, None if shown is None else shown.kind)
            if again:
                summary.wrong(peer, Why.FORGED)
            elif shown is not None:
                self.shielding.showed_ticket(peer, now_ms)
        if not admitted:
            self._turned(connection, room, intent)
            return False
        summary.admitted(peer)
        if shown is not None and shown.kind not in (Kind.RETURN, Kind.STANDBY):
            lag_s = self._turns.lag_s(shown.place_ms, now_ms)
            if lag_s is not None and door.sheet.line:
                summary.turn_lag(lag_s)
        elif shown is not None and shown.kind is Kind.RETURN:
            totals = self._push.total(room.id)
            if totals is not None:
                totals.returned += 1
        return True

    def _turned(
        self, connection: Connection, room: Room, intent: routes.Push | routes.Master
    ) -> None:
        """Somebody was told their place: who comes in the same words need not be looked at."""
        alike = not intent.ticket and connection.state is State.GONE
        if alike and self._door.turns_away and connection.request is not None:
            self._turnstile.note(connection.request, room)

    def _speaking(self, ticket: Ticket, peer: bytes, now_ms: int) -> Ticket | None:
        """Return a ticket, if it says something of who shows it.

        Without a line a reminder is not used up, and whoever has it can pass it on: at each edge
        it speaks for those who showed it first.
        """
        if ticket.kind is not Kind.REMINDER and (
            ticket.kind is not Kind.STANDBY or ticket.network != NO_NETWORK
        ):
            return ticket
        name = ticket.edge.to_bytes(2) + ticket.serial.to_bytes(6)
        theirs = name + house(peer)
        if not self._vouched.did(name, now_ms):
            self.summary.vouched()
            self._vouched.note(name, now_ms)
            self._vouched.note(theirs, now_ms)
        return ticket if self._vouched.did(theirs, now_ms) else None

    def looked_at(self, connection: Connection, intent: routes.Intent) -> None:
        """Note what is asked for; raises a `Problem` if the policy puts that off."""
        if isinstance(intent, routes.Push) or connection.on_metrics_port:
            return  # who wants to join is looked at when it is clear that they could
        match intent:
            case routes.Page() | routes.StateOf() | routes.Live.ROOMS:
                self._counts.looked += 1
                self.summary.visited(connection.peer)
            case routes.DoorOf(reminder=True):
                self.summary.visited(connection.peer)
                self._put_off(connection)
            case routes.Playlist() | routes.Media():
                self._put_off(connection, reads=True)
            case routes.Whole():
                self._put_off(connection)

    def gave(self, connection: Connection, room: str, parts: range) -> None:
        """Note that somebody was given parts of a live programme by HLS."""
        request = connection.request
        if self._on and request is not None and request.method is Method.GET:
            self.shielding.reads(connection.peer, room, parts, self._now_ms())

    def took_over(self) -> None:
        """Listeners are here whose tickets another edge has seen."""
        self.shielding.begins_anew(self._now_ms())

    def begins(self, room: str) -> None:
        """Note that the first part of a programme is here, and about to be delivered."""
        self.telling.part_zero(room, self._now_ms())

    def tick_door(self) -> None:
        """Note how far the line is served; who is refused is asked after again."""
        self._turnstile.forget()
        self._turns.note(self._door.sheet.serving_ms, self._now_ms())

    def close(self) -> None:
        """Let go of the sockets."""
        self.telling.close()
        self.summary.close()
        self.shielding.close()

    def _keeps_out(self, ban: Ban) -> bool:
        return keeps_out(ban, self._door.sheet.waiting, self._now_ms())

    def _put_off(self, connection: Connection, *, reads: bool = False) -> None:
        ban = self.shielding.ban_of(connection.peer, self._now_ms())
        if ban is None or not self._keeps_out(ban):
            return
        problem = self.shielding.put_off(connection.peer, self._now_ms(), reads=reads)
        if problem is not None:
            raise problem

    def _set_back(self, connection: Connection, room: Room, left_ms: int) -> bool:
        """Whoever is banned may stand at the end of the line; without a line, come again.

        To come is not wrong: behind that address may be people who did nothing, and each of their
        tries would make the ban longer.
        """
        if self._door.sheet.line:
            self._counts.banned_refused += 1
            self.summary.obeyed("set_back")
            self._door.give_last_place(connection, room, left_ms)
            return False
        problem = self.shielding.put_off(connection.peer, self._now_ms())
        assert problem is not None
        raise problem

    def _is_banned(self, peer: bytes) -> bool:
        return self.shielding.ban_of(peer, self._now_ms()) is not None

    def _note_obeyed(self) -> None:
        """Tell what the policy's share and proofs did since the last look."""
        counts, seen = self._counts, self._obeyed
        paced = counts.refused_by_network + counts.line_full
        self._obeyed = paced, counts.proofs_asked, counts.proofs_good
        for what, new, old in zip(
            ("paced", "proofs_asked", "proved"), self._obeyed, seen, strict=True
        ):
            if new > old and (what != "paced" or self.shielding.policy.network_share < 1):
                self.summary.obeyed(what, new - old)

    def _closes(self, peer: bytes) -> bool:
        shielding = self.shielding
        return shielding.concerns(peer) and shielding.closes(peer, self._now_ms())

    def _joins(self, connection: Connection, audio: bool) -> None:
        web = self._web
        web.networks.listens(connection.fd)
        self.shielding.begins_to_listen(connection.peer)
        if self._on:
            self._newcomers.joined(connection.fd, connection.peer, web.now_ns() / 1e9)
        if audio:
            self.summary.first_audio((web.now_ns() - connection.since_ns) / 1e9)

    def _leaves(self, fd: int) -> None:
        self._counts.left_soon += self._newcomers.left(fd, self._web.now_ns() / 1e9)

    def _slow(self, fd: int) -> None:
        self.summary.wrong(self._web.networks.peers.get(fd, b""), Why.SLOW)

    def _measured_second(self, _now_ns: int) -> None:
        began_ns = time.thread_time_ns()
        self._second()
        self._counts.shield_us += (time.thread_time_ns() - began_ns) // 1000

    def _second(self) -> None:
        now_ms, door = self._now_ms(), self._door
        if self._push.leaving:
            self.telling.leave()
        self._note_obeyed()
        for peer in self._newcomers.stayed(self._web.now_ns() / 1e9):
            self.summary.stayed(peer)
        self.summary.unremembered += self._newcomers.take_unremembered()
        arrivals = self._public.arrivals
        named = self.telling.second(
            now_ms,
            rooms=filter(
                None, map(self._rooms.by_id.get, self._push.visited.union(self.telling.begun))
            ),
            push=self._push,
            load=self._steps.meter.facts,
            connections=self._web.open,
            unserved=0 if arrivals is None else arrivals.unserved,
            door=self._steps.door_facts,
            sheet=door.sheet,
            listening_fd=-1 if self._push.leaving else self._public.fileno(),
            leads=door.leads,
            policy=self.shielding.policy.number,
            listening_of=lambda network: self.shielding.listening(network, now_ms),
            bystanders=self.shielding.bystanders(now_ms),
        )
        self.shielding.remember(named, now_ms)
        if self.shielding.look(now_ms):
            policy = self.shielding.policy
            self._web.networks.share(policy.network_share)
            door.network_share = policy.network_share
            door.proofs.cost, door.proofs.advance_ms = policy.proof_cost, policy.proof_advance_ms
        self.shielding.tell_guard(now_ms)


def _joinable(room: Room | None) -> bool:
    """Say whether there is or will be something to hear."""
    return room is not None and not room.ended and any(one.init for one in room.streams.values())
