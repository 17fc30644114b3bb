"""What a late subscriber is sent first: inits, states and the last few parts of every room."""

from collections import deque
from collections.abc import Iterator

from stentor.feed.wire import Kind, Message

_Key = tuple[str, str]  # room, rendition


class Window:
    """Retained messages, bounded by `parts_max` for each rendition of each room."""

    def __init__(self, parts_max: int) -> None:
        self._parts_max = parts_max
        self._states: dict[str, Message] = {}
        self._inits: dict[_Key, Message] = {}
        self._ends: dict[_Key, Message] = {}
        self._parts: dict[_Key, deque[Message]] = {}

    def keep(self, message: Message) -> None:
        """Take note of a message that was just published."""
        key = (message.room, message.rendition)
        match message.kind:
            case Kind.STATE:
                self._states[message.room] = message
            case Kind.INIT:
                self._inits[key] = message
            case Kind.END:
                self._ends[key] = message
            case Kind.PART | Kind.FRAME:
                self._parts.setdefault(key, deque(maxlen=self._parts_max)).append(message)

    def retire(self, room: str) -> None:
        """Drop a room's media and keep its state: the archive has the rest."""
        for held in (self._inits, self._ends, self._parts):
            for key in [key for key in held if key[0] == room]:
                held.pop(key)

    def forget(self, room: str) -> None:
        """Drop a room altogether."""
        self.retire(room)
        self._states.pop(room, None)

    def replay(self) -> Iterator[Message]:
        """Yield what a new subscriber must be sent, in an order that makes sense on its own."""
        yield from self._states.values()
        yield from self._inits.values()
        for parts in self._parts.values():
            yield from parts
        yield from self._ends.values()
