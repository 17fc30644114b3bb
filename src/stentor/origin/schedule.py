"""All rooms that an origin knows: who gets orders, who gets frames, and whose turn it is.

Synchronous, with time passed in and messages handed out, so that tests run it under virtual time.
"""

from collections.abc import Iterable

from stentor.base.logs import log
from stentor.feed.wire import Message
from stentor.origin.room import House, Place, Room
from stentor.rooms.orders import Orders

_STAGE_GONE_NS = 1_000_000_000  # a spare stage is there sooner: not worth telling


class Schedule:
    """The rooms of one origin."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.rooms: dict[str, Room] = {}
        self._stage_lost_ns: int | None = None

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

    def take(self, message: Message) -> None:
        """Take a message of the stage."""
        room = self.rooms.get(message.room)
        if room is not None:
            room.take(message)

    def find_stage(self) -> None:
        """The stage's feed is there."""
        self._stage_lost_ns = None

    def lose_stage(self, now_ns: int) -> None:
        """The stage's feed has ended; who was on it is away, unless it is back at once."""
        self._stage_lost_ns = now_ns

    def tick(self, now_ns: int) -> bool:
        """Give every room its turn; say whether one has more to do at once."""
        more = False
        live = len(self.live_rooms)
        lost_ns = self._stage_lost_ns
        stage_here = lost_ns is None or now_ns - lost_ns < _STAGE_GONE_NS
        for room in self.rooms.values():
            may_start = live < self._house.settings.live_rooms_max
            was = room.place
            more |= room.tick(now_ns, may_start=may_start, stage_here=stage_here)
            if was is Place.WAITING and room.place is Place.ON_AIR:
                live += 1
            elif was is Place.WAITING and not may_start and now_ns >= room.epoch_ms * 1_000_000:
                log().error("room_refused_too_many_live", room=room.orders.room, live=live)
        self._share_memory()
        return more

    def _share_memory(self) -> None:
        """What may wait for the disk is one limit for all rooms together."""
        recorders = [room.recorder for room in self.rooms.values() if room.recorder is not None]
        for recorder in recorders:
            recorder.bytes_max = self._house.settings.recording_pending_bytes_max // len(recorders)
