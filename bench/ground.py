"""The ground of the edges' benchmarks: edges as in production, a feed at real time, and /proc.

Everything is on this machine's loopback, and gone when the `with` is left.
"""

import contextlib
import multiprocessing
import os
import platform
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from stentor.base.clock import Clock, SharedClock, SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.serve import run_edge
from stentor.load.target import Target
from stentor.media.grid import PART_S
from stentor.rooms.orders import Phase
from stentor.trials.kernel import cpu_s
from support.programme import FeedThread, Programme, Tone

OLD_PARTS = 120  # on the air for so long already that the slowest lane's first burst is whole
_ALONE = {  # a load has few addresses, so its networks are no measure of anything
    "log_level": "warning",
    "door_network_per_s": 0.0,
}


def free_port(above: int) -> int:
    """Return a port with so many free ones above it, which the kernel gives to no connection."""
    while True:
        port = random.randrange(10_000, 30_000)
        try:
            for offset in range(above):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port


def user_share(pid: int) -> float:
    """Return which share of a process's CPU time so far was spent in user mode, by ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    user, system = int(fields[11]), int(fields[12])
    return user / max(1, user + system)


def counted(metrics_ports: Iterable[int], name: str) -> float:
    """Return a figure of edges' metrics, summed over them."""
    total = 0.0
    for port in metrics_ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith((f"stentor_edge_{name} ", f"stentor_edge_{name}_total ")):
                    total += float(line.split()[-1])
    return total


def machine() -> str:
    """Return what this was measured on, in one line."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
            break
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{os.cpu_count()} × {model}, Linux {platform.release()},"
        f" Python {platform.python_version()}, {revision}"
    )


@dataclass
class Ground:
    """Edges that serve one room on the air."""

    settings: Settings
    folder: DataFolder
    clock: Clock
    programme: Programme
    pids: list[int]

    def target(self, rendition: str, period_ms: int = 0) -> Target:
        """Return where a load goes."""
        return Target(
            "127.0.0.1", self.settings.port, self.programme.room, rendition, period_ms=period_ms
        )

    def counted(self, name: str) -> float:
        """Return a figure of the edges' metrics, summed over them."""
        first = self.settings.metrics_port_used + 1
        return counted(range(first, first + len(self.pids)), name)

    def has_parts(self, count: int) -> None:
        """Wait until each edge has been told of so many parts."""
        while self.counted("parts") < count * len(self.pids):
            time.sleep(0.1)

    def cpu_s(self) -> float:
        """Return the edges' CPU seconds so far."""
        return sum(map(cpu_s, self.pids))


def _publish(programme: Programme, clock: Clock, stopping: threading.Event, speed: float) -> None:
    """Parts at real time, each when its last sample is due, as an origin makes them."""
    first, live_s = programme.next, programme.epoch_ms / 1000 + programme.next * PART_S
    while not stopping.is_set():
        due_s = live_s + (programme.next + 1 - first) * PART_S / speed
        if stopping.wait(max(0.0, due_s - clock.now_ns() / 1e9)):
            return
        programme.parts(1)


@contextlib.contextmanager
def ground(
    edges: int,
    *,
    make: Callable[..., Programme] = Tone,
    old_parts: int = OLD_PARTS,
    speed: float = 1.0,
    run: Callable[..., None] = run_edge,
    **settings: Any,
) -> Iterator[Ground]:
    """Start the edges with a programme on the air; stop them at the end, whatever happens.

    `make` is called with the feed and the epoch; `speed` is how many times faster than life; `run`
    is what an edge's process does.
    """
    with tempfile.TemporaryDirectory(prefix="stentor-bench-", ignore_cleanup_errors=True) as root:
        folder = DataFolder(Path(root))
        clock = SharedClock(folder.clock)
        feed = FeedThread(folder.origin_feed)
        feed.start()
        began_ms = clock.now_ns() // 1_000_000 - round(old_parts * PART_S * 1000)
        programme = make(feed, epoch_ms=began_ms)
        programme.open_doors()
        programme.state(Phase.LIVE)
        programme.parts(old_parts)
        port = free_port(edges + 12)
        chosen = Settings(
            port=port,
            control_port=port + 1,
            metrics_port=port + 2,
            data=str(folder.root),
            **{**_ALONE, **settings, "edges": edges},
        )
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["stentor.edge.serve"])
        processes = [
            context.Process(target=run, args=(chosen, folder, SystemClock(), index))
            for index in range(edges)
        ]
        stopping = threading.Event()
        try:
            for process in processes:
                process.start()
            while feed.subscribers < edges:
                if not all(process.is_alive() for process in processes):
                    raise SystemExit("An edge did not start.")
                time.sleep(0.05)
            time.sleep(0.5)
            publisher = threading.Thread(target=_publish, args=(programme, clock, stopping, speed))
            publisher.start()
            pids = [process.pid or 0 for process in processes]
            try:
                yield Ground(chosen, folder, clock, programme, pids)
            finally:
                stopping.set()
                publisher.join()
        finally:
            for process in processes:
                process.kill()
            feed.stop()
