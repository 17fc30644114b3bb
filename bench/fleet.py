#!/usr/bin/env python
"""How long a simulation of a whole fleet takes, how much memory, and whether it repeats itself.

    bench/fleet.py [--listeners 8000000] [--scenario FILE] [--seed 1] [--twice] [--quiet]

Simulates a scenario before the fleet that its plan finds; without a file, an hour with a crowd,
three attacks, a third of the edges lost and a cut. Says wall and CPU time, the process's peak
memory, what was expected of both before it began, and the digest of the result; with `--twice` it
runs again in another process, with another number of numpy threads and no progress told, and
compares. Exit code 1 where the two differ.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from stentor.rehearsal.certified import digest_of
from stentor.rehearsal.plan import make_plan, planned_fleet
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.need import need
from stentor.simulate.fleet.reading import read
from stentor.simulate.fleet.run import simulate
from stentor.simulate.fleet.scenario import Fault, Scenario, scaled

ROOT = Path(__file__).resolve().parents[1]
_ATTACKED = ROOT / "scenarios" / "attack-before-at-after.toml"
_FAULTS = (Fault("edges-lost", 320, share=1 / 3, for_s=600), Fault("cut", 2_400, share=0.5))


def the_scenario(file: Path | None, listeners: int) -> Scenario:
    """Return what is simulated."""
    if file is not None:
        found = read(file.read_text())
    else:
        found = read(_ATTACKED.read_text())
        found = replace(found, name="attacks, a third of the edges lost, a cut", faults=_FAULTS)
    return scaled(found, listeners) if listeners else found


def tell(second: int, of: int) -> None:
    if second % 10 == 0 or second == of:
        print(f"\r{second:,} of {of:,} s   ", end="", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--listeners", type=int, default=0, help="instead of the scenario's")
    parser.add_argument("--scenario", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="the digest alone")
    asked = parser.parse_args()
    scenario = the_scenario(asked.scenario, asked.listeners)
    fleet = planned_fleet(scenario, make_plan(scenario, SHIPPED))
    expected = need(scenario, fleet, SHIPPED)
    began_s, cpu_s = time.monotonic(), time.process_time()
    course = simulate(scenario, fleet, SHIPPED, asked.seed, None if asked.quiet else tell)
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    found = digest_of(course)
    if asked.quiet:
        print(found)
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"\r{scenario.name}: {scenario.event.listeners:,} listeners, {fleet.machines:,} machines,"
    )
    print(f"{course.edges:,} edges, {scenario.event.lasts_s:,.0f} s in steps of 0.25 s")
    print(f"wall        {took_s:8.1f} s")
    print(f"CPU         {cpu_s:8.1f} s, expected {expected.cpu_s:.1f}")
    print(f"peak memory {peak / 1e9:8.2f} GB, expected {expected.memory_bytes / 1e9:.2f}")
    print(f"digest      {found}")
    for name, n in sorted(course.counts.items()):
        print(f"  {name:16} {n:14,}")
    if not asked.twice:
        return 0
    argv = [sys.executable, __file__, "--quiet", "--seed", str(asked.seed)]
    argv += ["--listeners", str(asked.listeners)]
    argv += ["--scenario", str(asked.scenario)] if asked.scenario else []
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "7")
    again = subprocess.run(
        argv, env={**os.environ, **threads}, check=True, capture_output=True, text=True
    )
    same = again.stdout.strip() == found
    print("again       the same, bit for bit" if same else f"again       {again.stdout.strip()}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
