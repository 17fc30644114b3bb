"""bench/edges: this edge beside Icecast, nginx with HLS and nginx with Nchan, in one run.

Servers run one after the other on the same cores, round after round, with the same load client on
other cores; all on loopback. Prints a table, and writes JSON, a page and a plot where it is told.
"""

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from side_by_side import page, table
from side_by_side.icecast import Icecast
from side_by_side.nginx import NginxHls, NginxNchan, make_certificate
from side_by_side.processes import Missing, placement
from side_by_side.programme import CHUNK_PARTS, HISTORY_S, PART_S, Timeline
from side_by_side.rounds import JOINERS_AT_ONCE, Rounds, Server, Size
from side_by_side.stentor_edge import StentorEdge

_SLOW_PARTS = 24  # 7.68 s: 9.6 s behind live, where HLS of 4 s segments is 12 s and more
_IDLE_S = 4.0
Maker = Callable[[Path, Timeline, tuple[int, ...], Path], Server]
SERVERS: dict[str, tuple[str, Maker]] = {
    "stentor-slow": (
        "this edge, 7.68 s lane",
        lambda folder, line, cores, _: StentorEdge(folder, line, cores, _SLOW_PARTS),
    ),
    "icecast": ("Icecast 2", lambda folder, line, cores, _: Icecast(folder, line, cores)),
    "nginx-hls": (
        "nginx, HLS of 4 s",
        lambda folder, line, cores, _: NginxHls(folder, line, cores),
    ),
    "stentor-fast": (
        "this edge, 0.96 s lane",
        lambda folder, line, cores, _: StentorEdge(folder, line, cores, CHUNK_PARTS),
    ),
    "nchan": (
        "nginx, Nchan, chunks of 0.96 s",
        lambda folder, line, cores, _: NginxNchan(folder, line, cores),
    ),
    "stentor-tls": (
        "this edge, 7.68 s lane, TLS",
        lambda *of: StentorEdge(*of[:3], _SLOW_PARTS, of[3]),
    ),
    "nginx-hls-tls": ("nginx, HLS of 4 s, TLS", NginxHls),
}


class Progress:
    """One line on a terminal, a line a step elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self._tty = sys.stderr.isatty() and not quiet
        self._quiet = quiet
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """A new step begins."""
        if not self._quiet:
            end = "\n" if not self._tty else ""
            self._write(f"[{time.monotonic() - self._began:4.0f} s] {text}", end)

    def say(self, text: str) -> None:
        """How the step goes on."""
        if self._tty:
            self._write(f"[{time.monotonic() - self._began:4.0f} s] {text}", "")

    def done(self) -> None:
        """Leave the line clean."""
        if self._tty:
            self._write("", "")

    def _write(self, text: str, end: str) -> None:
        sys.stderr.write(("\r\033[K" if self._tty else "") + text + end)
        sys.stderr.flush()


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "processor": f"{os.cpu_count()} × {model}",
        "memory": f"{memory:.0f} GiB",
        "kernel": f"Linux {platform.release()}",
        "python": platform.python_version(),
        "commit": commit or "unknown",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="bench/edges", description=__doc__.splitlines()[0])
    parser.add_argument("--listeners", type=int, default=5000)
    parser.add_argument(
        "--seconds",
        type=float,
        default=_SLOW_PARTS * PART_S,
        help="measured, each round; the default is the slow lane's period, others: multiples of it",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flood", type=float, default=10.0, help="seconds; 0: none")
    parser.add_argument("--joins", type=float, default=4.0, help="seconds; 0: none")
    parser.add_argument("--only", default="", help=f"of {','.join(SERVERS)}")
    parser.add_argument("--json", default="", help="write all figures there")
    parser.add_argument("--pages", default="", help="write edges.md, .svg, .json into this folder")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    wish = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 4000
    if not 1 <= wish.listeners <= min(most, 50_000):
        parser.error(f"--listeners is 1 to {most} here (descriptors of one process)")
    if not (0.5 <= wish.seconds <= 120 and 1 <= wish.rounds <= 20):
        parser.error("--seconds is 0.5 to 120 and --rounds 1 to 20")
    if not (0 <= wish.flood <= 60 and 0 <= wish.joins <= 60):
        parser.error("--flood and --joins are at most 60")
    if unknown := set(filter(None, wish.only.split(","))) - SERVERS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return wish


def run(wish: argparse.Namespace, root: Path, progress: Progress) -> dict[str, Any]:
    """Measure everything; servers are ended whatever happens."""
    root.chmod(0o755)  # a server that refuses to be root reads its files here
    timeline = Timeline(time.monotonic_ns() - round(HISTORY_S * 1e9))
    cores = placement()
    size = Size(wish.listeners, wish.seconds, wish.flood, wish.joins)
    chosen = [name for name in SERVERS if not wish.only or name in wish.only.split(",")]
    if any(name.endswith("-tls") for name in chosen):
        make_certificate(root)
    skipped: dict[str, str] = {}
    servers: dict[str, Server] = {}
    measured: dict[str, Rounds] = {}
    try:
        for name in chosen:
            label, make = SERVERS[name]
            progress.step(f"starting {label}")
            try:
                server = make(root / name, timeline, cores[0], root)
            except Missing as why:
                skipped[name] = str(why)
                progress.step(f"skipped: {label} {why}")
                continue
            servers[name] = server
            server.start()
            measured[name] = Rounds(server, timeline, size, cores, progress.say)
        for name, rounds in measured.items():
            progress.step(f"{SERVERS[name][0]}: without listeners")
            rounds.idle(min(_IDLE_S, size.seconds))
        for number in range(1, wish.rounds + 1):
            for name, rounds in measured.items():
                last = number == wish.rounds
                progress.step(f"round {number} of {wish.rounds}, {SERVERS[name][0]}")
                rounds.round(with_flood=last)
        if size.joins_s:
            for name, rounds in measured.items():
                progress.step(f"joins, {SERVERS[name][0]}")
                rounds.joins()
    finally:
        progress.done()
        for server in servers.values():
            server.stop()
    return {
        "machine": machine(),
        "placement": {"servers": list(cores[0]), "clients": list(cores[1])},
        "listeners": wish.listeners,
        "seconds": wish.seconds,
        "rounds": wish.rounds,
        "flood_s": wish.flood,
        "joiners_at_once": JOINERS_AT_ONCE,
        "skipped": {SERVERS[name][0]: why for name, why in skipped.items()},
        "servers": {
            name: {"label": SERVERS[name][0], **rounds.as_dict()}
            for name, rounds in measured.items()
        },
    }


def main() -> None:
    """Run, print, write."""
    wish = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell ignores it
    progress = Progress(wish.quiet)
    with tempfile.TemporaryDirectory(prefix="stentor-edges-") as folder:
        try:
            found = run(wish, Path(folder), progress)
        except KeyboardInterrupt:
            sys.exit("stopped")
    print(table.text(found))
    if wish.json:
        Path(wish.json).write_text(json.dumps(found, indent=1) + "\n")
    if wish.pages:
        page.write(Path(wish.pages), found)


if __name__ == "__main__":
    main()
