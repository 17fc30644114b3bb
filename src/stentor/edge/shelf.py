"""The HLS shelf: playlists, inits, parts and segments, and whoever waits for the next one.

A playlist is rendered once for each part and rendition, whoever asks. Waiting is bounded in time
and in number, and is answered after the push stream has had its delivery.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from itertools import takewhile

from stentor.base.errors import Problem
from stentor.edge.answer import FOREVER, FRESH, MP4, PLAYLIST, Answer, problem_answer
from stentor.edge.archive import Archive
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.limits import Limits
from stentor.edge.networks import Networks
from stentor.edge.playlists import Playlists
from stentor.edge.rooms import Room, Stream
from stentor.edge.routes import Master, Media, Piece, Playlist, Shape
from stentor.media.grid import PARTS_PER_SEGMENT
from stentor.media.playlist import is_far_future, master_playlist, parts_needed
from stentor.media.renditions import RENDITIONS

_RELOADED = "public, max-age=4"  # a playlist that was asked for by its newest part never changes
_NO_ROOM = Problem(404, "no-such-room", "There is no such room")
_NO_PROGRAMME = Problem(503, "not-on-the-air", "This room is not on the air yet")
_NO_MEDIA = Problem(404, "no-such-media", "This part of the programme is not here")


class _Waiting:
    """Connections that wait until a stream has so many parts."""

    __slots__ = ("connection", "due_ns", "make", "needed", "peer", "stream")

    def __init__(
        self,
        connection: Connection,
        peer: bytes,
        stream: Stream,
        needed: int,
        make: Callable[[], Answer],
        due_ns: int,
    ) -> None:
        self.connection = connection
        self.peer = peer
        self.stream = stream
        self.needed = needed
        self.make = make
        self.due_ns = due_ns


class Shelf:
    """HLS for all rooms of one edge."""

    def __init__(
        self, archive: Archive, limits: Limits, counts: Counts, networks: Networks
    ) -> None:
        self._archive = archive
        self._networks = networks
        self._limits = limits
        self.counts = counts
        self._waiting: dict[int, _Waiting] = {}  # by connection, oldest first
        self._by_stream: dict[Stream, dict[int, _Waiting]] = {}
        self._playlists = Playlists()
        self.shed = False  # compression: the ladder's first step
        # Told of parts of a live programme that somebody is given: connection, room, which.
        self.gives: Callable[[Connection, str, range], None] = lambda *_one: None
        self._seen: dict[str, tuple[set[int], set[int]]] = {}  # readers now, and the time before

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def master(self, intent: Master, shown: str = "") -> Answer:
        """Return a multivariant playlist: for all, or for who has a pass to be shown."""
        chosen = [one for one in RENDITIONS.values() if one.codec is intent.codec]
        text = master_playlist(chosen, intent.shape.value, f"?pass={shown}" if shown else "")
        cache = "no-store" if shown else "public, max-age=60"
        return Answer(200, text.encode(), PLAYLIST, cache=cache)

    def playlist(self, connection: Connection, room: Room, intent: Playlist) -> None:
        """Answer a media playlist, now or when it has what is asked for."""
        self.counts.shelf_requests += 1
        self._note(room.id, connection)
        assert connection.request is not None
        packed = not self.shed and "gzip" in connection.request.headers.get("accept-encoding", "")
        stream = _held(room, intent.rendition)
        if intent.shape is Shape.DVR or stream is None:
            connection.answer(self._history(room, intent.rendition, stream, packed))
            return
        live = partial(self._playlists.live, room, stream)
        needed, cache = 1, FRESH
        if intent.msn is not None and not stream.whole:
            if is_far_future(intent.msn, stream.next):
                raise Problem(400, "far-future", "Nobody can wait for that segment yet")
            needed, cache = parts_needed(intent.msn, intent.part), _RELOADED
        if stream.next >= needed or stream.whole:
            connection.answer(live().answer(cache=cache, packed=packed))
            return
        self._wait(connection, stream, needed, lambda: live().answer(cache=cache, packed=packed))

    def media(self, connection: Connection, room: Room, intent: Media) -> None:
        """Answer an init, a part or a segment."""
        self.counts.shelf_requests += 1
        stream = _held(room, intent.rendition)
        if intent.piece is Piece.INIT:
            data = stream.init if stream is not None and stream.init else b""
            data = data or self._archive.init(room.id, intent.rendition)
            if not data:
                raise _NO_MEDIA
            connection.answer(Answer(200, data, MP4, cache="public, max-age=3600"))
            return
        first = intent.number
        stop = first + 1
        if intent.piece is Piece.SEGMENT:
            first, stop = first * PARTS_PER_SEGMENT, (first + 1) * PARTS_PER_SEGMENT
        if stream is not None and stream.end is not None:
            stop = min(stop, stream.end)
        if stream is not None and stream.next < stop and not stream.whole:
            # The hinted part, or the segment that it completes, may be asked for ahead of time.
            if stop > stream.next + PARTS_PER_SEGMENT:
                raise _NO_MEDIA
            parts = range(first, stop)
            self._wait(
                connection, stream, stop, lambda: self._given(connection, room, stream, parts)
            )
            return
        answer = self._given(connection, room, stream, range(first, stop), intent.rendition)
        connection.answer(answer)

    def awaited(self, streams: Iterable[Stream]) -> Iterator[Stream]:
        """Yield those that anybody waits for a part of."""
        return (stream for stream in streams if stream in self._by_stream)

    def part_came(self, stream: Stream) -> None:
        """Answer those who waited for it."""
        waiting = self._by_stream.get(stream)
        if not waiting:
            return
        ready = [one for one in waiting.values() if stream.next >= one.needed or stream.whole]
        for one in ready:
            self._finish(one, one.make)

    def tick(self, now_ns: int) -> None:
        """Send away those who have waited long enough."""
        late = takewhile(lambda one: one.due_ns <= now_ns, self._waiting.values())
        for one in tuple(late):
            self._finish(one, lambda: problem_answer(_NO_PROGRAMME, retry_after_s=1))

    @property
    def visited(self) -> set[str]:
        """The rooms whose playlists anybody reads."""
        return set(self._seen)

    def readers(self, room: str) -> int:
        """Return how many connections read the room's playlists in the last seconds."""
        seen = self._seen.get(room)
        return len(seen[0] | seen[1]) if seen else 0

    def reads_already(self, room: str, connection: Connection) -> bool:
        """Say whether a connection read one of the room's playlists in the last seconds."""
        seen = self._seen.get(room)
        return seen is not None and any(connection.serial in one for one in seen)

    def turn_readers(self) -> None:
        """Begin a new span of counting readers; twice this span is how long one is remembered."""
        self._seen = {room: (set(), now) for room, (now, _before) in self._seen.items() if now}

    def forget(self, room: Room) -> None:
        """Drop what was rendered for a room's streams."""
        for stream in room.streams.values():
            self._playlists.forget(stream)
            for one in tuple(self._by_stream.get(stream, {}).values()):
                self._finish(one, lambda: problem_answer(_NO_MEDIA))

    def _note(self, room: str, connection: Connection) -> None:
        seen = self._seen.get(room)
        if seen is None:
            seen = self._seen[room] = (set(), set())
        seen[0].add(connection.serial)

    def _history(self, room: Room, rendition: str, stream: Stream | None, packed: bool) -> Answer:
        ended = room.ended if stream is None else stream.whole
        parts = stream.next if stream is not None else 0
        parts = parts or self._archive.parts(room.id, rendition)
        if parts == 0:
            raise _NO_MEDIA if ended else _NO_PROGRAMME
        rendered = self._playlists.history(room, rendition, parts, ended=ended)
        return rendered.answer(cache="public, max-age=60" if ended else FRESH, packed=packed)

    def _given(
        self,
        connection: Connection,
        room: Room,
        stream: Stream | None,
        parts: range,
        rendition: str = "",
    ) -> Answer:
        answer = self._pieces(room, stream, parts.start, parts.stop, rendition)
        if answer.status == HTTPStatus.OK and stream is not None and not stream.whole:
            self.gives(connection, room.id, parts)
        return answer

    def _pieces(
        self, room: Room, stream: Stream | None, first: int, stop: int, rendition: str = ""
    ) -> Answer:
        if stream is not None and first >= stream.first and stream.next >= stop > first:
            return Answer(200, b"".join(stream.span(first, stop)), MP4, cache=FOREVER)
        rendition = rendition or (stream.rendition if stream else "")
        if stream is None or stream.whole:
            stop = min(stop, self._archive.parts(room.id, rendition))
        extent = self._archive.extent(room.id, rendition, first, stop) if stop > first else None
        data = self._archive.read(extent) if extent else b""
        if extent is None or len(data) < extent.end - extent.start:
            return problem_answer(_NO_MEDIA)
        return Answer(200, data, MP4, cache=FOREVER)

    def _wait(
        self, connection: Connection, stream: Stream, needed: int, make: Callable[[], Answer]
    ) -> None:
        if len(self._waiting) >= self._limits.reloads_max:
            raise Problem(503, "too-many-wait", "Too many wait for this already")
        peer = connection.peer
        if not self._networks.begin(self._networks.reloads, peer):
            self.counts.refused_by_network += 1
            raise Problem(429, "waits-of-network", "Too many of your network wait already")
        self.counts.reloads += 1
        due_ns = time.monotonic_ns() + self._limits.reload_ns
        serial = connection.serial
        one = _Waiting(connection, peer, stream, needed, make, due_ns)
        self._waiting[serial] = one
        self._by_stream.setdefault(stream, {})[serial] = one
        connection.wait(lambda: self._gone(serial))

    def _gone(self, serial: int) -> None:
        self._take(serial)

    def _take(self, serial: int) -> bool:
        """Forget who waits; say whether they did."""
        one = self._waiting.pop(serial, None)
        if one is None:
            return False
        self._networks.end(self._networks.reloads, one.peer)
        of_stream = self._by_stream[one.stream]
        del of_stream[serial]
        if not of_stream:
            del self._by_stream[one.stream]
        return True

    def _finish(self, one: _Waiting, make: Callable[[], Answer]) -> None:
        if not self._take(one.connection.serial):
            return
        try:
            answer = make()
        except Problem as problem:
            answer = problem_answer(problem)
        one.connection.answer(answer)
        one.connection.resume()


def _held(room: Room, rendition: str) -> Stream | None:
    """Return a stream; of an ended room only if its parts are here, else the recording has them."""
    stream = room.streams.get(rendition)
    return None if stream is not None and room.ended and not stream.parts else stream
