"""What a joiner is sent at once: head, init, room state, return ticket, and the back parts.

Made once for all who join a lane between two deliveries, from the same part on. Decides from where
audio begins; who may join and which lane it is was decided before.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from stentor.admission.lanes import period_s
from stentor.edge.answer import MP4, head, http_chunk
from stentor.edge.pages import PAGES_RECEIVERS_MIN
from stentor.edge.rooms import jump_event
from stentor.edge.wire import Wire, Write

if TYPE_CHECKING:
    from stentor.edge.lane import Lane


class Welcome:
    """What joiners are sent at once, and `at`, the first part that is not in it."""

    __slots__ = ("_used", "_wire", "_write", "at", "data")

    def __init__(self, data: bytes, at: int, wire: Wire) -> None:
        self.data = data
        self.at = at
        self._wire = wire
        self._used = 0
        self._write: Write = wire.write

    def write(self) -> Write:
        """Return how to send it to one more."""
        self._used += 1
        if self._used == PAGES_RECEIVERS_MIN:
            self._write = self._wire.write_to_many(self.data, self._used)
        return self._write


@lru_cache(256)
def push_head(parts: int, rendition: str) -> bytes:
    """Return the head of the stream; it tells how much programme comes at once, and of what."""
    headers = {
        "Content-Type": MP4,
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "Stentor-Period-Ms": str(round(period_s(parts) * 1000)),
        "Stentor-Rendition": rendition,
    }
    return head(200, headers, length=None, keep_alive=False)


def make_welcome(lane: "Lane", start: int | None, ticket: bytes) -> Welcome:
    """Return what who joins a lane now is sent: from part `start` on, if it is still there.

    `ticket` is the return ticket that holds now, as an event box; empty: there is none.
    """
    stream = lane.stream
    said = stream.init + lane.room.state_event() + ticket
    first, at = lane.burst_start(), lane.at
    if start is not None and start >= stream.first:
        first, at = start, max(start, lane.at)
    elif start is not None and start < first:
        said += jump_event(start, first)
    data = push_head(lane.parts, stream.rendition) + http_chunk(said)
    return Welcome(data + lane.span(first, lane.at), at, lane.wire)
