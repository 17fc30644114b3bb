"""The push stream: who joins which lane, and what each lane is told when something comes.

The pace is the ladder's for joiners, or a slower one that the player asked for; nobody who listens
is moved, but they may be advised to come again. A joiner's first bytes (head, init, state, back
parts) are made once for everyone who joins between two deliveries.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count

from stentor.admission.events import ADVICE_SCHEME, RETURN_SCHEME, Advice, advice_event
from stentor.admission.lanes import lane_for_period, period_s
from stentor.admission.moves import LaneFacts, Moves
from stentor.base.errors import Problem
from stentor.edge import routes
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.lane import Lane, Totals, unsent_bytes
from stentor.edge.limits import Limits
from stentor.edge.loop import Loop
from stentor.edge.phases import Phases, phase_order
from stentor.edge.request import Method
from stentor.edge.room_facts import room_audience
from stentor.edge.rooms import Room, Stream
from stentor.edge.unsent import limit_unsent
from stentor.edge.welcome import Welcome, make_welcome, push_head
from stentor.edge.wire import PLAIN, Wire
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import DEFAULT_RENDITION, RENDITIONS, bitrate_of
from stentor.rooms.audience import RoomAudience

_FLOWING_NS = 1_000_000_000  # parts come: what is new may wait for the next one
_TICKETS_WAIT_NS = 20_000_000_000  # of the 90 s that the ticket before still holds
# A heartbeat is for proxies and players, who wait 25 s: not each of the origin's is worth a send.
_QUIET_NS = 15_000_000_000
_FAREWELL_NS = 2_000_000_000  # the ended state comes within this after the last part
_FROM_FUTURE_PARTS = 8  # another edge may be a little ahead of this one
_WELCOMES_MAX = 32  # of one lane: movers begin where they stood, in few different places


class Push:
    """All lanes of one edge."""

    def __init__(
        self,
        *,
        loop: Loop,
        limits: Limits,
        counts: Counts,
        now_ns: Callable[[], int],
        left: Callable[[int], None],
        index: int,
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._counts = counts
        self._now_ns = now_ns
        self._left = left
        self._index = index
        self._lanes: dict[Stream, list[Lane]] = {}
        self._phases: dict[tuple[Stream, int, bool], Phases] = {}
        self._due: dict[Lane, int] = {}  # who is not served yet, in order, and since when
        self._late_ns = 0
        self._ended_ns: dict[Stream, int] = {}
        self._totals: dict[str, Totals] = {}
        self.listeners = 0
        self.leaving = False  # a successor is here: who is left is advised to go there
        # What the ladder decides for joiners, once a second.
        self.fastest_parts = limits.fastest_parts
        self.present_parts = 1  # nobody who listens is asked to come to a faster lane than this
        self.lower_rendition = False
        # The return ticket of a room as an event box at a sample index, from the door.
        self.ticket_event: Callable[[Room, int], bytes] = lambda _room, _sample_index: b""
        # The door says who may join; who may not has been answered by it.
        self.admits: Callable[[Connection, Room, routes.Push], bool] = lambda _who, _room, _: True
        # Sets what the kernel holds unsent for who is accepted from now on.
        self.limit_unsent: Callable[[int], None] = lambda _size: None
        # Told of a connection that is about to be a listener's, and whether there is audio for it.
        self.joins: Callable[[Connection, bool], None] = lambda _who, _audio: None
        # Told of a listener who is about to be let go because they took next to nothing.
        self.slow: Callable[[int], None] = lambda _fd: None
        self.leaves: Callable[[int], None] = lambda _fd: None  # told of a listener who is gone
        self._inherited_bytes = limits.unsent_bytes
        self._moves = Moves(limits.moves_per_s)
        self._advice_ids = count(1)

    def join(self, connection: Connection, room: Room, intent: routes.Push) -> None:
        """Turn a connection into a listener; raises `Problem` if there is nothing to hear."""
        stream = self._stream(room, intent)
        if stream.whole or room.ended:
            raise Problem(
                410, "room-ended", "This conversation has ended", "Its recording is under hls/."
            )
        if not stream.init:
            raise Problem(503, "doors-closed", "The doors of this room are not open yet")
        assert connection.request is not None
        if connection.request.http_1_0:
            raise Problem(505, "http-version", "The stream needs HTTP/1.1", "HLS does not.")
        if connection.request.method is Method.HEAD:
            parts = self._parts(intent.period_ms)
            connection.send(push_head(parts, stream.rendition), keep=False)
            return
        if self._total(room).present >= self._limits.room_listeners_max:
            raise Problem(503, "room-full", "This room has no more places here")
        start = intent.start
        if start is not None and start > stream.next + _FROM_FUTURE_PARTS:
            raise Problem(400, "part-of-the-future", "That part is still far away")
        if not self.admits(connection, room, intent):
            return
        parts = self._parts(intent.period_ms)
        lane = self._of(room, stream, parts, connection.wire).choose()
        welcome = lane.welcomes.get(start) or self._welcome(lane, start)
        fd = connection.hand_over()
        self._loop.stay(fd, lane, connection.wire.quiet)
        if lane.unsent_bytes > self._inherited_bytes:
            limit_unsent(fd, lane.unsent_bytes)
        self.listeners += 1
        self.joins(connection, bool(stream.parts))
        lane.join(fd, welcome.data, welcome.at, welcome.write())

    def heard(self, streams: Iterable[Stream]) -> Iterator[Stream]:
        """Yield those that anybody listens to: the others cost nothing more."""
        return (stream for stream in streams if stream in self._lanes)

    def part_came(self, stream: Stream) -> None:
        """Note who is due something; `deliver` gives it to them."""
        now_ns = self._now_ns()
        for lane in self._lanes.get(stream, ()):
            lane.welcomes.clear()
            if lane.due() > lane.at:
                self._due.setdefault(lane, now_ns)

    def deliver(self, until_ns: int) -> bool:
        """Give everyone what is due, lane by lane, until a time; say whether there is more."""
        due = self._due
        while due:
            lane = next(iter(due))
            since_ns = due.pop(lane)
            self._loop.safely(lane.deliver)  # one room's trouble is not the others'
            now_ns = self._now_ns()
            self._late_ns = max(self._late_ns, now_ns - since_ns)
            if now_ns > until_ns:
                break
        return bool(due)

    def take_late_ns(self) -> int:
        """Return how long anybody waited at most for what was due, since this was last asked."""
        late_ns, self._late_ns = self._late_ns, 0
        return late_ns

    def state_came(self, room: Room) -> None:
        """Tell everyone, with the next part if one is about to come, else at once."""
        event = room.state_event()
        now_ns = self._now_ns()
        for stream in room.streams.values():
            if stream.parts and now_ns - stream.heard_ns < _FLOWING_NS and not stream.whole:
                stream.news = event
                continue
            for lane in self._lanes.get(stream, ()):
                known = lane.told is room.state_json and now_ns - lane.spoke_ns < _QUIET_NS
                if not (lane.closing or known):
                    lane.told, lane.spoke_ns = room.state_json, now_ns
                    lane.interim(event)

    def tell(self, lane: Lane, kind: str, event: bytes, within_ns: int = _FLOWING_NS) -> None:
        """Say something to all of a lane, with its next delivery or at once if there is none.

        There will be one if the last part came less than `within_ns` ago. Of one `kind` (a
        scheme) only the newest waits. Who is behind may miss it.
        """
        stream = lane.stream
        if lane.closing:
            return
        if stream.parts and self._now_ns() - stream.heard_ns < within_ns:
            lane.news[kind] = event
        else:
            lane.interim(event)

    def renew_tickets(self) -> None:
        """Give everyone the return ticket that holds now."""
        for lane in self.lanes():
            lane.welcomes.clear()
            event = self.ticket_event(lane.room, lane.stream.next * PART_SAMPLES)
            if event:
                self.tell(lane, RETURN_SCHEME, event, _TICKETS_WAIT_NS)

    def advise(self, lane: Lane, parts: int, within_s: float, reason: str) -> None:
        """Advise all of a lane to come again on a new connection."""
        advice = Advice(
            id=next(self._advice_ids),
            period_ms=round(period_s(parts) * 1000),
            within_s=round(within_s, 1),
            reason=reason,
        )
        self._counts.advised += lane.listeners
        self.tell(lane, ADVICE_SCHEME, advice_event(advice, lane.stream.next * PART_SAMPLES))

    def init_came(self, stream: Stream) -> None:
        """Joiners get the new one."""
        for lane in self._lanes.get(stream, ()):
            lane.welcomes.clear()

    def end_came(self, room: Room, stream: Stream) -> None:
        """End the streams whose last part has been delivered and whose room says so."""
        if not stream.whole:
            return
        now_ns = self._now_ns()
        since_ns = self._ended_ns.setdefault(stream, now_ns)
        if not room.ended and now_ns - since_ns < _FAREWELL_NS:
            return  # the state that says so is on its way; `tick` comes back
        for lane in self._lanes.get(stream, ()):
            if not lane.closing:
                lane.deliver()
                lane.finish()

    def tick(self, now_ns: int) -> None:
        """Once a second: end what has ended, let go of the dead, forget empty lanes."""
        for stream, lanes in tuple(self._lanes.items()):
            if stream.whole and lanes:
                self.end_came(lanes[0].room, stream)
            for lane in lanes:
                if lane.behind:
                    lane.sweep(now_ns)
        for key, phases in tuple(self._phases.items()):
            phases.level()
            if not phases.lanes:
                del self._phases[key]
        for stream, lanes in tuple(self._lanes.items()):
            lanes[:] = [lane for lane in lanes if lane.listeners]
            if not lanes:
                del self._lanes[stream]
                self._ended_ns.pop(stream, None)
        if not self.leaving:
            self._advise_moves(now_ns)
        wanted = unsent_bytes(self._parts(0), DEFAULT_RENDITION, self._limits.unsent_bytes)
        if wanted != self._inherited_bytes:
            self._inherited_bytes = wanted
            self.limit_unsent(wanted)

    def _advise_moves(self, now_ns: int) -> None:
        """Where lanes are not of the pace that joiners get now, advise one of them to move."""
        facts = [
            LaneFacts(lane, lane.parts, lane.listeners) for lane in self.lanes() if not lane.closing
        ]
        move = self._moves.step(now_ns / 1e9, self._parts(0), facts, self.present_parts)
        if move is not None:
            assert isinstance(move.key, Lane)
            reason = "load" if move.slower else "room"
            self.advise(move.key, move.parts, move.within_s, reason)

    def lanes(self) -> Iterator[Lane]:
        """Return all lanes."""
        return chain.from_iterable(self._lanes.values())

    def due_bits_per_s(self) -> float:
        """Return what all who are here take once they hear audio, also those before the hour."""
        lanes = (lane for lane in self.lanes() if not lane.closing)
        return float(sum(lane.listeners * bitrate_of(lane.stream.rendition) for lane in lanes))

    def lane_at(self, room: Room, stream: Stream, parts: int, phase: int) -> Lane:
        """Return the lane of that shape, made if need be; for who takes over from another edge."""
        return self._of(room, stream, parts).at(phase)

    def adopt(self, lane: Lane) -> None:
        """Count the listeners of a lane that another edge filled."""
        self.listeners += lane.listeners
        self._total(lane.room).present += lane.listeners

    def forsake(self, lanes: Iterable[Lane]) -> None:
        """Forget listeners who are another edge's now."""
        for lane in lanes:
            self.listeners -= lane.listeners
            self._total(lane.room).present -= lane.listeners
            for held in (lane.caught_up, lane.ahead, lane.behind):
                held.clear()

    @property
    def visited(self) -> set[str]:
        """The rooms that anybody has ever joined here."""
        return set(self._totals)

    def total(self, room: str) -> Totals | None:
        """Return what was counted of a room, None if nobody ever listened to it here."""
        return self._totals.get(room)

    def totals(self) -> Iterable[tuple[str, Totals]]:
        """Return what was counted of each room."""
        return self._totals.items()

    def close_room(self, room: Room) -> None:
        """Let go of whoever is left in a room whose media are dropped."""
        for stream in room.streams.values():
            for lane in self._lanes.get(stream, ()):
                if not lane.closing:
                    lane.finish()

    def audience(self, room: Room, shelf_listeners: int) -> RoomAudience:
        """Return the facts of one room."""
        totals = self._totals.get(room.id)
        return room_audience(
            room, lambda stream: self._lanes.get(stream, ()), totals, shelf_listeners
        )

    def _stream(self, room: Room, intent: routes.Push) -> Stream:
        """Return the stream to give: what was asked for, or less if the ladder says so."""
        also = room.streams.get(intent.also)
        if self.lower_rendition and also is not None and also.init and not also.whole:
            lower = RENDITIONS[intent.also].bitrate < RENDITIONS[intent.rendition].bitrate
            if lower:
                return also
        return room.streams.get(intent.rendition) or Stream(intent.rendition)

    def _parts(self, period_ms: int) -> int:
        """Return the lane for a joiner: the ladder's, or a slower one if they want that."""
        return max(self.fastest_parts, lane_for_period(period_ms))

    def _total(self, room: Room) -> Totals:
        return self._totals.get(room.id) or self._totals.setdefault(room.id, Totals())

    def _of(self, room: Room, stream: Stream, parts: int, wire: Wire = PLAIN) -> Phases:
        phases = self._phases.get((stream, parts, wire.secure))
        if phases is None:
            order = phase_order(parts, room.id, self._index)
            phases = Phases(order, lambda phase: self._make_lane(room, stream, parts, phase, wire))
            self._phases[stream, parts, wire.secure] = phases
        return phases

    def _make_lane(self, room: Room, stream: Stream, parts: int, phase: int, wire: Wire) -> Lane:
        lane = Lane(
            room,
            stream,
            parts,
            phase,
            loop=self._loop,
            limits=self._limits,
            counts=self._counts,
            now_ns=self._now_ns,
            gone=self._gone,
            slow=self._stalled,
            totals=self._total(room),
            wire=wire,
        )
        self._lanes.setdefault(stream, []).append(lane)
        return lane

    def _stalled(self, fd: int) -> None:
        self.slow(fd)

    def _gone(self, fd: int) -> None:
        self.listeners -= 1
        self.leaves(fd)
        self._left(fd)

    def _welcome(self, lane: Lane, start: int | None) -> Welcome:
        ticket = self.ticket_event(lane.room, lane.at * PART_SAMPLES)
        found = make_welcome(lane, start, ticket)
        if len(lane.welcomes) < _WELCOMES_MAX:
            lane.welcomes[start] = found
        return found
