#!/usr/bin/env python
"""A crowd at ten times what can be admitted: who listens, who is let in, and who waits how long.

    bench/flood.py [--present 2000] [--per-s 200] [--times 10] [--flood 20] [--seconds 60]

Present listeners first. Then a crowd that comes so many times faster than the door lets in; each
who is told to wait does so as a page would. Said are the stalls of those present, the pace of
admission against what may be let in (or its best), from one's turn to audio, and how true the
announced waits were. `--per-s 0` leaves the pace to the ladder. Exit code 1 where a promise is
not kept.
"""

import argparse
import statistics
import sys
import threading
import time

from ground import Ground, ground, machine

from stentor.load.plan import Plan
from stentor.load.report import Tally, figures
from stentor.load.run import Sums, run_load

_SETTLE_S = 3.0
_WINDOW_S = 5


class Paces:
    """How many were let in, second by second."""

    def __init__(self, at: Ground) -> None:
        self._ground = at
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.samples: list[tuple[float, float]] = []

    def __enter__(self) -> "Paces":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.samples.append((time.monotonic(), self._ground.counted("joined")))
            if self._stopping.wait(1.0):
                return

    def per_s(self, over: int) -> list[float]:
        """Return the pace in each stretch of so many samples."""
        return [
            (self.samples[at + over][1] - self.samples[at][1])
            / (self.samples[at + over][0] - self.samples[at][0])
            for at in range(0, len(self.samples) - over, over)
        ]


def tell(sums: Sums) -> None:
    print(
        f"\r{sums.passed_s:4.0f} s  {sums.connected:,} connected  {sums.heard:,} heard"
        f"  {sums.waiting:,} in line   ",
        end="",
        file=sys.stderr,
        flush=True,
    )


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--present", type=int, default=2000)
    options.add_argument(
        "--per-s", type=float, default=200.0, help="let in a second; 0: the ladder"
    )
    options.add_argument("--times", type=float, default=10.0, help="how many times that come")
    options.add_argument("--flood", type=float, default=20.0, help="for how many seconds")
    options.add_argument("--seconds", type=float, default=60.0, help="until it is over")
    options.add_argument("--edges", type=int, default=2)
    options.add_argument("--lane-ms", type=int, default=960)
    options.add_argument("--rendition", default="opus24")
    wish = options.parse_args()
    pace = wish.per_s or 1000.0
    crowd = round(pace * wish.times * wish.flood)
    with ground(
        wish.edges,
        edge_lane_ms_min=wish.lane_ms,
        edge_admissions_per_s_max=wish.per_s / wish.edges,
    ) as at:
        target = at.target(wish.rendition, wish.lane_ms)
        came_s = wish.present / pace + _SETTLE_S
        tallies: list[Tally] = []
        staying = Plan(target, wish.present, came_s + wish.seconds + 5, wish.present / pace)
        present = threading.Thread(target=lambda: tallies.append(run_load(staying)))
        present.start()
        time.sleep(came_s + 2.0)
        with Paces(at) as paces:
            came = run_load(Plan(target, crowd, wish.seconds, wish.flood), tell)
        present.join()
        print(file=sys.stderr)
        return report(wish, crowd, tallies[0], came, paces)


def report(wish: argparse.Namespace, crowd: int, stayed: Tally, came: Tally, paces: Paces) -> int:
    stretches = paces.per_s(_WINDOW_S)
    flooded = stretches[: max(1, round(wish.flood) // _WINDOW_S)]
    goodput = statistics.mean(flooded) / (wish.per_s or max(stretches))
    told = figures(came)
    waited = max(1, came.waited)
    served = came.served_audio_s.figures() or {}
    rows = {
        "machine": machine(),
        "present": f"{stayed.listeners:,}: {stayed.stalls} stalls, {stayed.gaps} gaps,"
        f" {stayed.lost} lost",
        "crowd": f"{crowd:,} in {wish.flood:g} s; {came.heard:,} heard, {came.in_line:,} still in"
        f" line, {came.tickets_lost} tickets lost, {came.refused} refused",
        "let in a second": ", ".join(f"{one:.0f}" for one in stretches)
        + f" ({_WINDOW_S} s each); in the flood {goodput:.1%} of what may be",
        "from one's turn to audio": told["served_audio_s"],
        "wait": told["wait_s"],
        "against what was announced": f"{came.waited:,} waited;"
        f" {came.waits_within_10 / waited:.1%} within 10 %,"
        f" {came.waits_within_20 / waited:.1%} within 20 %; {told['wait_error_s']}",
    }
    for name, value in rows.items():
        print(f"{name:27} {value}")
    broken = [
        name
        for name, kept in {
            "present listeners stalled": not (stayed.stalls or stayed.gaps or stayed.lost),
            "goodput below 95 %": goodput >= 0.95,
            "audio more than 3 s after one's turn (p95)": served.get("p95", 9.9) <= 3.0,
            "announced waits not within 20 % for 90 %": came.waits_within_20 / waited >= 0.9,
        }.items()
        if not kept
    ]
    print(f"{'promises':27} {'; '.join(broken) or 'kept'}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
