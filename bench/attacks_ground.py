"""The ground of `bench/attacks`: watch and guard, people present, and what is told of them.

Measures and reads; who attacks and when is decided in `attacks`.
"""

import contextlib
import json
import multiprocessing
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import msgspec
from ground import Ground

from stentor.base.clock import SystemClock
from stentor.guard.serve import run_guard
from stentor.load.plan import Plan
from stentor.load.report import Histogram, Tally
from stentor.load.run import Sums, run_load
from stentor.shield.policy import Policy, decode_policy
from stentor.watch.serve import run_watch

LANE_MS = 960
RENDITION = "opus24"


@dataclass
class Measured:
    """One attack at one rate, as people saw it."""

    family: str
    defences: bool
    times: float  # of the people's rate; 0: the highest that could be sent
    sent_per_s: float = 0.0
    at_cap: bool = False  # as much as the tool sends, not as this machine could
    attack_s: float = 0.0
    let_in: int = 0  # attackers that were given a stream
    people: int = 0
    came_in: int = 0  # within the time
    first_audio_p95_s: float | None = None
    waited: int = 0  # in line
    wait_p95_s: float | None = None
    wait_max_s: float = 0.0
    stalls: int = 0  # of those present
    stalled_points: float = 0.0  # per cent of what they listened to
    lost: int = 0
    counted: dict[str, int] = field(default_factory=dict)
    kernel: dict[str, int] = field(default_factory=dict)
    bans: int = 0
    stress: str = ""
    stage: dict[str, float] = field(default_factory=dict)  # a speaker's packets, under a spray


class Present:
    """People who listen all the time; what befell them since the last look."""

    def __init__(self, at: Ground, count: int) -> None:
        self._count = count
        self._sums = Sums(0.0, count)
        self._over = False
        self._before = self._sums
        self._began_s = 0.0
        plan = Plan(at.target(RENDITION, LANE_MS), count, 3600.0, max(1.0, count / 500))
        self.tally: Tally | None = None
        self._thread = threading.Thread(target=lambda: self._listen(plan))
        self._thread.start()

    def _listen(self, plan: Plan) -> None:
        self.tally = run_load(plan, self._told)

    def _told(self, sums: Sums) -> bool:
        self._sums = sums
        return self._over

    def await_all(self) -> None:
        """Return when everybody listens."""
        until_s = time.monotonic() + 60
        while self._sums.heard < self._count:
            if time.monotonic() > until_s:
                raise SystemExit(f"Only {self._sums.heard} of those present could listen.")
            time.sleep(0.1)

    def begin(self) -> None:
        """Count from now on."""
        time.sleep(1.1)  # processes tell once a second
        self._before, self._began_s = self._sums, time.monotonic()

    def look(self, into: Measured) -> None:
        """Say what befell them since `begin`."""
        time.sleep(1.1)
        now, before = self._sums, self._before
        listened_s = self._count * (time.monotonic() - self._began_s)
        into.stalls = now.stalls - before.stalls
        into.lost = now.lost - before.lost
        into.stalled_points = round(100 * (now.stalled_s - before.stalled_s) / listened_s, 4)

    def leave(self) -> None:
        """Let them go."""
        self._over = True
        self._thread.join()


@contextlib.contextmanager
def watched(at: Ground, *, guarded: bool) -> Iterator[list[int]]:
    """Run the watch, and as root the guard, beside the edges; give their processes."""
    context = multiprocessing.get_context("forkserver")
    settings = replace(at.settings, log_level="error")
    processes = [
        context.Process(target=run_watch, args=(settings, at.folder, SystemClock()), daemon=True)
    ]
    if guarded:
        processes.append(context.Process(target=run_guard, args=(settings, at.folder), daemon=True))
    try:
        for process in processes:
            process.start()
        until_s = time.monotonic() + 20
        while policy(at) is None:
            if time.monotonic() > until_s:
                raise SystemExit("The watch wrote no policy.")
            time.sleep(0.1)
        yield [process.pid or 0 for process in processes]
    finally:
        for process in processes:
            process.terminate()
            process.join(5)
            process.kill()


def now_ms(at: Ground) -> int:
    """Return the time as edges and watch have it."""
    return at.clock.now_ns() // 1_000_000


def policy(at: Ground) -> Policy | None:
    """Return what the shield wants just now."""
    try:
        return decode_policy(at.folder.policy.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def counters(at: Ground) -> dict[str, int]:
    """Return all counters of all edges, by the names that the edges use."""
    found: dict[str, int] = {}
    for index in range(len(at.pids)):
        address = f"http://127.0.0.1:{at.settings.metrics_port_used + 1 + index}/metrics"
        with urllib.request.urlopen(address, timeout=20) as answer:
            for text in answer.read().decode().splitlines():
                name, _, value = text.partition(" ")
                if name.startswith("stentor_edge_") and name.endswith("_total"):
                    name = name.removeprefix("stentor_edge_").removesuffix("_total")
                    found[name] = found.get(name, 0) + round(float(value))
    return found


def is_open(at: Ground, within_s: float) -> bool:
    """Say whether nobody stands in line, at the latest after so many seconds."""
    until_s = time.monotonic() + within_s
    address = f"http://127.0.0.1:{at.settings.port}/r/{at.programme.room}/door.json"
    while time.monotonic() < until_s:
        time.sleep(0.25)
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:
            if not json.loads(answer.read())["waiting"]:
                return True
    return False


def p95(*histograms: Histogram) -> float | None:
    """Return the 95th percentile of several."""
    whole = Histogram()
    for one in histograms:
        whole.merge(one)
    found = whole.figures()
    return None if found is None else found["p95"]
