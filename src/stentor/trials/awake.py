"""Keeps cores from going to sleep while something is measured, and says how fast they are.

A core that has slept is up to twice as slow for a while: it finds its caches empty, and clocks and
hosts wake up slowly. At an event edges' cores do not sleep, so a trial whose cost is of a core that
comes to life now and then would be of that, and of another core in a crowd. What keeps a core awake
is always the same work, so what it takes says how fast the core is just then: a shared host's is a
quarter slower for minutes.
"""

import contextlib
import mmap
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stentor.supervise.process import Process

# SCHED_IDLE: runs only where nothing else wants to (sched(7)); needs no privilege. A piece of work
# is of the kind that edges do: bytecode, and a system call that copies a small message.
_SPIN = """
import mmap, os, socket, sys, time
with open(sys.argv[2], "r+b") as file:
    told = memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("Q")
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
near, far = socket.socketpair()
to, back = near.fileno(), far.fileno()
write, read, cpu_ns = os.write, os.read, time.thread_time_ns
said, done = b"x" * 500, 0
while True:
    for _ in range(50):
        for _ in range(10):
            write(to, said)
            read(back, 1000)
        for _ in range(100):
            pass
    done += 50
    told[1] = cpu_ns()
    told[0] = done
"""


@dataclass(frozen=True, slots=True)
class Worked:
    """Pieces of the same work, and what they took; of some cores together."""

    pieces: int
    cpu_s: float

    def since(self, before: "Worked") -> "Worked":
        """Return what was done since then."""
        return Worked(self.pieces - before.pieces, self.cpu_s - before.cpu_s)

    @property
    def piece_s(self) -> float:
        """What a piece takes: more where cores are slower; 0 if there was none."""
        return self.cpu_s / self.pieces if self.pieces > 0 else 0.0


class Awake:
    """What keeps one core awake."""

    def __init__(self, core: int) -> None:
        self._file = os.memfd_create("stentor-awake")
        os.ftruncate(self._file, mmap.PAGESIZE)
        self._told = memoryview(mmap.mmap(self._file, mmap.PAGESIZE)).cast("Q")
        command = (sys.executable, "-I", "-S", "-c", _SPIN, str(core))
        self._process = Process((*command, f"/proc/{os.getpid()}/fd/{self._file}"), {})

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def worked(self) -> Worked:
        """What it has done so far; both figures are of the same moment, or a millisecond apart."""
        return Worked(self._told[0], self._told[1] / 1e9)

    def end(self) -> None:
        """End it, and wait until it has ended."""
        self._process.kill()
        while not self._process.reap():
            time.sleep(0.01)
        self._process.close()
        os.close(self._file)


@contextlib.contextmanager
def kept_awake(cores: Sequence[int]) -> Iterator[dict[int, Awake]]:
    """Keep cores awake; yields what does so, by core."""
    with contextlib.ExitStack() as stack:
        found: dict[int, Awake] = {}
        for core in cores:
            found[core] = Awake(core)
            stack.callback(found[core].end)
        yield found
