"""How many listen and how they fare: facts that each edge tells once a second, and their sum."""

from collections.abc import Iterable

import msgspec


class RoomAudience(msgspec.Struct, frozen=True):
    """One room at one edge, or summed. Counters run since that edge's start."""

    listeners: int = 0  # on the push stream now
    shelf_listeners: int = 0  # seen on HLS playlists within the last 12 s (an estimate)
    waiting: int = 0  # connected before the hour
    joined_total: int = 0
    jumped_total: int = 0  # fell behind and were moved to the live edge
    lagging: int = 0  # have unsent bytes now
    by_rendition: dict[str, int] = {}

    def plus(self, other: "RoomAudience") -> "RoomAudience":
        """Return the sum of both."""
        merged = dict(self.by_rendition)
        for name, count in other.by_rendition.items():
            merged[name] = merged.get(name, 0) + count
        return RoomAudience(
            listeners=self.listeners + other.listeners,
            shelf_listeners=self.shelf_listeners + other.shelf_listeners,
            waiting=self.waiting + other.waiting,
            joined_total=self.joined_total + other.joined_total,
            jumped_total=self.jumped_total + other.jumped_total,
            lagging=self.lagging + other.lagging,
            by_rendition=merged,
        )


class EdgeFacts(msgspec.Struct, frozen=True):
    """What one edge saw in one second."""

    edge: str
    at_ms: int
    rooms: dict[str, RoomAudience] = {}


def sum_audience(facts: Iterable[EdgeFacts], room: str) -> RoomAudience:
    """Return a room's audience over several edges."""
    total = RoomAudience()
    for one in facts:
        if room in one.rooms:
            total = total.plus(one.rooms[room])
    return total
