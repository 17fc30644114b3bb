#!/usr/bin/env python
"""A crowd at ten times what can be let in: who listens, who is let in, and who waits how long.

    bench/flood.py [--present 2000] [--guests 2000] [--times 10] [--flood 20] [--seconds 90]
    bench/flood.py --per-s 200 …

Present listeners first, and guests, who leave one after another; the house has as many places as
they take. What is let in is then what the ladder finds: as many as leave. `--per-s` instead lets in
so many always, in a house with room for all. Then a crowd that comes so many times faster; each
who is told to wait does so as a page would. Said are the stalls of those present, how many were let
in against how many places came free (or may be let in), from one's turn to audio, and how true the
announced waits were. Exit code 1 where a promise is not kept.
"""

import argparse
import math
import sys
import threading
import time

from ground import Ground, ground, machine

from stentor.load.behaviour import Behaviour
from stentor.load.plan import Plan
from stentor.load.report import Tally, answered, figures
from stentor.load.run import Sums, run_load

_SETTLE_S = 3.0
_WINDOW_S = 5
_USABLE = 0.97  # of an edge's connections, before it holds that it is full
_LEAVING_FROM, _LEAVING_FOR = 0.2, 0.7  # of the guests' time (load/behaviour.py)
_LEARNT_S = 25.0  # from the first who leaves to the crowd


class Paces:
    """How many came in and left, second by second."""

    def __init__(self, at: Ground) -> None:
        self._ground = at
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.samples: list[tuple[float, float, float]] = []

    def __enter__(self) -> "Paces":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            joined, left = self._ground.counted("joined"), self._ground.counted("left")
            self.samples.append((time.monotonic(), joined, left))
            if self._stopping.wait(1.0):
                return

    def per_s(self, over: int) -> list[tuple[float, float]]:
        """Return who came in and who left, a second, in each stretch of so many samples."""
        found = []
        for at in range(0, len(self.samples) - over, over):
            (before_s, *before), (after_s, *after) = self.samples[at], self.samples[at + over]
            joined, left = (
                (new - old) / (after_s - before_s) for new, old in zip(after, before, strict=True)
            )
            found.append((joined, left))
        return found


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
    options.add_argument("--present", type=int, default=2000, help="who stay")
    options.add_argument("--guests", type=int, default=2000, help="who leave, while the rest waits")
    options.add_argument("--per-s", type=float, default=0.0, help="let in a second; 0: the ladder")
    options.add_argument("--times", type=float, default=10.0, help="how many times that come")
    options.add_argument("--flood", type=float, default=20.0, help="for how many seconds")
    options.add_argument("--seconds", type=float, default=90.0, help="until it is over")
    options.add_argument("--edges", type=int, default=2)
    options.add_argument("--lane-ms", type=int, default=960)
    options.add_argument("--rendition", default="opus24")
    wish = options.parse_args()
    return by_house(wish) if not wish.per_s else by_pace(wish)


