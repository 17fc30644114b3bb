#!/usr/bin/env python
"""A crowd that comes by TLS faster than an edge can shake hands: how many may wait for it.

    bench/handshakes.py [--rate 260] [--arrive 10] [--share 0.05] [--burst 0] [--idle 0] [--slow 0]
                        [--seed 1] [--seconds 60]

Two edges side by side, each with the same crowd of its own: one as shipped, which lets a quarter of
a second's worth of people wait (decision 34), and one that lets two thousand wait. People give up
after 6 s and come again 1 to 3 s later, for `--seconds` from when they first came. `--idle` clients
a second connect and say nothing, `--slow` ones greet in pieces and never end. `--share` is the
edges' `edge_join_share`: with the default they shake hands some 90 times a second, so that 260 a
second are three times what they can do. Counts are of the edges' metrics, times of the clients.
"""

import argparse
import contextlib
import multiprocessing
import signal
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NoReturn

from crowd import Crowd
from ground import Ground, ground, machine
from handshakes_crowd import READY_S, come
from handshakes_plan import Coming, Seen

from stentor.admission import backlog
from stentor.edge.serve import run_edge
from support.tls import Pair

_WITHIN_S = (3.0, 6.0, 20.0, 60.0)
_COUNTED = ("tls_begun", "tls_handshakes", "tls_crowded_out", "gave_up", "timed_out", "accepted")
_WARM = 8
_FILLS_S = 2.0  # until an edge has more to do than time
_LONGER_S = 30.0  # than planned: then a crowd is held to be stuck
_BOUNDLESS_S = 1e6


def run_boundless(*given: Any) -> None:
    """Run an edge that lets as many wait as come, up to half of `edge_backlog`."""
    backlog.WORTH_S = _BOUNDLESS_S
    run_edge(*given)


CASES: dict[str, Callable[..., None]] = {"as shipped": run_edge, "2,048 may wait": run_boundless}


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one edge's crowd."""

    seen: Seen
    counts: dict[str, int]
    pace_per_s: float | None  # handshakes begun, while people came


class Side:
    """One edge, and its crowd in a process of its own, which is gone when the block is left."""

    def __init__(self, at: Ground, coming: Coming, certificate: Path, ready: Barrier) -> None:
        self._at, self._coming = at, coming
        context = multiprocessing.get_context("spawn")
        tells: Connection
        self._hears, tells = context.Pipe(duplex=False)
        # Each from an address of its own: as many people are as many networks.
        target = replace(at.target("aac48"), secure=True, listeners_per_source=1)
        self._crowd = context.Process(
            target=come, args=(target, coming, str(certificate), ready, tells), daemon=True
        )
        self._before: dict[str, int] = {}

    def __enter__(self) -> "Side":
        self._before = self._counts(_COUNTED)
        self._crowd.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._crowd.kill()
        self._crowd.join()

    def begun(self) -> int:
        """Return how many handshakes the edge has begun so far."""
        return self._counts(["tls_begun"])["tls_begun"]

    def found(self, pace_per_s: float | None) -> Found:
        """Wait until the crowd has seen all."""
        if not self._hears.poll(self._coming.lasts_s + _LONGER_S):
            raise SystemExit("The crowd does not come to an end.")
        seen: Seen = self._hears.recv()
        # The last first: to ask for a figure is a connection too.
        after = self._counts(_COUNTED[::-1])
        counts = {name: after[name] - self._before[name] for name in _COUNTED}
        return Found(seen, counts, pace_per_s)

    def _counts(self, names: Sequence[str]) -> dict[str, int]:
        return {name: round(self._at.counted(name)) for name in names}


@contextlib.contextmanager
def side(
    run: Callable[..., None], coming: Coming, share: float, pair: Pair, ready: Barrier
) -> Iterator[Side]:
    """Start an edge, warm it, and let a crowd stand before it that waits for the others."""
    settings: dict[str, Any] = {"edge_join_share": share, **pair.settings}
    with ground(1, run=run, **settings) as at:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(pair.certificate)
        first = Crowd(at.target("aac48"), [at.target("aac48").request()], context)
        first.come(_WARM)
        first.leave()
        with Side(at, coming, pair.certificate, ready) as one:
            yield one


