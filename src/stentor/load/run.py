"""Spreads a load over processes, tells how it goes, and adds up what they found."""

import gc
import math
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from stentor.base.clock import SystemClock
from stentor.base.errors import UnavailableError, UsageError
from stentor.load.fleet import Fleet, Wish
from stentor.load.report import Tally, sum_tallies
from stentor.load.sampling import Comparison
from stentor.load.target import Target

LISTENERS_MAX = 2_000_000
PROCESSES_MAX = 128
_PER_PROCESS = 12_500
_DESCRIPTORS_RESERVED = 64
_START_S = 0.3
_GRACE_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole load."""

    target: Target
    count: int
    seconds: float
    ramp_s: float = 1.0
    processes: int = 0  # 0: as many as are needed
    sampled_every: int = 100
    buffer_s: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How it goes just now, in one process."""

    connected: int
    heard_parts: int
    stalls: int
    gaps: int


class _PartsCheck:
    """Decodes what one listener gets."""

    def __init__(self) -> None:
        from stentor.codecs import decode  # the codecs take 40 MB: only where they are used

        self._decode = decode
        self._decoder: decode.PartDecoder | None = None

    def begin(self, init: bytes) -> None:
        self._decoder = self._decode.PartDecoder(init)

    def takes(self, part: bytes) -> bool:
        if self._decoder is None:
            return False
        try:
            self._decoder.decode(part)
        except self._decode.Unreadable:
            return False
        return True


def _run_process(wish: Wish, pipe: Connection) -> None:
    """One process's work: what is sent are `Progress`, and at last the tally."""

    def tell(fleet: Fleet) -> None:
        tally = fleet.tally
        pipe.send(Progress(fleet.connected, tally.parts, tally.stalls, tally.gaps))

    gc.disable()  # tens of thousands of listeners, none of them garbage: a look would be a stall
    try:
        fleet = Fleet(wish, SystemClock(), _PartsCheck)
        tally = fleet.run(tell)
        pipe.send((tally, fleet.sample.digests))
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    finally:
        pipe.close()


def processes_needed(plan: Plan) -> int:
    """Return how many processes the load takes; raises `UsageError` if that is too many."""
    if not 1 <= plan.count <= LISTENERS_MAX:
        raise UsageError(f"Between 1 and {LISTENERS_MAX} listeners, not {plan.count}.")
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = hard - _DESCRIPTORS_RESERVED if hard != resource.RLIM_INFINITY else 1_000_000
    needed = math.ceil(plan.count / min(possible, _PER_PROCESS))
    chosen = plan.processes or max(needed, 2 if plan.count >= 1000 else 1)
    if chosen < math.ceil(plan.count / possible) or chosen > PROCESSES_MAX:
        raise UsageError(
            f"{plan.count} listeners need between {math.ceil(plan.count / possible)} and"
            f" {PROCESSES_MAX} processes: one may open {possible} files here."
        )
    return chosen


def run_load(plan: Plan, on_progress: Callable[[list[Progress]], None] | None = None) -> Tally:
    """Run the load and return what all listeners saw."""
    processes = processes_needed(plan)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = multiprocessing.get_context("spawn")
    begin_ns = time.monotonic_ns() + round((_START_S + 0.7) * 1e9)
    end_ns = begin_ns + round(plan.seconds * 1e9)
    running: dict[Connection, BaseProcess] = {}
    for number in range(processes):
        first = plan.count * number // processes
        count = plan.count * (number + 1) // processes - first
        ours, theirs = context.Pipe(duplex=False)
        wish = Wish(
            plan.target,
            count,
            number,
            begin_ns,
            round(plan.ramp_s * 1e9),
            end_ns,
            plan.sampled_every,
            plan.buffer_s,
        )
        process: BaseProcess = context.Process(
            target=_run_process, args=(wish, theirs), daemon=True
        )
        process.start()
        theirs.close()
        running[ours] = process
    try:
        return _gather(running, end_ns, on_progress)
    finally:
        for process in running.values():
            process.join(2)
            if process.is_alive():
                process.kill()


def _gather(
    running: dict[Connection, BaseProcess],
    end_ns: int,
    on_progress: Callable[[list[Progress]], None] | None,
) -> Tally:
    newest: dict[Connection, Progress] = {}
    tallies: list[Tally] = []
    comparison = Comparison()
    open_pipes = set(running)
    while open_pipes:
        for pipe in wait(list(open_pipes), timeout=1.0):
            assert isinstance(pipe, Connection)
            try:
                told = pipe.recv()
            except EOFError:
                open_pipes.discard(pipe)
                continue
            if isinstance(told, Progress):
                newest[pipe] = told
            else:
                tally, digests = told
                tallies.append(tally)
                comparison.add(digests)
        if on_progress is not None and newest:
            on_progress(list(newest.values()))
        if time.monotonic_ns() > end_ns + _GRACE_S * 1e9:
            break
    if len(tallies) < len(running):
        raise UnavailableError(
            f"{len(running) - len(tallies)} of {len(running)} processes of the load died."
        )
    total = sum_tallies(tallies)
    total.differing_parts += comparison.differing_parts
    return total
