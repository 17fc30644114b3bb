"""For how long this machine held up what a test runs, measured beside it.

Where a promise is in seconds of real time, a test adds `held_up_s()` to what it allows. On a quiet
machine that is next to nothing, so that a part that has become slow is found; on one that stalls
or is crowded it is as much as was really lost, so that the machine is not taken for the part. A
process of its own measures it: what those under test do to themselves is never discounted.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# What a test waits for it awaits for so many times as long as a quiet machine needs: only a test
# that fails waits so long. What is promised in seconds is asserted, with `held_up_s`.
PATIENCE = 3

_TICK_S = 0.01
_LATE_S = 0.02  # by so much the watch itself may be late
_LOOK_EACH = 20  # ticks
_IN_A_ROW = 5  # speaker, stage, origin, edge, listener


class Machine:
    """What it did to this process and its children since the watch began, until it ended."""

    def __init__(self, watch: subprocess.Popen[bytes]) -> None:
        self._watch = watch
        self._stalled_s = 0.0
        self._seen_ns: dict[int, int] = {}  # also of those who are gone meanwhile
        self._in_all_s: float | None = None
        self.watch_anew()

    def watch_anew(self) -> None:
        """Forget what was until now."""
        self._ask()
        self._stalled_s = 0.0
        self._before_ns = self._seen_ns | queued_ns(os.getpid())

    def held_up_s(self) -> float:
        """Return the seconds in which nothing ran, or in which what a test ran had to queue.

        What passes through a few threads is held up by each of them in turn: the longest add up.
        """
        if self._in_all_s is not None:
            return self._in_all_s
        self._ask()
        now_ns = self._seen_ns | queued_ns(os.getpid())
        longest_ns = sorted(ns - self._before_ns.get(task, 0) for task, ns in now_ns.items())
        return self._stalled_s + sum(longest_ns[-_IN_A_ROW:]) / 1e9

    def _ask(self) -> None:
        """Take what the watch has to say until now."""
        assert self._watch.stdin is not None
        assert self._watch.stdout is not None
        self._watch.stdin.write(b"\n")
        self._watch.stdin.flush()
        while said := self._watch.stdout.readline().split():
            if len(said) == 1:
                self._stalled_s += float(said[0])
            else:
                self._seen_ns[int(said[0])] = int(said[1])

    def end(self) -> None:
        """Keep what was found; it can be asked on."""
        self._in_all_s = self.held_up_s()


@contextlib.contextmanager
def watched_machine() -> Iterator[Machine]:
    """Watch the machine for as long as the block lasts."""
    command = (sys.executable, "-IS", __file__, str(os.getpid()))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, pipesize=1 << 20) as watch:
        try:
            machine = Machine(watch)
            yield machine
            machine.end()
        finally:
            watch.kill()


def queued_ns(pid: int) -> dict[int, int]:
    """Return how long each thread of the process and of its children was ready but did not run.

    The second figure of `schedstat` (Linux, Documentation/scheduler/sched-stats.rst).
    """
    found: dict[int, int] = {}
    with contextlib.suppress(OSError):  # it ended meanwhile, or this kernel does not say
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError, IndexError):
                found[int(task.name)] = int((task / "schedstat").read_text().split()[1])
                for child in (task / "children").read_text().split():
                    found |= queued_ns(int(child))
    return found


def _watch(pid: int) -> None:
    """Say by how much later than asked one is woken, and who had to queue; ends with `pid`.

    An empty line in is answered with one, after all that is to be said.
    """
    known = queued_ns(pid)
    tick, last = 0, time.monotonic()
    while os.getppid() == pid:
        questioned, _, _ = select.select([0], [], [], _TICK_S)
        last, late = time.monotonic(), time.monotonic() - last - _TICK_S
        if late > _LATE_S:
            print(late, flush=True)
        if questioned:
            if not os.read(0, 100):
                return
            print(flush=True)
        tick += 1
        if tick % _LOOK_EACH == 0:
            for task, ns in queued_ns(pid).items():
                if ns - known.get(task, 0) > 10_000_000:
                    known[task] = ns
                    print(task, ns, flush=True)


if __name__ == "__main__":
    _watch(int(sys.argv[1]))
