"""What a stage costs: N speakers, who hear each other, in one room of a real stage process.

    bench/stage.py [--speakers 13] [--seconds 20] [--speaking 13]

The speakers are real WebRTC peers in processes of their own, sending Opus that was encoded
beforehand. Printed: the share of one core of the stage process alone, and how its ticks went.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.bad_network import babble
from support.stage import FeedEars, StageRunning, Talker, stage_running, until

TARGET_PERCENT = 40.0


def cpu_s(process: int) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def talk(folder: str, port: int, seats: list[tuple[str, bool]], seconds: float) -> None:
    """Be several speakers, in a process of one's own."""

    async def one(stage: StageRunning, seat: str, speaks: bool) -> None:
        sound = babble(20, seed=hash(seat) % 1000)
        if not speaks:
            sound = np.zeros_like(sound)
        async with Talker(stage, seat, sound, listen=False):
            await asyncio.sleep(seconds)

    async def everybody() -> None:
        stage = StageRunning.other(Path(folder), port)
        await asyncio.gather(*(one(stage, seat, speaks) for seat, speaks in seats))

    asyncio.run(everybody())


def figures(base: str) -> dict[str, float]:
    """Return the stage's metrics, packets by their fate."""
    return {
        sample.labels.get("fate", sample.name): sample.value
        for family in text_string_to_metric_families(httpx.get(f"{base}/metrics").text)
        for sample in family.samples
        if sample.name.startswith("stentor_stage")
    }


async def measure(stage: StageRunning, speakers: int, seconds: float) -> dict[str, float]:
    """Wait until all are heard, then measure."""
    async with FeedEars(stage) as ears:
        await until(
            lambda: ears.states and len(ears.states[-1]["present"]) == speakers, 60, "all there"
        )
        await asyncio.sleep(2)
        before, used, started = figures(stage.base), cpu_s(stage.process.pid), time.monotonic()
        frames = len(ears.frames)
        await asyncio.sleep(seconds)
        took = time.monotonic() - started
        share = (cpu_s(stage.process.pid) - used) / took
        after = figures(stage.base)
        delta = {name: after[name] - before[name] for name in after}
        ticks = delta["stentor_stage_ticks_total"]
        return {
            "cpu_percent": round(100 * share, 1),
            "tick_ms": round(1000 * delta["stentor_stage_tick_busy_seconds_total"] / ticks, 2),
            "slowest_tick_ms": round(1000 * after["stentor_stage_tick_slowest_seconds"], 1),
            "ticks": ticks,
            "ticks_late_over_10_ms": delta["stentor_stage_ticks_late_total"],
            "ticks_left_out": delta["stentor_stage_ticks_left_out_total"],
            "packets": delta["received"],
            "concealed": delta["concealed"],
            "programme_frames": len(ears.frames) - frames,
        }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--speakers", type=int, default=13)
    parser.add_argument("--speaking", type=int, default=13, help="the others send silence")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    seats = [(f"s{n}", n < arguments.speaking) for n in range(arguments.speakers)]
    with (
        tempfile.TemporaryDirectory() as folder,
        stage_running(
            Path(folder), *(seat for seat, _ in seats), speakers_max=max(16, len(seats))
        ) as stage,
    ):
        context = multiprocessing.get_context("spawn")
        talkers = [
            context.Process(
                target=talk, args=(folder, stage.port, seats[n::2], arguments.seconds + 30)
            )
            for n in range(2)
        ]
        for talker in talkers:
            talker.start()
        try:
            found = asyncio.run(measure(stage, len(seats), arguments.seconds))
        finally:
            for talker in talkers:
                talker.terminate()
                talker.join()
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")),
        platform.processor(),
    )  # fmt: skip
    print(f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, "
          f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    speakers = f"{arguments.speakers} speakers, {arguments.speaking} of them speaking"
    print(f"{speakers}, {arguments.seconds:g} s")
    print(json.dumps(found, indent=1))
    verdict = "reached" if found["cpu_percent"] <= TARGET_PERCENT else "NOT reached"
    print(f"target ≤ {TARGET_PERCENT:g} % of a core: {verdict}")


if __name__ == "__main__":
    main()
