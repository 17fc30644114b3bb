"""What the feed tells of the programme is brought to listeners here, and rooms that are over end.

Listeners of the stream come first, whoever waits on the shelf after them. Decides nothing of who
listens, or how fast.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain

from stentor.edge.counts import Counts
from stentor.edge.loop import Loop
from stentor.edge.push import Push
from stentor.edge.rooms import Change, Room, Rooms, Stream
from stentor.edge.shelf import Shelf
from stentor.feed.wire import Message

_DELIVERY_NS_PER_TURN = 50_000_000  # of many lanes; one lane is delivered as a whole
_RETIRE_S = 30.0  # players of the live playlist see its end meanwhile


class Broadcast:
    """The programme of one edge, from the feed to its listeners."""

    def __init__(
        self,
        *,
        loop: Loop,
        rooms: Rooms,
        push: Push,
        shelf: Shelf,
        counts: Counts,
        begins: Callable[[str], None],
        now_ns: Callable[[], int],
    ) -> None:
        """`begins` is told of a room whose first part has come."""
        self._loop = loop
        self._rooms = rooms
        self._push = push
        self._shelf = shelf
        self._counts = counts
        self._begins = begins
        self._now_ns = now_ns
        self._retire_ns: dict[Room, int] = {}

    def deliver(self) -> None:
        """Deliver what is due; between many lanes, all else is looked at."""
        self._loop.in_haste = self._push.deliver(self._now_ns() + _DELIVERY_NS_PER_TURN)

    def apply(self, messages: Iterable[Message]) -> None:
        """Take in what the feed told, and deliver it."""
        now_ns, counts = self._now_ns(), self._counts
        grown: dict[Stream, None] = {}
        ended: dict[Stream, Room] = {}
        for message in messages:
            change = self._rooms.apply(message, now_ns)
            room = self._rooms.by_id.get(message.room)
            stream = None if room is None else room.streams.get(message.rendition)
            match change:
                case Change.PART if stream:
                    grown[stream] = None
                    counts.parts += 1
                    if not message.sequence:
                        self._begins(message.room)
                case Change.STATE if room:
                    self._loop.safely(partial(self._push.state_came, room))
                    if room.ended and room.streams:  # perhaps before it ever began
                        self._ends(room, now_ns)
                case Change.INIT if stream:
                    self._push.init_came(stream)
                case Change.END if stream and room:
                    ended[stream] = room
                    self._ends(room, now_ns)
                case Change.REFUSED:
                    counts.refused_messages += 1
                case _:
                    counts.parts_twice += 1
        self._deliver(grown, ended)

    def took_over(self) -> None:
        """Go on with the rooms of a predecessor: what came here and was not given there."""
        for room in self._rooms.by_id.values():
            if room.ended and room.streams:
                self._ends(room, self._now_ns())
            for stream in room.streams.values():
                self._loop.safely(partial(self._push.part_came, stream))

    def retire(self, now_ns: int) -> None:
        """Let go of rooms that have been over for a while; to be called about once a second."""
        for room, due_ns in tuple(self._retire_ns.items()):
            if due_ns <= now_ns:
                del self._retire_ns[room]
                self._push.close_room(room)
                self._shelf.forget(room)
                self._rooms.retire(room)

    def _ends(self, room: Room, now_ns: int) -> None:
        self._retire_ns.setdefault(room, now_ns + round(_RETIRE_S * 1e9))

    def _deliver(self, grown: Iterable[Stream], ended: Mapping[Stream, Room]) -> None:
        safely = self._loop.safely  # one room's trouble is not the others'
        for stream in self._push.heard(grown):
            safely(partial(self._push.part_came, stream))
        self._push.deliver(self._now_ns() + _DELIVERY_NS_PER_TURN)
        for stream, room in ended.items():
            safely(partial(self._push.end_came, room, stream))
        for stream in self._shelf.awaited(chain(grown, ended)):
            safely(partial(self._shelf.part_came, stream))
