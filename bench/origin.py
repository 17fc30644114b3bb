"""What an origin costs: CPU of one room and of eight, each in three renditions, and how late.

Starts a real origin for each figure, is its stage (speech-like noise, 50 frames a second a room)
and its edge, for 20 s. Prints the figures and the machine. `--seconds`, `--rooms 1 8`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from stentor.base.clock import SharedClock
from stentor.base.paths import DataFolder
from stentor.feed.local import LocalPublisher, LocalSubscription
from stentor.feed.window import Window
from stentor.feed.wire import Kind, Message
from stentor.media.grid import FRAME_SAMPLES, sample_at, time_of
from stentor.rooms.orders import Orders
from stentor.store.orders import OrdersFolder

CODE = """
import sys
from pathlib import Path
from stentor.base.clock import SharedClock
from stentor.base.paths import DataFolder
from stentor.base.settings import load_settings
from stentor.origin.serve import run_origin
folder = DataFolder(Path(sys.argv[1]))
run_origin(load_settings(metrics_port=int(sys.argv[2])), folder, SharedClock(folder.clock))
"""
PARTS_PER_SECOND = 3.125


def speech(seconds: int = 5) -> np.ndarray:
    """Noise with speech's spectrum and syllables, some of it pauses."""
    rng = np.random.default_rng(7)
    count = seconds * 48_000
    noise = np.convolve(rng.normal(size=count + 63), np.hanning(64), "valid")
    syllables = np.maximum(0, np.sin(2 * np.pi * 3.1 * np.arange(count) / 48_000)) ** 0.5
    phrases = (np.sin(2 * np.pi * 0.4 * np.arange(count) / 48_000) > -0.5).astype(float)
    signal = noise * syllables * phrases
    return (signal / np.abs(signal).max() * 12_000).astype(np.int16)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(rooms: int, seconds: float, metrics_port: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as root:
        folder = DataFolder(Path(root))
        clock = SharedClock(folder.clock)
        orders = OrdersFolder(folder.orders)
        epoch_ms = clock.now_ns() // 1_000_000 + 2_000
        for number in range(rooms):
            orders.write(Orders(f"room-{number}", 1, "T", epoch_ms))
        process = subprocess.Popen([sys.executable, "-c", CODE, root, str(metrics_port)])
        publisher = LocalPublisher(folder.stage_feed, Window(150))
        await publisher.open()
        edge = LocalSubscription(folder.origin_feed)
        while not edge.open():
            await asyncio.sleep(0.02)
        pcm, last, lateness, sequences = speech(), -FRAME_SAMPLES, [], set()
        start = end = (0.0, 0.0)
        try:
            while True:
                now_ns = clock.now_ns()
                index = sample_at(epoch_ms, now_ns) // FRAME_SAMPLES * FRAME_SAMPLES
                for due in range(max(0, last + FRAME_SAMPLES), index + 1, FRAME_SAMPLES):
                    payload = np.take(pcm, range(due, due + 960), mode="wrap").tobytes()
                    for number in range(rooms):
                        publisher.publish(
                            Message(Kind.FRAME, f"room-{number}", "", due // 960, due, payload)
                        )
                last = max(last, index)
                for message in edge.receive() or []:
                    if message.kind is Kind.PART:
                        sequences.add((message.room, message.rendition, message.sequence))
                        made_ns = time_of(epoch_ms, message.sample_index + 15 * FRAME_SAMPLES)
                        lateness.append((now_ns - made_ns) / 1e6)
                if index >= 48_000 and start == (0.0, 0.0):
                    start = (time.monotonic(), cpu_s(process.pid))
                if start[0] and time.monotonic() - start[0] >= seconds:
                    end = (time.monotonic(), cpu_s(process.pid))
                    break
                await asyncio.sleep(0.004)
        finally:
            process.terminate()
            process.wait(10)
            publisher.close()
        expected = rooms * 3 * int(PARTS_PER_SECOND * seconds)
        assert len(sequences) >= expected, f"{len(sequences)} parts where {expected} were due"
        return {
            "cpu": (end[1] - start[1]) / (end[0] - start[0]),
            "p50": float(np.percentile(lateness, 50)),
            "p99": float(np.percentile(lateness, 99)),
            "max": max(lateness),
        }


def backfill(metrics_port: int, gap_s: int = 600) -> tuple[float, int]:
    """Return how long a new origin takes to fill a hole, and how many parts it made of it."""
    with tempfile.TemporaryDirectory() as root:
        folder = DataFolder(Path(root))
        clock = SharedClock(folder.clock)
        now_ms = clock.now_ns() // 1_000_000
        OrdersFolder(folder.orders).write(Orders("room", 1, "T", now_ms - gap_s * 1000))
        process = subprocess.Popen([sys.executable, "-c", CODE, root, str(metrics_port)])
        index = folder.recording_index("room", "opus24")
        due = int(gap_s * PARTS_PER_SECOND)
        try:
            began = time.monotonic()
            while not index.exists():
                began = time.monotonic()
                time.sleep(0.001)
            while index.stat().st_size < 8 * due:
                time.sleep(0.005)
            return time.monotonic() - began, due
        finally:
            process.terminate()
            process.wait(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rooms", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--metrics-port", type=int, default=18_790)
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    for rooms in options.rooms:
        found = asyncio.run(measure(rooms, options.seconds, options.metrics_port))
        late = ", ".join(f"{name} {found[name]:.0f} ms" for name in ("p50", "p99", "max"))
        print(
            f"{rooms:2} room(s), 3 renditions: {found['cpu']:6.1%} of a core, "
            f"{found['cpu'] / rooms:5.1%} a room; part at the edge after its last frame: {late}"
        )
    took_s, parts = backfill(options.metrics_port)
    print(f"600 s without an origin: {parts} parts of 3 renditions filled in {took_s:.2f} s")


if __name__ == "__main__":
    main()
