#!/usr/bin/env python
"""As many real listeners as one machine holds: the edges and the load on the same cores.

    bench/listeners.py --listeners 100000 --lane-ms 960 --ramp 25 --seconds 70
    bench/listeners.py --listeners 500000 --lane-ms 15360 --ramp 80 --seconds 135 --tune
    bench/listeners.py --listeners 1000000 --lane-ms 15360 --ramp 250 --seconds 320 --tune

Says first what this machine's kernel would refuse (`--check` says only that), then how it goes
every few seconds, and at last one JSON object. `--tune` sets what root may set and puts it back
afterwards: the memory that all TCP sockets together may use. Memory is that of all processes of
edges and load, and what the kernel took meanwhile; CPU is told apart by process.
"""

import argparse
import contextlib
import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ground import ground, machine

from stentor.load.arrivals import Arrivals
from stentor.load.behaviour import Behaviour
from stentor.load.plan import Plan, Reading
from stentor.load.report import figures
from stentor.load.run import Sums, run_load
from stentor.media.grid import PART_S
from stentor.trials.kernel import cpu_s, own_bytes

_PER_EDGE = 19_000
_TELL_S = 5.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TCP_MEM = Path("/proc/sys/net/ipv4/tcp_mem")
_BYTES_A_LISTENER = 8192
_BYTES_A_PROCESS = 30_000_000


def number(path: str) -> int:
    """Return a number that the kernel tells, 0 if it does not."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path(path).read_text().split()[-1])
    return 0


def meminfo() -> dict[str, int]:
    """Return the machine's memory in bytes, by name."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}


def tcp_pages() -> int:
    """Return the pages that TCP sockets' data take."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1])
    return 0


def load_pids() -> list[int]:
    """Return the processes of this run's load: the descendants of this one that are its crew."""
    parents: dict[int, int] = {}
    crews: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            parents[pid] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_bytes()
            if parents[pid] == os.getpid() and b"stentor.load.crew" in command:
                crews.append(pid)
    return [pid for pid, parent in parents.items() if pid in crews or parent in crews]


def walls(listeners: int, edges: int) -> list[str]:
    """Return what this machine would refuse, or would do too slowly, in sentences."""
    found = []
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if listeners / edges > hard - 600:
        found.append(f"{edges} edges: one may open {hard} files; {listeners} need more of them.")
    if number("/proc/sys/fs/file-max") < 2.1 * listeners:
        found.append("fs.file-max is less than two files a listener.")
    if number("/proc/sys/net/core/somaxconn") < 4096:
        found.append("net.core.somaxconn is less than 4096: joiners would be dropped.")
    if Path("/proc/sys/net/netfilter/nf_conntrack_count").exists():
        before = number("/proc/sys/net/netfilter/nf_conntrack_count")
        if before and number("/proc/sys/net/netfilter/nf_conntrack_max") < 2 * listeners:
            found.append("Connections are tracked, and nf_conntrack_max is too small.")
    if number(str(_TCP_MEM)) * _PAGE < 4 << 30 and listeners > 200_000:
        found.append(
            f"net.ipv4.tcp_mem ends at {number(str(_TCP_MEM)) * _PAGE / 1e9:.1f} GB: half a second"
            " of deliveries of the slowest lane; --tune raises it."
        )
    processes = edges + math.ceil(listeners / 19_500)
    needed = listeners * _BYTES_A_LISTENER + processes * _BYTES_A_PROCESS
    if meminfo()["MemAvailable"] < needed:
        found.append(f"Memory: {needed / 1e9:.1f} GB are needed.")
    return found


@contextlib.contextmanager
def tuned(wanted: bool) -> Iterator[None]:
    """Let TCP have a third of the machine's memory meanwhile."""
    if not wanted:
        yield
        return
    before = _TCP_MEM.read_text()
    pages = meminfo()["MemTotal"] // _PAGE
    _TCP_MEM.write_text(f"{pages // 5} {pages // 4} {pages // 3}")
    try:
        yield
    finally:
        _TCP_MEM.write_text(before)


