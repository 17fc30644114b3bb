"""One edge process, put together: what a turn of its loop does, and who answers which request.

A turn: take what the feed brought and deliver it to whoever listens; then events; then those who
come. It asks no other process anything, so whatever else dies, its listeners stay.
"""

import socket
import time
from collections.abc import Callable
from functools import partial
from itertools import count

from stentor.base.clock import Clock
from stentor.base.errors import Problem
from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge import consent, routes
from stentor.edge.answer import preflight
from stentor.edge.archive import Archive
from stentor.edge.broadcast import Broadcast
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.deadlines import deadlines_of
from stentor.edge.directory import Directory, health
from stentor.edge.door import RETURN_RENEW_S, TICK_S
from stentor.edge.doorway import make_door, make_shelf_door
from stentor.edge.downloads import Downloads
from stentor.edge.entrance import Entrance
from stentor.edge.facts import FactsSender, metrics_answer
from stentor.edge.feed import Feed
from stentor.edge.handover import Handover
from stentor.edge.leaving import Household
from stentor.edge.limits import WINDOW_PARTS, draw_limits
from stentor.edge.listening import Listening, listening_socket
from stentor.edge.lookout import Lookout
from stentor.edge.loop import Loop
from stentor.edge.memory import Memory, resident_bytes
from stentor.edge.networks import Networks
from stentor.edge.push import Push
from stentor.edge.request import Method, Request
from stentor.edge.rooms import Room, Rooms
from stentor.edge.shelf import Shelf
from stentor.edge.site import Site
from stentor.edge.steps import Steps
from stentor.edge.takeover import Predecessor, TakenOver
from stentor.edge.web import Web

_READERS_S = 6.0
# Whoever comes to an edge that does not know the rooms yet would be told that there are none.
_FEED_EMPTY_NS = 200_000_000
_FEED_AWAY_NS = 1_000_000_000
_NO_ROOM = Problem(404, "no-such-room", "There is no such room")
_NO_MEMORY = Problem(503, "edge-short-of-memory", "This edge takes nobody more just now")
_NO_FEED = Problem(503, "no-feed", "This edge has just started")


