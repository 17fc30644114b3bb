"""How many listen to a room at this edge, and how: what control is told of it once a second.

Counts; changes nothing.
"""

from collections.abc import Callable, Iterable

from stentor.admission.lanes import period_s
from stentor.edge.lane import Lane, Totals
from stentor.edge.rooms import Room, Stream
from stentor.rooms.audience import RoomAudience


def room_audience(
    room: Room,
    lanes_of: Callable[[Stream], Iterable[Lane]],
    totals: Totals | None,
    shelf_listeners: int,
) -> RoomAudience:
    """Return the facts of one room; `totals` are None if nobody ever listened to it here."""
    by_rendition: dict[str, int] = {}
    by_lane_ms: dict[str, int] = {}
    waiting = lagging = 0
    for stream in room.streams.values():
        for lane in lanes_of(stream):
            count = lane.listeners
            if count:
                name = stream.rendition
                by_rendition[name] = by_rendition.get(name, 0) + count
                period = str(round(period_s(lane.parts) * 1000))
                by_lane_ms[period] = by_lane_ms.get(period, 0) + count
            lagging += len(lane.behind)
            waiting += 0 if stream.parts else count
    return RoomAudience(
        listeners=sum(by_rendition.values()),
        shelf_listeners=shelf_listeners,
        waiting=waiting,
        joined_total=totals.joined if totals else 0,
        jumped_total=totals.jumped if totals else 0,
        lagging=lagging,
        by_rendition=by_rendition,
        by_lane_ms=by_lane_ms,
    )