class Watch:
    """What it takes, told while it lasts: the largest of each, and CPU while all are in."""

    def __init__(self, edges: list[int], listeners: int, whole_s: float) -> None:
        self._edges = edges
        self._listeners = listeners
        self._whole_s = whole_s
        self._told_s = -_TELL_S
        self._before = meminfo()
        self._empty_edges = sum(map(own_bytes, edges))
        self._last: dict[str, float] = {}
        self._marks: list[dict[str, float]] = []
        self.found: dict[str, float] = {}

    def __call__(self, sums: Sums) -> None:
        if sums.passed_s - self._told_s < _TELL_S:
            return
        self._told_s = sums.passed_s
        now, load = meminfo(), load_pids()
        mark = {
            "s": time.monotonic(),
            "edges": sum(map(cpu_s, self._edges)),
            "load": sum(map(cpu_s, load)),
            "parts": float(sums.parts),
            "bytes": float(sums.bytes),
        }
        memory = {
            "edges_bytes": sum(map(own_bytes, self._edges)),
            "load_bytes": sum(map(own_bytes, load)),
            "machine_bytes": self._before["MemAvailable"] - now["MemAvailable"],
            "slab_bytes": now["Slab"] - self._before["Slab"],
            "tcp_bytes": tcp_pages() * _PAGE,
        }
        for name, value in memory.items():
            self.found[name] = max(self.found.get(name, 0), value)
        passed = mark["s"] - self._last["s"] if self._last else 1.0
        rates = {k: (mark[k] - self._last.get(k, mark[k])) / passed for k in mark}
        self._last = mark
        # Who comes costs as well, and a delivery that is late is a larger one.
        if sums.heard >= self._listeners and sums.passed_s < self._whole_s:
            self._marks.append(mark)
        print(
            f"{sums.passed_s:5.0f} s  {sums.connected:9,} connected  {sums.heard:9,} heard"
            f"  {sums.waiting:,} in line  {sums.stalls:,} stalls  {sums.gaps:,} gaps"
            f"  {sums.lost:,} lost  {sums.refused:,} refused  {rates['bytes'] * 8 / 1e9:.2f} Gbit/s"
            f"  edges {rates['edges']:.2f}  load {rates['load']:.2f} cores"
            f"  TCP {memory['tcp_bytes'] / 1e6:,.0f} MB"
            f"  in all {memory['machine_bytes'] / 1e9:.2f} GB",
            file=sys.stderr,
            flush=True,
        )

    def sums(self, delivery_parts: float) -> dict[str, float]:
        """Return what a listener took, and a delivery of so many parts while all were in.

        Nothing of deliveries, if all were in for a few seconds only.
        """
        found = {
            f"{name}_a_listener": value / self._listeners for name, value in self.found.items()
        }
        if len(self._marks) > 1:
            first, last = self._marks[0], self._marks[-1]
            passed, deliveries = (last[name] - first[name] for name in ("s", "parts"))
            deliveries /= delivery_parts
            for who in ("edges", "load"):
                found[f"{who}_cores"] = (last[who] - first[who]) / passed
                found[f"{who}_us_a_delivery"] = (last[who] - first[who]) / deliveries * 1e6
        return {name: round(value, 3) for name, value in found.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--listeners", type=int, default=50_000)
    options.add_argument("--seconds", type=float, default=60.0, help="the joining included")
    options.add_argument("--ramp", type=float, default=0.0, help="seconds; 0: 10,000 a second")
    options.add_argument("--edges", type=int, default=0, help="0: as many as are needed")
    options.add_argument("--processes", type=int, default=0, help="of the load; 0: as needed")
    options.add_argument("--rendition", default="opus24")
    options.add_argument("--lane-ms", type=int, default=15_360)
    options.add_argument("--sample", type=int, default=1000)
    options.add_argument("--arrivals", type=Arrivals, default=Arrivals.CONSTANT)
    options.add_argument("--slow", type=float, default=0.0)
    options.add_argument("--flaky", type=float, default=0.0)
    options.add_argument("--leaving", type=float, default=0.0)
    options.add_argument("--heads", action="store_true", help="look only at deliveries' heads")
    options.add_argument("--set", action="append", default=[], help="a setting of the edges: a=b")
    options.add_argument("--tune", action="store_true", help="raise tcp_mem for the time (root)")
    options.add_argument("--check", action="store_true", help="only say what would be refused")
    wish = options.parse_args()
    edges_count = wish.edges or max(2, math.ceil(wish.listeners / _PER_EDGE))
    ramp_s = wish.ramp or wish.listeners / 10_000
    with tuned(wish.tune):
        for wall in walls(wish.listeners, edges_count):
            print(f"! {wall}", file=sys.stderr)
        if wish.check:
            return
        run(wish, edges_count, ramp_s)


def run(wish: argparse.Namespace, edges_count: int, ramp_s: float) -> None:
    settings = {
        "edge_lane_ms_min": wish.lane_ms,
        "edge_lane_ms_max": wish.lane_ms,
        **{name: int(value) for name, _, value in (one.partition("=") for one in wish.set)},
    }
    with ground(edges_count, **settings) as at:
        watch = Watch(at.pids, wish.listeners, wish.seconds)
        plan = Plan(
            at.target(wish.rendition, wish.lane_ms),
            wish.listeners,
            wish.seconds,
            ramp_s,
            wish.processes,
            wish.sample,
            pattern=wish.arrivals,
            behaviour=Behaviour(wish.slow, wish.flaky, wish.leaving),
            reading=Reading.HEADS if wish.heads else Reading.WHOLE,
        )
        tally = run_load(plan, watch)
    found = {
        "machine": machine(),
        "edges": edges_count,
        **watch.sums(wish.lane_ms / 1000 / PART_S),
        **figures(tally),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
