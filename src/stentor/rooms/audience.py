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
    by_lane_ms: dict[str, int] = {}  # listeners by the milliseconds in one delivery

    def plus(self, other: "RoomAudience") -> "RoomAudience":
        """Return the sum of both."""
        return RoomAudience(
            listeners=self.listeners + other.listeners,
            shelf_listeners=self.shelf_listeners + other.shelf_listeners,
            waiting=self.waiting + other.waiting,
            joined_total=self.joined_total + other.joined_total,
            jumped_total=self.jumped_total + other.jumped_total,
            lagging=self.lagging + other.lagging,
            by_rendition=_sum(self.by_rendition, other.by_rendition),
            by_lane_ms=_sum(self.by_lane_ms, other.by_lane_ms),
        )


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


class DoorFacts(msgspec.Struct, frozen=True):
    """What an edge gives to joiners now; the line is that of its whole machine."""

    step: str = "all"  # of the ladder: all, shed, slower, lower, line
    lane_ms: int = 320  # programme in one delivery of the fastest lane
    line: bool = False
    waiting: int = 0
    per_minute: int = 0


class EdgeFacts(msgspec.Struct, frozen=True):
    """What one edge saw in one second, or a page of it: many rooms are too long for a datagram."""

    edge: str
    at_ms: int
    rooms: dict[str, RoomAudience] = {}
    door: DoorFacts = DoorFacts()
    page: int = 0
    pages: int = 1


ROOMS_PER_PAGE = 200
PAGES_MAX = 40


def pages_of(facts: EdgeFacts) -> list[EdgeFacts]:
    """Return the same in pieces that fit into datagrams; rooms beyond `PAGES_MAX` are left out."""
    names = list(facts.rooms)[: ROOMS_PER_PAGE * PAGES_MAX]
    if len(names) <= ROOMS_PER_PAGE:
        return [facts]
    starts = range(0, len(names), ROOMS_PER_PAGE)
    return [
        msgspec.structs.replace(
            facts,
            rooms={name: facts.rooms[name] for name in names[start : start + ROOMS_PER_PAGE]},
            page=page,
            pages=len(starts),
        )
        for page, start in enumerate(starts)
    ]


class Pages:
    """Puts the pages of each edge's second together again; remembers one second of an edge."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[int, EdgeFacts]] = {}

    def take(self, facts: EdgeFacts) -> EdgeFacts | None:
        """Return the whole once all its pages are here; of an earlier second nothing is kept."""
        if facts.pages <= 1:
            self._parts.pop(facts.edge, None)
            return facts
        if facts.pages > PAGES_MAX or not 0 <= facts.page < facts.pages:
            return None
        parts = self._parts.get(facts.edge)
        if parts is None or next(iter(parts.values())).at_ms != facts.at_ms:
            parts = self._parts[facts.edge] = {}
        parts[facts.page] = facts
        if len(parts) < facts.pages:
            return None
        del self._parts[facts.edge]
        rooms = {name: one for part in parts.values() for name, one in part.rooms.items()}
        return msgspec.structs.replace(facts, rooms=rooms, page=0, pages=1)

    def forget(self, edge: str) -> None:
        """Drop what an edge never said to the end."""
        self._parts.pop(edge, None)


_STEPS = ("all", "shed", "slower", "lower", "line")


def worst_door(facts: Iterable[EdgeFacts]) -> DoorFacts:
    """Return what the most crowded edge gives to joiners."""
    return max(
        (one.door for one in facts),
        key=lambda door: (_STEPS.index(door.step) if door.step in _STEPS else 0, door.lane_ms),
        default=DoorFacts(),
    )


def sum_audience(facts: Iterable[EdgeFacts], room: str) -> RoomAudience:
    """Return a room's audience over several edges."""
    total = RoomAudience()
    for one in facts:
        if room in one.rooms:
            total = total.plus(one.rooms[room])
    return total
