#!/usr/bin/env python
"""Does a delivery cost the same in one room and in a thousand? The same listeners, spread.

    bench/rooms.py [--rooms 1 1000] [--listeners 0 1000 2000] [--seconds 6] [--lane-ms 320]

One edge process, one rendition, parts at real time in every room. CPU is the edge's alone, from
/proc. What parts cost without any listener is measured first and taken off, so that the last
column is what listeners cost; the column before it is what a room costs, listened to or not.
"""

import argparse
import contextlib
import multiprocessing
import select
import socket
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from joins import cpu_s, free_port

from stentor.base.clock import SharedClock, SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.serve import run_edge
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_S, PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state
from support.programme import EPOCH_MS, FeedThread, init_of, part_of

_AAC = RENDITIONS["aac48"]
_BACK_PARTS = 10


class Rooms:
    """So many rooms with the same programme."""

    def __init__(self, feed: FeedThread, count: int) -> None:
        self._feed = feed
        self.names = [f"room-{number}" for number in range(count)]
        self.next = 0
        for name in self.names:
            state = RoomState(name, name, Phase.LIVE, EPOCH_MS, revision=1)
            feed.publish(Message(Kind.STATE, name, payload=encode_state(state)))
            feed.publish(Message(Kind.INIT, name, _AAC.name, payload=init_of(_AAC)))
        for _ in range(_BACK_PARTS):
            self.part()

    def part(self) -> None:
        data = part_of(_AAC, self.next)
        self._feed.publish_all(
            [
                Message(Kind.PART, name, _AAC.name, self.next, self.next * PART_SAMPLES, data)
                for name in self.names
            ]
        )
        self.next += 1

    def run(self, stopping: threading.Event) -> None:
        due_s = time.monotonic()
        while not stopping.wait(max(0.0, due_s - time.monotonic())):
            self.part()
            due_s += PART_S


class Feed(FeedThread):
    """Publishes many at once: a thousand rooms' parts come at the same moment."""

    def publish_all(self, messages: list[Message]) -> None:
        def run() -> None:
            assert self._publisher is not None
            for one in messages:
                self._publisher.publish(one)

        self._call(run)


def listen(port: int, names: list[str], count: int, stopping: object, ready: object) -> None:
    """Join so many over all rooms, and read whatever comes."""
    epoll, found = select.epoll(), {}
    for number in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        name = names[number % len(names)]
        one.sendall(f"GET /r/{name}/live.mp4?rendition=aac48 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        one.setblocking(False)
        epoll.register(one.fileno(), select.EPOLLIN)
        found[one.fileno()] = one
    ready.set()  # type: ignore[attr-defined]
    while not stopping.is_set():  # type: ignore[attr-defined]
        for fd, _ in epoll.poll(0.2):
            with contextlib.suppress(BlockingIOError):
                found[fd].recv(65_536)


def deliveries(settings: Settings) -> float:
    """Return how many the edge has counted so far."""
    address = f"http://127.0.0.1:{settings.metrics_port_used + 1}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    return float(text.split("\nstentor_edge_deliveries_total ")[1].split()[0])


def measure(rooms: int, audiences: list[int], seconds: float, lane_ms: int) -> None:
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="stentor-bench-")))
    SharedClock(folder.clock)
    feed = Feed(folder.origin_feed, parts_max=_BACK_PARTS)
    feed.start()
    settings = Settings(
        port=free_port(),
        control_port=free_port(),
        data=str(folder.root),
        edges=1,
        edge_lane_ms_min=lane_ms,
        edge_network_joins_per_s=0.0,
        edge_network_connections_max=0,
    )
    context = multiprocessing.get_context("spawn")
    programme = Rooms(feed, rooms)
    edge = context.Process(target=run_edge, args=(settings, folder, SystemClock(), 0), daemon=True)
    edge.start()
    while feed.subscribers < 1:
        assert edge.is_alive()
        time.sleep(0.05)
    time.sleep(2.0)
    ending = threading.Event()
    threading.Thread(target=programme.run, args=(ending,), daemon=True).start()
    empty_s = 0.0
    for audience in audiences:
        stopping, ready = context.Event(), context.Event()
        client = context.Process(
            target=listen,
            args=(settings.port, programme.names, audience, stopping, ready),
            daemon=True,
        )
        client.start()
        ready.wait(60)
        time.sleep(1.5)
        sent = deliveries(settings)
        before_s, parts, began_s = cpu_s(edge.pid or 0)[0], programme.next, time.monotonic()
        time.sleep(seconds)
        spent_s = cpu_s(edge.pid or 0)[0] - before_s
        parts, wall_s = programme.next - parts, time.monotonic() - began_s
        stopping.set()
        client.join(10)
        per_s = spent_s / wall_s
        empty_s = empty_s if audience else per_s
        sent = deliveries(settings) - sent
        each = f"{(per_s - empty_s) * wall_s / sent * 1e6:.1f} µs" if sent else "–"
        print(
            f"{rooms:5} rooms {audience:6} listeners: {per_s * 100:5.1f} % of a core,"
            f" {sent / wall_s:.0f} deliveries a second,"
            f" {empty_s * wall_s / max(1, parts * rooms) * 1e6:.0f} µs a part of a room,"
            f" {each} a delivery",
            flush=True,
        )
    ending.set()
    edge.terminate()
    feed.stop()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rooms", type=int, nargs="+", default=[1, 1000])
    options.add_argument("--listeners", type=int, nargs="+", default=[0, 1000, 2000])
    options.add_argument("--seconds", type=float, default=6.0)
    options.add_argument("--lane-ms", type=int, default=320)
    wish = options.parse_args()
    for rooms in wish.rooms:
        measure(rooms, wish.listeners, wish.seconds, wish.lane_ms)


if __name__ == "__main__":
    main()
