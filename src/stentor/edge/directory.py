"""Small JSON documents from what the edge knows: the list of rooms, a room's state, health."""

import msgspec

from stentor.base.errors import Problem
from stentor.edge.answer import JSON, Answer
from stentor.edge.rooms import Rooms
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState

ROOMS_LISTED_MAX = 500
_OLD_MS_MAX = 5_000  # while side features are shed
_ORDER = {Phase.LIVE: 0, Phase.SCHEDULED: 1, Phase.ENDED: 2}


def _rank(state: RoomState) -> tuple[int, int]:
    """What is on comes first, then what is next, then what was last."""
    late_first = state.phase is Phase.ENDED
    return _ORDER[state.phase], -state.epoch_ms if late_first else state.epoch_ms


class Directory:
    """Answers from rooms' states; the list is made again only when a state changed."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._listed: list[msgspec.Raw] = []
        self._revision = -1
        self._body = b""
        self._made_ms = 0
        self.shed = False  # freshness: the ladder's first step

    def rooms(self, now_ms: int) -> Answer:
        """Return all listed rooms, and what time it is here."""
        if self.shed and now_ms - self._made_ms < _OLD_MS_MAX:
            return Answer(200, self._body, JSON)
        if self._revision != self._rooms.revision:
            self._revision = self._rooms.revision
            states = [
                (room.state, room.state_json)
                for room in self._rooms.by_id.values()
                if room.state is not None and room.state.listed
            ]
            states.sort(key=lambda pair: _rank(pair[0]))
            self._listed = [msgspec.Raw(text) for _, text in states[:ROOMS_LISTED_MAX]]
        body = msgspec.json.encode({"now_ms": now_ms, "rooms": self._listed})
        self._body, self._made_ms = body, now_ms
        return Answer(200, body, JSON)

    def state(self, room_id: str, now_ms: int) -> Answer:
        """Return a room's newest state."""
        room = self._rooms.by_id.get(room_id)
        if room is None or room.state is None:
            raise Problem(404, "no-such-room", "There is no such room")
        return Answer(200, room.state_json, JSON, {"Stentor-Time-Ms": str(now_ms)})


def health(*, feed_connected: bool, listeners: int) -> Answer:
    """Return whether this edge has a feed; without one it still serves whom it has."""
    body = msgspec.json.encode(
        {"status": "ok" if feed_connected else "no-feed", "listeners": listeners}
    )
    return Answer(200, body, JSON)
