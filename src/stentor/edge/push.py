"""The push stream: who joins which lane, and what each lane is told when something comes.

The lane is chosen at joining, by how many already listen here; nobody who listens is moved. A
joiner's first bytes (head, init, state, back parts) are made once for everyone who joins between
two deliveries.
"""

from collections.abc import Callable

from stentor.base.errors import Problem
from stentor.edge.answer import MP4, head, http_chunk
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.lane import Lane, Totals
from stentor.edge.limits import Limits
from stentor.edge.loop import QUIET, Loop
from stentor.edge.request import Method
from stentor.edge.rooms import Room, Stream
from stentor.media.grid import PART_S, PARTS_PER_CHUNK
from stentor.rooms.audience import RoomAudience

_FLOWING_NS = 1_000_000_000  # parts come: what is new may wait for the next one
_FAREWELL_NS = 2_000_000_000  # the ended state comes within this after the last part


def _push_head(parts: int) -> bytes:
    """Return the head of the stream; it tells how much programme comes at once."""
    headers = {
        "Content-Type": MP4,
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "Stentor-Period-Ms": str(round(parts * PART_S * 1000)),
    }
    return head(200, headers, length=None, keep_alive=False)


_HEADS = {parts: _push_head(parts) for parts in (1, PARTS_PER_CHUNK)}


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
        self._ended_ns: dict[Stream, int] = {}
        self._totals: dict[str, Totals] = {}
        self.listeners = 0

    def join(self, connection: Connection, room: Room, stream: Stream) -> None:
        """Turn a connection into a listener; raises `Problem` if there is nothing to hear."""
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
            connection.send(_HEADS[1], keep=False)
            return
        if self._in_room(room) >= self._limits.room_listeners_max:
            raise Problem(503, "room-full", "This room has no more places here")
        lane = self._choose(room, stream)
        if lane.welcome is None:
            lane.welcome = self._welcome(lane)
        fd = connection.hand_over()
        self._loop.table[fd] = lane
        self._loop.change(fd, QUIET)
        self.listeners += 1
        self._totals.setdefault(room.id, Totals()).joined += 1
        lane.join(fd, lane.welcome)

    def part_came(self, stream: Stream) -> None:
        """Deliver what is new to everyone who keeps up."""
        for lane in self._lanes.get(stream, ()):
            lane.deliver()

    def state_came(self, room: Room) -> None:
        """Tell everyone, with the next part if one is about to come, else at once."""
        event = room.state_event()
        now_ns = self._now_ns()
        for stream in room.streams.values():
            if stream.parts and now_ns - stream.heard_ns < _FLOWING_NS and not stream.whole:
                stream.news = event
                continue
            for lane in self._lanes.get(stream, ()):
                if not lane.closing:
                    lane.interim(event)

    def init_came(self, stream: Stream) -> None:
        """Joiners get the new one."""
        for lane in self._lanes.get(stream, ()):
            lane.welcome = None

    def end_came(self, room: Room, stream: Stream) -> None:
        """End the streams whose last part has been delivered and whose room says so."""
        if not stream.whole:
            return
        now_ns = self._now_ns()
        since_ns = self._ended_ns.setdefault(stream, now_ns)
        if not room.ended and now_ns - since_ns < _FAREWELL_NS:
            return  # the state that says so is on its way; `tick` comes back
        self.part_came(stream)
        for lane in self._lanes.get(stream, ()):
            if not lane.closing:
                lane.finish()

    def tick(self, rooms: dict[str, Room], now_ns: int) -> None:
        """Once a second: end what has ended, let go of the dead, forget empty lanes."""
        for room in rooms.values():
            for stream in room.streams.values():
                if stream.whole and stream in self._lanes:
                    self.end_came(room, stream)
        for stream, lanes in tuple(self._lanes.items()):
            for lane in lanes:
                lane.sweep(now_ns)
            lanes[:] = [lane for lane in lanes if lane.listeners]
            if not lanes:
                del self._lanes[stream]
                self._ended_ns.pop(stream, None)

    def close_room(self, room: Room) -> None:
        """Let go of whoever is left in a room whose media are dropped."""
        for stream in room.streams.values():
            for lane in self._lanes.get(stream, ()):
                if not lane.closing:
                    lane.finish()

    def audience(self, room: Room, shelf_listeners: int) -> RoomAudience:
        """Return the facts of one room."""
        by_rendition: dict[str, int] = {}
        waiting = lagging = 0
        for stream in room.streams.values():
            for lane in self._lanes.get(stream, ()):
                count = lane.listeners
                if count:
                    name = stream.rendition
                    by_rendition[name] = by_rendition.get(name, 0) + count
                lagging += len(lane.behind)
                waiting += 0 if stream.parts else count
        totals = self._totals.get(room.id)
        return RoomAudience(
            listeners=sum(by_rendition.values()),
            shelf_listeners=shelf_listeners,
            waiting=waiting,
            joined_total=totals.joined if totals else 0,
            jumped_total=totals.jumped if totals else 0,
            lagging=lagging,
            by_rendition=by_rendition,
        )

    def _in_room(self, room: Room) -> int:
        streams = room.streams.values()
        return sum(lane.listeners for stream in streams for lane in self._lanes.get(stream, ()))

    def _choose(self, room: Room, stream: Stream) -> Lane:
        lanes = self._lanes.setdefault(stream, [])
        small = self.listeners < self._limits.part_lane_listeners_max
        wanted = 1 if small else PARTS_PER_CHUNK
        fitting = [lane for lane in lanes if lane.parts == wanted]
        if len(fitting) == wanted:
            return min(fitting, key=lambda lane: lane.listeners)
        # Edges begin with different phases: their deliveries should not all fall together.
        taken = {lane.phase for lane in fitting}
        phases = [(self._index + step) % wanted for step in range(wanted)]
        phase = next(phase for phase in phases if phase not in taken)
        totals = self._totals.setdefault(room.id, Totals())
        lane = Lane(
            room,
            stream,
            wanted,
            phase,
            loop=self._loop,
            limits=self._limits,
            counts=self._counts,
            now_ns=self._now_ns,
            gone=self._gone,
            totals=totals,
        )
        lanes.append(lane)
        return lane

    def _gone(self, fd: int) -> None:
        self.listeners -= 1
        self._left(fd)

    def _welcome(self, lane: Lane) -> bytes:
        stream = lane.stream
        back = self._limits.back_parts + lane.parts - 1
        start = max(stream.first, lane.at - back)
        first = http_chunk(stream.init + lane.room.state_event())
        return _HEADS[lane.parts] + first + stream.chunked(start, lane.at)
