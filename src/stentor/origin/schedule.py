"""All rooms that an origin knows: who gets orders, who gets frames, and whose turn it is.

Synchronous, with time passed in and messages handed out, so that tests run it under virtual time.
"""

from collections.abc import Iterable

from stentor.base.logs import log
from stentor.feed.wire import Message
from stentor.media.grid import SAMPLE_RATE
from stentor.origin.room import House, Place, Room
from stentor.rooms.orders import Orders

_BEHIND_SAMPLES = 2 * SAMPLE_RATE


class Schedule:
    """The rooms of one origin."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.rooms: dict[str, Room] = {}

    @property
    def live_rooms(self) -> list[Room]:
        """The rooms that are on the air."""
        return [room for room in self.rooms.values() if room.place is Place.ON_AIR]

    def apply(self, changed: Iterable[Orders]) -> None:
        """Take orders that are new or different."""
        for orders in changed:
            room = self.rooms.get(orders.room)
            if room is None:
                self.rooms[orders.room] = Room(self._house, orders)
            else:
                room.apply(orders)

    def take(self, message: Message, now_ns: int) -> None:
        """Take a message of the stage."""
        room = self.rooms.get(message.room)
        if room is not None:
            room.take(message, now_ns)

    def tick(self, now_ns: int) -> bool:
        """Give every room its turn; say whether one has more to do at once."""
        more = False
        live = len(self.live_rooms)
        for room in self.rooms.values():
            may_start = live < self._house.settings.live_rooms_max
            was = room.place
            more |= room.tick(now_ns, may_start=may_start)
            if was is Place.WAITING and room.place is Place.ON_AIR:
                live += 1
            elif was is Place.WAITING and not may_start and now_ns >= room.epoch_ms * 1_000_000:
                log().error("room_refused_too_many_live", room=room.orders.room, live=live)
        return more
