"""What an edge tells others of itself: facts to control once a second, metrics to whoever asks.

Both are dropped rather than waited for. Counting happens elsewhere, in plain integers.
"""

import socket
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stentor.base import metrics
from stentor.edge.answer import Answer
from stentor.edge.counts import Counts
from stentor.rooms.audience import DoorFacts, EdgeFacts, RoomAudience, pages_of

_NOBODY = RoomAudience()


class FactsSender:
    """Sends `EdgeFacts` as datagrams, one a tick; whoever does not listen misses them."""

    def __init__(self, path: Path, edge: str, counts: Counts) -> None:
        self._path = str(path)
        self._edge = edge
        self._counts = counts
        self.door = DoorFacts()
        self._unsent: deque[EdgeFacts] = deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def send(self, at_ms: int, rooms: Mapping[str, RoomAudience]) -> None:
        """Tell how many listen to which room."""
        if self._unsent:  # of so many rooms one tells every other second
            self._counts.unsent_facts += 1
            return
        told = {room: one for room, one in rooms.items() if one != _NOBODY}
        facts = EdgeFacts(edge=self._edge, at_ms=at_ms, rooms=told, door=self.door)
        self._unsent = deque(pages_of(facts))
        self.tick()

    def tick(self) -> None:
        """Send the next page: all at once would be more than the kernel keeps for a reader."""
        if not self._unsent:
            return
        try:
            self._socket.sendto(msgspec.json.encode(self._unsent.popleft()), self._path)
        except OSError:
            self._counts.unsent_facts += 1

    def leave(self) -> None:
        """Tell of oneself under another name from now on: the successor has this one."""
        self._edge += "-leaving"

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


class _Totals(Collector):
    """Shows an edge's counts, as they are when a scrape comes."""

    def __init__(self) -> None:
        self.counts = Counts()

    def collect(self) -> Iterator[Metric]:
        for name, about in metrics.EDGE_COUNTED.items():
            yield CounterMetricFamily(
                f"stentor_edge_{name}", about, value=getattr(self.counts, name)
            )


class _TlsNow(Collector):
    """Shows how TLS stands, where it is spoken."""

    def __init__(self) -> None:
        self.shown: dict[str, float] = {}

    def collect(self) -> Iterator[Metric]:
        for name, value in self.shown.items():
            yield GaugeMetricFamily(
                f"stentor_edge_{name}", metrics.EDGE_TLS_SHOWN[name], value=value
            )


_TLS_NOW = _TlsNow()
REGISTRY.register(_TLS_NOW)
_TOTALS = _Totals()
REGISTRY.register(_TOTALS)
_SHOWN = metrics.shown_by("edge")


def metrics_answer(
    counts: Counts,
    *,
    listeners: int,
    connections: int,
    waiting: int,
    feed_connected: bool,
    tls: Iterable[tuple[str, float]] = (),
) -> Answer:
    """Return this process's metrics as Prometheus reads them."""
    metrics.EDGE_LISTENERS.set(listeners)
    metrics.EDGE_CONNECTIONS.set(connections)
    metrics.EDGE_WAITING_RELOADS.set(waiting)
    metrics.EDGE_FEED_CONNECTED.set(feed_connected)
    _TOTALS.counts = counts
    _TLS_NOW.shown = dict(tls)
    return Answer(200, generate_latest(_SHOWN), CONTENT_TYPE_LATEST)