def measure(coming: Coming, share: float) -> list[Found]:
    """Let the same come to both edges at once."""
    ready = multiprocessing.get_context("spawn").Barrier(len(CASES) + 1)
    with (
        tempfile.TemporaryDirectory(prefix="stentor-bench-") as folder,
        contextlib.ExitStack() as open_sides,
    ):
        pair = Pair(Path(folder))
        sides = [
            open_sides.enter_context(side(run, coming, share, pair, ready))
            for run in CASES.values()
        ]
        try:
            ready.wait(READY_S)
        except threading.BrokenBarrierError:
            raise SystemExit("A crowd did not start.") from None
        over_s = coming.arrive_s - _FILLS_S
        paces: list[float | None] = [None for _ in sides]
        if over_s >= 1.0 and not coming.burst:
            time.sleep(_FILLS_S)
            before = [one.begun() for one in sides]
            time.sleep(over_s)
            begun = [one.begun() for one in sides]
            paces = [(b - a) / over_s for a, b in zip(before, begun, strict=True)]
        return [one.found(pace) for one, pace in zip(sides, paces, strict=True)]


def _quantile(values: list[float], share: float) -> str:
    if not values:
        return "–"
    return f"{sorted(values)[min(len(values) - 1, int(len(values) * share))]:.2f} s"


def rows(found: Found, tries_s: float) -> dict[str, str]:
    """Return what is printed of one edge."""
    seen, counts = found.seen, found.counts
    heard = {
        f"heard within {limit_s:g} s": f"{sum(one <= limit_s for one in seen.heard_s):,}"
        for limit_s in [one for one in _WITHIN_S if one < tries_s] + [tries_s]
    }
    begun = counts["tls_begun"]
    return {
        "people": f"{seen.people:,}",
        **heard,
        "heard, or told their place": f"{len(seen.told_s):,}",
        "lost": f"{seen.lost:,}",
        "handshakes begun": f"{begun:,}",
        "… a second, while they came": "–"
        if found.pace_per_s is None
        else f"{found.pace_per_s:.0f}",
        "handshakes done": f"{counts['tls_handshakes']:,}",
        "crowded out": f"{counts['tls_crowded_out']:,}",
        "took too long": f"{counts['timed_out']:,}",
        "accepted": f"{counts['accepted']:,}",
        "accepted / begun": f"{counts['accepted'] / max(1, begun):.2f}",
        "had hung up when accepted": f"{counts['gave_up']:,}",
        "gave up waiting, times": f"{seen.gave_up:,}",
        "wait p50": _quantile(seen.waits_s, 0.5),
        "wait p95": _quantile(seen.waits_s, 0.95),
        "the crowd came late by": f"{seen.late_s:.2f} s",
    }


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit("Stopped.")  # through all that cleans up


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rate", type=float, default=260.0, help="people a second")
    options.add_argument("--arrive", type=float, default=10.0, help="for how many seconds")
    options.add_argument("--share", type=float, default=0.05, help="edge_join_share")
    options.add_argument("--burst", type=int, default=0, help="so many people at once instead")
    options.add_argument("--idle", type=float, default=0.0, help="a second, who say nothing")
    options.add_argument("--slow", type=float, default=0.0, help="a second, who never end to greet")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=60.0, help="how long people try")
    wish = options.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    coming = Coming(
        wish.rate, wish.arrive, wish.burst, wish.idle, wish.slow, wish.seed, wish.seconds
    )
    table = [rows(found, wish.seconds) for found in measure(coming, wish.share)]
    print(machine())
    print(f"{'':28}" + "".join(f"{name:>16}" for name in CASES))
    for label in table[0]:
        print(f"{label:28}" + "".join(f"{one[label]:>16}" for one in table))


if __name__ == "__main__":
    main()