def by_pace(wish: argparse.Namespace) -> int:
    """The door lets in so many a second, whatever there is room for."""
    crowd = round(wish.per_s * wish.times * wish.flood)
    with ground(
        wish.edges,
        edge_lane_ms_min=wish.lane_ms,
        edge_admissions_per_s_max=wish.per_s / wish.edges,
    ) as at:
        target = at.target(wish.rendition, wish.lane_ms)
        came_s = wish.present / wish.per_s + _SETTLE_S
        tallies: list[Tally] = []
        staying = Plan(target, wish.present, came_s + wish.seconds + 5, wish.present / wish.per_s)
        present = threading.Thread(target=lambda: tallies.append(run_load(staying)))
        present.start()
        time.sleep(came_s + 2.0)
        with Paces(at) as paces:
            came = run_load(Plan(target, crowd, wish.seconds, wish.flood), tell)
        present.join()
        print(file=sys.stderr)
        rates = [joined for joined, _ in paces.per_s(_WINDOW_S)]
        flooded = rates[: max(1, round(wish.flood) // _WINDOW_S)]
        goodput = sum(flooded) / len(flooded) / wish.per_s
        return report(wish, crowd, tallies[0], came, paces, goodput)


def by_house(wish: argparse.Namespace) -> int:
    """A full house: the door lets in as many as leave, which only its own ladder knows."""
    guests_s = (wish.seconds + _LEARNT_S) / _LEAVING_FOR
    leaving_per_s = wish.guests / guests_s / _LEAVING_FOR
    crowd = round(leaving_per_s * wish.times * wish.flood)
    places = wish.present + wish.guests
    # The kernel spreads people over the edges by chance: three standard deviations of slack.
    each = places / wish.edges + 3 * math.sqrt(places / wish.edges)
    ramp_s = max(1.0, places / 2000)
    with ground(
        wish.edges,
        edge_lane_ms_min=wish.lane_ms,
        edge_lane_ms_max=wish.lane_ms,
        edge_connections_max=math.ceil(each / _USABLE),
    ) as at:
        target = at.target(wish.rendition, wish.lane_ms)
        begins_s = max(guests_s * _LEAVING_FROM + _LEARNT_S, ramp_s + _SETTLE_S)
        tallies: dict[str, Tally] = {}
        plans = {
            "present": Plan(target, wish.present, begins_s + wish.seconds + 5, ramp_s),
            "guests": Plan(
                target, wish.guests, guests_s, ramp_s, behaviour=Behaviour(leaving=1.0), seed=2
            ),
        }
        loads = [
            threading.Thread(
                target=lambda name=name, plan=plan: tallies.update({name: run_load(plan)})
            )
            for name, plan in plans.items()
        ]
        for one in loads:
            one.start()
        time.sleep(begins_s)
        with Paces(at) as paces:
            came = run_load(Plan(target, crowd, wish.seconds, wish.flood, seed=3), tell)
        for one in loads:
            one.join()
        print(file=sys.stderr)
        # The places that were free before are taken in the first moments.
        rates = paces.per_s(_WINDOW_S)[1:-1]
        goodput = sum(one for one, _ in rates) / max(1.0, sum(one for _, one in rates))
        stayed = tallies["present"]
        return report(wish, crowd, stayed, came, paces, goodput)


def report(
    wish: argparse.Namespace,
    crowd: int,
    stayed: Tally,
    came: Tally,
    paces: Paces,
    goodput: float,
) -> int:
    stretches = paces.per_s(_WINDOW_S)
    told = figures(came)
    promised = max(1, came.promised)
    served = came.served_audio_s.figures() or {}
    rows = {
        "machine": machine(),
        "present": f"{stayed.listeners:,}: {stayed.stalls} stalls, {stayed.gaps} gaps,"
        f" {stayed.lost} lost",
        "crowd": f"{crowd:,} in {wish.flood:g} s; {came.heard:,} heard, {came.in_line:,} still in"
        f" line, {came.tickets_lost} tickets lost, {came.refused} refused",
        f"came in/left, {_WINDOW_S} s each": ", ".join(f"{a:.0f}/{b:.0f}" for a, b in stretches)
        + f"; {goodput:.1%} of what may be",
        "audio or a place in 3 s": f"{answered(came):.2%}",
        "told their place after": told["told_s"],
        "from one's turn to audio": told["served_audio_s"],
        "who came straight in": told["first_audio_s"],
        "wait": told["wait_s"],
        "against what was announced": f"{came.waited:,} waited, {came.promised:,} were told a time;"
        f" {came.waits_within_10 / promised:.1%} within 10 %,"
        f" {came.waits_within_20 / promised:.1%} within 20 %; {told['wait_error_s']}",
    }
    for name, value in rows.items():
        print(f"{name:27} {value}")
    broken = [
        name
        for name, kept in {
            "present listeners stalled": not (stayed.stalls or stayed.gaps or stayed.lost),
            "goodput below 95 %": goodput >= 0.95,
            "audio more than 3 s after one's turn (p95)": served.get("p95", 9.9) <= 3.0,
            "announced waits not within 20 % for 90 %": came.waits_within_20 / promised >= 0.9,
        }.items()
        if not kept
    ]
    print(f"{'promises':27} {'; '.join(broken) or 'kept'}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