class Edge:
    """All that one process needs to serve listeners. `run` returns after `stop`."""

    def __init__(
        self,
        settings: Settings,
        folder: DataFolder,
        clock: Clock,
        index: int,
        now_ns: Callable[[], int] = time.monotonic_ns,
        predecessor: Predecessor | None = None,
    ) -> None:
        self.limits = draw_limits(settings)
        self.counts = Counts()
        self._clock = clock
        self._now_ns = now_ns
        self._serials = count(1)
        self.loop = Loop(self.limits.join_share)
        self.rooms = Rooms(parts_max=WINDOW_PARTS, rooms_max=self.limits.rooms_max)
        self._deadlines = deadlines_of(self.limits)
        self.networks = Networks(self.limits.network)
        self.memory = Memory(self.limits.memory_bytes_max)
        self._lookout = Lookout(settings, folder, index, self.counts, self.networks, self._now_ms)
        self._web = Web(
            self.loop,
            self._deadlines,
            self.counts,
            self._dispatch,
            now_ns,
            self.networks,
            self.limits,
            self._lookout.summary,
        )
        self.push = Push(
            loop=self.loop,
            limits=self.limits,
            counts=self.counts,
            now_ns=now_ns,
            left=self._left,
            index=index,
        )
        self.door = make_door(
            settings, folder, self.counts, index, now_ms=self._now_ms, now_ns=now_ns
        )
        self.push.ticket_event = self.door.return_event
        archive = Archive(folder)
        self.shelf = Shelf(archive, self.limits, self.counts, self.networks)
        self.shelf.gives = self._lookout.gave
        self._shelf_door = make_shelf_door(settings, self.door, self.shelf, self._lookout.admits)
        self._downloads = Downloads(archive, self.limits, self.counts, self.networks)
        self._site = Site()
        self._directory = Directory(self.rooms)
        self._consents = consent.Consents(folder, self._now_ms)
        self._feed = Feed(folder.origin_feed, self.loop, self.counts)
        self._facts = FactsSender(folder.audience_socket, f"edge-{index}", self.counts)
        self.broadcast = Broadcast(
            loop=self.loop,
            rooms=self.rooms,
            push=self.push,
            shelf=self.shelf,
            counts=self.counts,
            begins=self._lookout.begins,
            now_ns=now_ns,
        )
        public, private = self._sockets(settings, index, predecessor)
        serial = partial(next, self._serials)
        self.entrance = Entrance(settings, folder, self._web, serial)
        came = self.entrance.arrivals
        self._public = Listening(self._web, public, self.limits, serial, arrivals=came)
        self.push.limit_unsent = self._public.limit_unsent
        self._private = Listening(self._web, private, self.limits, serial, on_metrics_port=True)
        self._house = self._household()
        self._handover_path = folder.handover(index)
        self._index = index
        self._handover: Handover | None = None
        if predecessor is None:
            self._private.listen()
        self._began_ns = now_ns()
        self._feed_since_ns: int | None = None
        self.steps = Steps(
            settings,
            self.limits,
            loop=self.loop,
            counts=self.counts,
            web=self._web,
            push=self.push,
            door=self.door,
            memory=self.memory,
            facts=self._facts,
            knocks=self._public.knocks,
            side_features=(self.shelf, self._downloads, self._directory),
        )
        self._lookout.attach(
            *(self._web, self.push, self.door, self._public, self.rooms, self.steps),
            direct=self.entrance.direct,
        )
        if predecessor is None:
            self.door.tick(now_ns(), 0)
        self._keep_time()

    def _sockets(
        self, settings: Settings, index: int, predecessor: Predecessor | None
    ) -> tuple[socket.socket, socket.socket]:
        """Return what listens for everybody and for this machine; in a deploy the old edge's."""
        if predecessor is not None:
            return predecessor.public, predecessor.private
        unsent_bytes = self.limits.unsent_bytes
        public = listening_socket(
            settings.bind, settings.port, shared=True, unsent_bytes=unsent_bytes
        )
        port = settings.metrics_port_used + 1 + index if settings.port else 0
        private = listening_socket("127.0.0.1", port, shared=False, unsent_bytes=1 << 20)
        return public, private

    def _household(self) -> Household:
        """Return what a handover needs of this edge."""
        return Household(
            loop=self.loop,
            rooms=self.rooms,
            push=self.push,
            web=self._web,
            public=self._public,
            private=self._private,
            counts=self.counts,
            deadlines=self._deadlines,
            facts=self._facts,
            moves_per_s=self.limits.moves_per_s,
            drain_ns=self.limits.drain_ns,
        )

    def _keep_time(self) -> None:
        """Say what is done in each turn of the loop, and what how often."""
        self.loop.first = self.steps.measured(self._take_feed)
        self.loop.last = self._accept
        self.loop.every(0.05, self._tick)
        self.loop.every(TICK_S, self._tick_door)
        self.loop.every(RETURN_RENEW_S, lambda _now: self.push.renew_tickets())
        self.loop.every(1.0, self._second)
        self.loop.every(_READERS_S, lambda _now: self.shelf.turn_readers())

    @property
    def port(self) -> int:
        """The port for listeners."""
        return self._public.port

    @property
    def listening(self) -> bool:
        """Whether listeners are let in."""
        return self._public.open

    @property
    def metrics_port(self) -> int:
        """The loopback port for metrics."""
        return self._private.port

    def take_over(self, predecessor: Predecessor) -> TakenOver:
        """Take every listener; raises `UnavailableError` if they stay where they are."""
        taken = predecessor.hand_to(self._house, self._feed)
        self._lookout.took_over()
        self.broadcast.took_over()
        self._public.limit_unsent(self.limits.unsent_bytes)  # the setting may be another one
        self._public.listen()
        self._private.listen()
        return taken

    def run(self) -> None:
        """Serve until stopped, then let everyone go."""
        self._handover = Handover(self._handover_path, self._index, self._house)
        try:
            self.loop.run()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everyone and everything."""
        if self._handover is not None:
            self._handover.close()
        self._public.close()
        self._private.close()
        self._feed.close()
        self._facts.close()
        self._lookout.close()
        self.loop.close()

    def stop(self) -> None:
        """End `run` soon; may be called from a signal handler or another thread."""
        self.loop.stop()

    def _take_feed(self) -> None:
        """Apply everything that has come, then deliver; between many lanes, look at all else."""
        messages = self._feed.receive()
        if messages:
            self.broadcast.apply(messages)
        self.broadcast.deliver()

    def _accept(self) -> None:
        self._public.accept()
        self._private.accept()

    def _open_doors(self, now_ns: int) -> None:
        """Let people in once the feed has told what there is, or has been away for too long."""
        if self._feed.connected and self._feed_since_ns is None:
            self._feed_since_ns = now_ns
        since_ns = self._feed_since_ns
        if (
            self.rooms.by_id
            or (since_ns is not None and now_ns - since_ns > _FEED_EMPTY_NS)
            or now_ns - self._began_ns > _FEED_AWAY_NS
        ):
            self._public.listen()
            log().info("edge_open", port=self.port, rooms=len(self.rooms.by_id))

    def _tick(self, now_ns: int) -> None:
        if not self._public.open:
            self._open_doors(now_ns)
        for connection in self._deadlines.expired(now_ns):
            connection.time_out()
        self.shelf.tick(now_ns)
        if self._handover is not None:
            self._handover.tick(now_ns)

    def _second(self, now_ns: int) -> None:
        self.push.tick(now_ns)
        if self.memory.look(resident_bytes()):
            log().warning("edge_memory", short=self.memory.short, bytes=self.memory.resident_bytes)
        self.broadcast.retire(now_ns)
        self.steps.second(now_ns)
        self.networks.tick(now_ns, self.steps.meter.facts.joining)
        self.counts.networks_unremembered = self.networks.unremembered
        facts = {
            room.id: self.push.audience(room, self.shelf.readers(room.id))
            for room in map(self.rooms.by_id.get, self.push.visited | self.shelf.visited)
            if room and (room.streams or self.shelf.readers(room.id))
        }
        self._facts.send(self._now_ms(), facts)

    def _tick_door(self, now_ns: int) -> None:
        if not self.push.leaving:  # then the slot on the board is the successor's
            self.door.tick(now_ns, self.push.listeners)
            self._lookout.tick_door()

    def _left(self, fd: int) -> None:
        self._web.open -= 1
        self.networks.listens_no_more(fd)
        self.networks.left(fd)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

    def _room(self, room_id: str) -> Room:
        room = self.rooms.by_id.get(room_id)
        if room is None:
            raise _NO_ROOM if self._feed.ever_connected else _NO_FEED
        return room

    def _dispatch(self, connection: Connection, request: Request) -> None:
        """Answer a request, or hand it to whoever will; raises `Problem` to refuse."""
        if request.method is Method.OPTIONS:
            connection.answer(preflight())
            return
        self.entrance.introduce(connection, request)
        intent = routes.route(request, on_metrics_port=connection.on_metrics_port)
        self._lookout.looked_at(connection, intent)
        match intent:
            case routes.Push():
                if self.memory.short:
                    raise _NO_MEMORY
                self.push.join(connection, self._room(intent.room), intent)
            case routes.Playlist():
                self._shelf_door.playlist(connection, self._room(intent.room), intent)
            case routes.Media():
                self.shelf.media(connection, self._room(intent.room), intent)
            case routes.Master():
                self._shelf_door.master(connection, self._room(intent.room), intent)
            case routes.StateOf():
                self._room(intent.room)
                connection.answer(self._directory.state(intent.room, self._now_ms()))
            case routes.DoorOf():
                connection.answer(self.door.answer(connection, self._room(intent.room), intent))
            case routes.Page():
                known = not intent.room or intent.room in self.rooms.by_id
                connection.answer(self._site.page(intent.name, request, known=known))
            case routes.Whole():
                self._downloads.serve(connection, request, self._room(intent.room), intent)
            case routes.Live() | routes.Consent():
                self._live(connection, intent)

    def _live(self, connection: Connection, intent: routes.Live | routes.Consent) -> None:
        match intent:
            case routes.Consent():
                connection.answer(self._consents.answer(intent.nonce))
            case routes.Live.ROOMS:
                connection.answer(self._directory.rooms(self._now_ms()))
            case routes.Live.HEALTH:
                connection.answer(
                    health(feed_connected=self._feed.connected, listeners=self.push.listeners)
                )
            case routes.Live.METRICS:
                self.counts.feed_gaps = self.rooms.holes
                self.counts.faults = self.loop.faults_total
                self.counts.join_us = self.loop.join_cpu_ns // 1000
                connection.answer(
                    metrics_answer(
                        self.counts,
                        listeners=self.push.listeners,
                        connections=self._web.open,
                        waiting=self.shelf.waiting,
                        feed_connected=self._feed.connected,
                        tls=self.entrance.gauges(),
                    )
                )
