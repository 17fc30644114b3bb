#!/usr/bin/env python
"""What an edge costs: real listeners on real sockets of this machine, and what they saw.

    bench/edge.py [--listeners 2000] [--seconds 20] [--edges 2] [--processes 0] [--rendition aac48]

A feed of real parts at real time, the edges as processes of their own, and `stentor load` against
them. CPU and memory are the edges' alone, from /proc; what the kernel does for a connection is in
the CPU figure (system time) and not in the memory figure. On loopback that includes receiving.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from stentor.base.clock import Clock, SharedClock, SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.serve import run_edge
from stentor.load.report import figures
from stentor.load.run import Plan, run_load
from stentor.load.target import Target
from stentor.media.grid import PART_S
from stentor.rooms.orders import Phase
from support.programme import FeedThread, Programme

_START_MS = 3000  # for the edges to start
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def user_s(pid: int) -> float:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11]) / _TICKS


def resident_bytes(pid: int) -> int:
    """Memory of its own: what it shares with the others is not a listener's."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    return 0


def counted(ports: list[int], name: str) -> float:
    total = 0.0
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"stentor_edge_{name}_total "):
                    total += float(line.split()[-1])
    return total


def publish(programme: Programme, clock: Clock, stopping: threading.Event) -> None:
    """Parts at real time, each when its last sample is due, as an origin makes them."""
    while not stopping.is_set():
        due_s = programme.epoch_ms / 1000 + (programme.next + 1) * PART_S
        if stopping.wait(max(0.0, due_s - clock.now_ns() / 1e9)):
            return
        programme.parts(1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--listeners", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--ramp", type=float, default=0.0, help="seconds; 0: 3,000 a second")
    options.add_argument("--edges", type=int, default=2)
    options.add_argument("--processes", type=int, default=0, help="of the load; 0: as needed")
    options.add_argument("--rendition", default="aac48")
    options.add_argument(
        "--lane-ms",
        type=int,
        default=320,
        help="how much programme joiners get at a time, at least",
    )
    wish = options.parse_args()
    ramp_s = wish.ramp or wish.listeners / 3000
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="stentor-bench-")))
    clock = SharedClock(folder.clock)
    feed = FeedThread(folder.origin_feed)
    feed.start()
    programme = Programme(feed, epoch_ms=clock.now_ns() // 1_000_000 + _START_MS)
    programme.open_doors()
    programme.state(Phase.LIVE)
    control_port = free_port()
    settings = Settings(
        port=free_port(),
        control_port=control_port,
        data=str(folder.root),
        edge_lane_ms_min=wish.lane_ms,
    )
    context = multiprocessing.get_context("spawn")
    edges = [
        context.Process(target=run_edge, args=(settings, folder, SystemClock(), i), daemon=True)
        for i in range(wish.edges)
    ]
    for edge in edges:
        edge.start()
    while feed.subscribers < wish.edges:
        time.sleep(0.05)
    stopping = threading.Event()
    threading.Thread(target=publish, args=(programme, clock, stopping), daemon=True).start()
    while programme.next < 5:
        time.sleep(0.1)
    pids = [edge.pid or 0 for edge in edges]
    metrics_ports = [settings.metrics_port_used + 1 + i for i in range(wish.edges)]
    empty = sum(map(resident_bytes, pids))
    steady: dict[str, float] = {}

    def measure() -> None:
        """From when all are in until shortly before they leave."""
        time.sleep(1.0 + ramp_s + 2.0)
        before = (sum(map(cpu_s, pids)), sum(map(user_s, pids)), time.monotonic())
        deliveries = counted(metrics_ports, "deliveries")
        time.sleep(max(1.0, wish.seconds - ramp_s - 4.0))
        steady["deliveries"] = counted(metrics_ports, "deliveries") - deliveries
        steady["cpu_s"] = sum(map(cpu_s, pids)) - before[0]
        steady["user_s"] = sum(map(user_s, pids)) - before[1]
        steady["wall_s"] = time.monotonic() - before[2]
        steady["bytes"] = sum(map(resident_bytes, pids)) - empty

    measuring = threading.Thread(target=measure)
    measuring.start()
    target = Target("127.0.0.1", settings.port, programme.room, wish.rendition)
    tally = run_load(Plan(target, wish.listeners, wish.seconds, ramp_s, wish.processes))
    measuring.join()
    stopping.set()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # the load: the edges are still running
    found = figures(tally)
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    deliveries = max(1.0, steady["deliveries"])
    rows = {
        "machine": f"{os.cpu_count()} × {model}, Linux {platform.release()},"
        f" Python {platform.python_version()}, {revision}",
        "listeners": f"{tally.listeners} of {wish.listeners} ({wish.rendition}),"
        f" {wish.edges} edge processes",
        "CPU a delivery": f"{steady['cpu_s'] / deliveries * 1e6:.1f} µs,"
        f" of which {steady['user_s'] / deliveries * 1e6:.1f} µs user",
        "deliveries a second": f"{deliveries / steady['wall_s']:.0f}",
        "edges' CPU": f"{steady['cpu_s'] / steady['wall_s'] * 100:.0f} % of a core",
        "memory a listener": f"{steady['bytes'] / max(1, tally.listeners):.0f} bytes (process)",
        **{name: found[name] for name in ("stalls", "gaps", "jumps", "lost", "refused")},
        **{name: found[name] for name in ("first_audio_s", "delivered_s", "behind_s")},
        "load's CPU": f"{used.ru_utime + used.ru_stime:.1f} s, starting included",
        "parts checked": f"{tally.parts}, hashed {tally.sampled_parts},"
        f" different {tally.differing_parts}",
    }
    for name, value in rows.items():
        print(f"{name:22} {value}")
    for edge in edges:
        edge.terminate()
    feed.stop()


if __name__ == "__main__":
    main()
