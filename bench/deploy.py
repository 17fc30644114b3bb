#!/usr/bin/env python
"""A deploy under listeners: who is lost, who runs dry, and how long nobody delivers.

    bench/deploy.py [--listeners 5000] [--edges 2] [--period-ms 0] [--seconds 30] [--deploys 2]

A real `stentor serve` with a room on the air, `stentor load listeners` against it, and so many
deploys while all of them listen: the first with changed settings, the others with the same. 100,000
listeners need eight edges (20,000 descriptors each) and a period of 3,840 ms on two cores.
Exit code 1 if anybody was lost, missed a part, got one twice, or ran dry.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ground import counted

from support.server import COMMAND, Server

_NONE_OF = ("lost", "stalls", "gaps", "jumps", "repeated", "differing_parts", "reconnects")


def deploy(server: Server, *, changed: bool) -> list[dict[str, Any]]:
    more = {"STENTOR_EDGE_LAG_S": "13", "STENTOR_EDGE_IDLE_S": "25"} if changed else {}
    options = [] if changed else ["--same-settings"]
    done = subprocess.run(
        [*COMMAND, "deploy", "--data", str(server.folder.root), "--json", *options],
        env=server.environment | more,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(server.log()[-4000:], file=sys.stderr)
        raise SystemExit(f"the deploy failed: {done.stderr}")
    zeros = {"listeners": 0, "gap_ms": 0.0, "door_ms": 0.0, "seconds": 0.0}  # are not told
    return [zeros | json.loads(line) for line in done.stdout.splitlines()]


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--listeners", type=int, default=5000)
    options.add_argument("--edges", type=int, default=2)
    options.add_argument("--period-ms", type=int, default=0, help="fastest lane; 0: 0.32 s")
    options.add_argument("--seconds", type=float, default=30.0, help="when all are in")
    options.add_argument("--deploys", type=int, default=2)
    options.add_argument("--joins", type=float, default=3000, help="a second")
    wish = options.parse_args()
    settings = {
        "edge_lane_ms_min": wish.period_ms or 320,
        "log_level": "info",
    }
    with tempfile.TemporaryDirectory(prefix="stentor-bench-") as folder:
        server = Server(Path(folder) / "data", edges=wish.edges, settings=settings)
        try:
            server.start()
            return measure(server, wish)
        finally:
            server.stop()


def measure(server: Server, wish: argparse.Namespace) -> int:
    room = server.create_room("A deploy", in_s=2.0)
    time.sleep(4 + 2.5 * wish.period_ms / 1000)  # a slow lane begins with more than a period
    ramp_s = wish.listeners / wish.joins
    began = time.monotonic()
    load = subprocess.Popen(
        [
            *(*COMMAND, "load", "listeners", room.url(), "--json"),
            *("--count", str(wish.listeners), "--period", str(wish.period_ms)),
            *("--ramp", f"{ramp_s:.1f}", "--seconds", f"{ramp_s * 1.3 + wish.seconds:.1f}"),
        ],
        stdout=subprocess.PIPE,
        env=os.environ,
        text=True,
    )
    metrics_ports = range(server.metrics_port + 1, server.metrics_port + 1 + server.edges)
    while (here := counted(metrics_ports, "listeners")) < wish.listeners * 0.999:
        if load.poll() is not None or time.monotonic() - began > ramp_s * 3 + 60:
            load.kill()
            print(server.log()[-3000:], file=sys.stderr)
            raise SystemExit(f"only {here:.0f} listeners came")
        time.sleep(0.5)
    print(f"{here:.0f} listeners at {wish.edges} edges after {time.monotonic() - began:.1f} s")
    time.sleep(4)
    for number in range(wish.deploys):
        told = deploy(server, changed=number == 0)
        edges = [line for line in told if line["event"] == "edge"]
        for line in edges:
            print(
                f"  {line['edge']}: {line['listeners']:6} listeners handed over,"
                f" {line['gap_ms']:6.1f} ms without delivery, {line['door_ms']:6.1f} ms of the"
                f" door closed, {line['seconds']:.2f} s"
            )
        total = told[-1]
        print(
            f"deploy {number + 1}: {total['listeners']} of {here:.0f}, longest"
            f" {total['gap_ms']:.1f} ms without delivery, {total['seconds']:.1f} s in all"
        )
        time.sleep(2)
    output, _ = load.communicate()
    found = json.loads(output.splitlines()[-1])
    for name in ("listeners", "heard", *_NONE_OF, "refused", "first_audio_s", "behind_s"):
        print(f"{name:16} {found.get(name)}")
    restarts = sum(part["restarts"] for part in server.parts().values())
    print(f"{'restarts':16} {restarts}")
    return 1 if restarts or any(found.get(name) for name in _NONE_OF) else 0


if __name__ == "__main__":
    sys.exit(main())
