#!/usr/bin/env python
"""What a join costs an edge: connections that ask for the stream, in batches, from many addresses.

    bench/joins.py [--joins 12000] [--rounds 3] [--lane-ms 320] [--burst 64] [--browser]

One edge process and one client; CPU is the edge's alone, from /proc, while nothing but joins (and
one room's parts at real time) happens. On loopback that includes what the kernel does to deliver
to the client. Listeners leave between rounds; what that costs is shown apart.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from stentor.base.clock import Clock, SharedClock, SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.serve import run_edge
from stentor.media.grid import PART_S
from stentor.rooms.orders import Phase
from support.programme import FeedThread, Programme

_BACK_PARTS = 70
_BIND_ADDRESS_NO_PORT = 24
_BROWSER = (
    "Host: 127.0.0.1:{port}\r\nConnection: keep-alive\r\n"
    'sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"\r\n'
    "sec-ch-ua-mobile: ?0\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n"
    'sec-ch-ua-platform: "Windows"\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\n'
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nReferer: http://127.0.0.1:{port}/r/hall\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
)


def free_port() -> int:
    """Return a port with free ones above it, which the kernel gives to no connection."""
    while True:
        port = random.randrange(10_000, 30_000)
        try:
            for offset in (0, 10, 11):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port


def cpu_s(pid: int) -> tuple[float, float]:
    """CPU time to the nanosecond, and the part of it in user mode to the tick."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    user, system = int(fields[11]), int(fields[12])
    whole = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return whole, whole * user / max(1, user + system)


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    return 0


def kernel_bytes() -> int:
    """What the kernel holds for both ends of all connections: its objects, and socket buffers."""
    text = Path("/proc/net/sockstat").read_text()
    buffers = int(text.split("TCP: ")[1].split("mem ")[1].split()[0])
    slab = Path("/proc/meminfo").read_text().split("SUnreclaim:")[1].split()[0]
    return buffers * os.sysconf("SC_PAGE_SIZE") + int(slab) * 1024


def publish(programme: Programme, clock: Clock, stopping: threading.Event) -> None:
    while not stopping.is_set():
        due_s = programme.epoch_ms / 1000 + (programme.next + 1) * PART_S
        if stopping.wait(max(0.0, due_s - clock.now_ns() / 1e9)):
            return
        programme.parts(1)


def join_all(port: int, count: int, burst: int, request: bytes) -> list[socket.socket]:
    """Join so many, `burst` at a time, each from one of many addresses; they read nothing."""
    found: list[socket.socket] = []
    for start in range(0, count, burst):
        batch: list[socket.socket] = []
        for i in range(start, min(count, start + burst)):
            one = socket.socket()
            one.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            one.bind((f"127.0.{1 + i % 40}.{1 + i % 200}", 0))
            one.connect(("127.0.0.1", port))
            one.send(request)
            batch.append(one)
        batch[-1].settimeout(30)
        assert batch[-1].recv(12) == b"HTTP/1.1 200"  # no more than the edge can take
        found += batch
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--joins", type=int, default=12_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--lane-ms", type=int, default=320)
    options.add_argument("--burst", type=int, default=64)
    options.add_argument("--browser", action="store_true", help="a browser's header fields")
    wish = options.parse_args()
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="stentor-bench-")))
    clock = SharedClock(folder.clock)
    feed = FeedThread(folder.origin_feed)
    feed.start()
    programme = Programme(
        feed, epoch_ms=clock.now_ns() // 1_000_000 - round(_BACK_PARTS * PART_S * 1000)
    )
    programme.open_doors()
    programme.state(Phase.LIVE)
    programme.parts(_BACK_PARTS)
    settings = Settings(
        port=free_port(),
        control_port=free_port(),
        data=str(folder.root),
        edges=1,
        edge_join_share=1.0,
        edge_lane_ms_min=wish.lane_ms,
        edge_network_joins_per_s=0.0,
        edge_network_connections_max=0,
    )
    edge = multiprocessing.get_context("spawn").Process(
        target=run_edge, args=(settings, folder, SystemClock(), 0), daemon=True
    )
    edge.start()
    pid = edge.pid or 0
    while feed.subscribers < 1:
        assert edge.is_alive()
        time.sleep(0.05)
    time.sleep(0.5)
    stopping = threading.Event()
    threading.Thread(target=publish, args=(programme, clock, stopping), daemon=True).start()
    fields = _BROWSER.format(port=settings.port) if wish.browser else "Host: 127.0.0.1\r\n"
    request = f"GET /r/{programme.room}/live.mp4?rendition=aac48 HTTP/1.1\r\n{fields}\r\n".encode()
    for round_number in range(wish.rounds):
        empty, kernel_empty = resident_bytes(pid), kernel_bytes()
        before, user_before = cpu_s(pid)
        began_s = time.monotonic()
        listeners = join_all(settings.port, wish.joins, wish.burst, request)
        wall_s = time.monotonic() - began_s
        after, user_after = cpu_s(pid)
        for one in listeners:
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.recv(1 << 20)
        grown = (resident_bytes(pid) - empty) / wish.joins
        kernel = (kernel_bytes() - kernel_empty) / wish.joins
        for one in listeners:
            one.close()
        time.sleep(1.5)
        left, _ = cpu_s(pid)
        cost_us = (after - before) / wish.joins * 1e6
        user_us = (user_after - user_before) / wish.joins * 1e6
        print(
            f"round {round_number + 1}: {1e6 / cost_us:.0f} joins a second a core,"
            f" {cost_us:.1f} µs each, of which about {user_us:.1f} user;"
            f" {wish.joins / wall_s:.0f} a second with the client;"
            f" leaving {(left - after) / wish.joins * 1e6:.1f} µs;"
            f" {grown:.0f} bytes a listener, and {kernel:.0f} of the kernel for both its ends",
            flush=True,
        )
    stopping.set()
    edge.terminate()
    feed.stop()


if __name__ == "__main__":
    main()
