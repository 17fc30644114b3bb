"""Keeps cores awake while something is measured on them, by work that yields to everything.

A core that has slept is slow for a while (its caches, its clock, its host's scheduler): a figure
of an edge that comes to life now and then would be of that, and of another core in a crowd.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence

from stentor.supervise.process import Process

# SCHED_IDLE: runs only where nothing else wants to (sched(7)); needs no privilege.
_SPIN = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    for _ in range(100_000):
        pass
"""


@contextlib.contextmanager
def kept_awake(cores: Sequence[int]) -> Iterator[dict[int, int]]:
    """Keep cores awake; yields the process that does so, by core."""
    processes = {
        core: Process((sys.executable, "-I", "-S", "-c", _SPIN, str(core)), {}) for core in cores
    }
    try:
        yield {core: process.pid for core, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
        for process in processes.values():
            while not process.reap():
                time.sleep(0.01)
            process.close()
