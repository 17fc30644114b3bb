"""The shelf's way past the door: HLS players come in as everybody does, and show it from then on.

Who is let in gets a multivariant playlist whose playlists carry a pass, which holds at every edge
and needs nothing to be remembered. While there is room for all, nobody needs one. Segments and
parts are never asked for it: playlists name them, and caches hold them once. Caches that fetch for
many (`edge_hls_exempt`) are let in without, and get playlists that are the same for all.
"""

from collections.abc import Callable, Collection

from stentor.admission.shares import Block
from stentor.base.errors import Problem
from stentor.edge.answer import Answer, problem_answer
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.door import Door
from stentor.edge.request import Method
from stentor.edge.rooms import Room
from stentor.edge.routes import Master, Playlist
from stentor.edge.shelf import Shelf

_AGAIN_S = (3, 9)
_NO_PLACE = Problem(
    503,
    "shelf-full",
    "There is a line at the door",
    "Begin with the multivariant playlist: it gives a place in line, and leads here in one's turn.",
)


class ShelfDoor:
    """Who may read playlists at one edge."""

    def __init__(
        self,
        *,
        door: Door,
        shelf: Shelf,
        counts: Counts,
        exempt: Collection[Block],
        admits: Callable[[Connection, Room, Master], bool],
        chance: Callable[[], float],
    ) -> None:
        self._door = door
        self._shelf = shelf
        self._counts = counts
        self._exempt = exempt
        self._admits = admits
        self._chance = chance

    def master(self, connection: Connection, room: Room, intent: Master) -> None:
        """Answer with a multivariant playlist, or with a place in line."""
        if not self._is_guarded(connection, room):
            connection.answer(self._shelf.master(intent))
            return
        assert connection.request is not None
        issuing, peer = self._door.issuing, connection.peer
        shown = intent.shown
        if not issuing.is_pass(shown, room.id, peer):
            if connection.request.method is Method.HEAD:
                connection.answer(Answer(204, cache="no-store"))
                return
            if not self._admits(connection, room, intent):
                return
            self._counts.shelf_let_in += 1
            shown = issuing.give_pass(room.id, peer)
        connection.answer(self._shelf.master(intent, shown))

    def playlist(self, connection: Connection, room: Room, intent: Playlist) -> None:
        """Answer with a playlist, or why there is none for them now."""
        if self._may_read(connection, room, intent):
            self._shelf.playlist(connection, room, intent)
            return
        self._counts.shelf_turned_away += 1
        low, high = _AGAIN_S
        again_s = round(low + (high - low) * self._chance())
        connection.answer(problem_answer(_NO_PLACE, retry_after_s=again_s))

    def _may_read(self, connection: Connection, room: Room, intent: Playlist) -> bool:
        if not self._door.is_crowded or not self._is_guarded(connection, room):
            return True
        if self._door.issuing.is_pass(intent.shown, room.id, connection.peer):
            return True
        return self._shelf.reads_already(room.id, connection)

    def _is_guarded(self, connection: Connection, room: Room) -> bool:
        """Say whether there is something to be kept out of, for this client."""
        if room.ended or not any(stream.init for stream in room.streams.values()):
            return False
        peer = connection.front or connection.peer
        return not any(peer in block for block in self._exempt)
