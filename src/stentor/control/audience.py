"""What edges tell once a second of their listeners: the newest from each, for three seconds.

Edges never wait for control and never hear from it; a datagram that does not fit or does not parse
is counted and dropped.
"""

import asyncio
import socket
from pathlib import Path

import msgspec
import structlog

from stentor.base.metrics import AUDIENCE_EDGES, AUDIENCE_LISTENERS, AUDIENCE_UNREADABLE
from stentor.rooms.audience import (
    DoorFacts,
    EdgeFacts,
    Pages,
    RoomAudience,
    sum_audience,
    worst_door,
)

STALE_S = 3.0
EDGES_MAX = 1_024
DATAGRAM_BYTES_MAX = 1 << 18
_RECEIVE_BYTES = 1 << 20
_AGAIN_S = 1.0


class Audience:
    """The newest facts of every edge. The time passed in is monotonic, in seconds."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[float, EdgeFacts]] = {}
        self._pages = Pages()

    def take(self, datagram: bytes, now_s: float) -> None:
        """Keep what an edge says; never raises."""
        try:
            facts = msgspec.json.decode(datagram, type=EdgeFacts)
        except (msgspec.MsgspecError, ValueError):
            AUDIENCE_UNREADABLE.inc()
            return
        if facts.edge not in self._facts and len(self._facts) >= EDGES_MAX:
            self._forget(now_s)
            if len(self._facts) >= EDGES_MAX:
                AUDIENCE_UNREADABLE.inc()
                return
        whole = self._pages.take(facts)
        if whole is not None:
            self._facts[facts.edge] = (now_s, whole)
        elif facts.edge not in self._facts:  # counts as one of so many until it has said all
            self._facts[facts.edge] = (now_s, EdgeFacts(facts.edge, facts.at_ms, door=facts.door))

    def fresh(self, now_s: float) -> list[EdgeFacts]:
        """Return the facts that are not stale."""
        return [facts for at_s, facts in list(self._facts.values()) if now_s - at_s < STALE_S]

    def of_room(self, room: str, now_s: float) -> tuple[RoomAudience, int]:
        """Return a room's audience and how many edges it is summed over."""
        fresh = self.fresh(now_s)
        return sum_audience(fresh, room), len(fresh)

    def door(self, now_s: float) -> DoorFacts:
        """Return what the most crowded edge gives to joiners."""
        return worst_door(self.fresh(now_s))

    def show(self, now_s: float) -> None:
        """Copy the sums to the metrics."""
        self._forget(now_s)
        fresh = self.fresh(now_s)
        AUDIENCE_EDGES.set(len(fresh))
        total = RoomAudience()
        for facts in fresh:
            for audience in facts.rooms.values():
                total = total.plus(audience)
        AUDIENCE_LISTENERS.labels("push").set(total.listeners)
        AUDIENCE_LISTENERS.labels("shelf").set(total.shelf_listeners)
        AUDIENCE_LISTENERS.labels("waiting").set(total.waiting)

    def _forget(self, now_s: float) -> None:
        for edge, (at_s, _) in list(self._facts.items()):
            if now_s - at_s >= STALE_S:
                del self._facts[edge]
                self._pages.forget(edge)


def open_audience_socket(path: Path) -> socket.socket:
    """Return a socket at `path`, in place of an earlier process's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    receiver.bind(str(path))
    path.chmod(0o600)
    return receiver


async def receive_audience(path: Path, audience: Audience) -> None:
    """Listen on the socket at `path` until cancelled; what breaks is opened again."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            with open_audience_socket(path) as receiver:
                while True:
                    datagram = await loop.sock_recv(receiver, DATAGRAM_BYTES_MAX)
                    audience.take(datagram, loop.time())
        except OSError as error:  # a full or changed run folder, or no descriptors left
            structlog.get_logger().warning("audience not heard", why=error.strerror)
        await asyncio.sleep(_AGAIN_S)
