"""What an operator may do to oneself: a disk that is busy, processors that are taken.

Run as `python -m stentor.load.attacks.faults NAME SECONDS PATH`. Takes a bounded share of this
machine for a bounded time, leaves nothing behind, and ends with whoever started it.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from stentor.base.errors import UsageError
from stentor.load.attacks.bounds import SECONDS_MAX
from stentor.load.attacks.crew import end_with_parent

_BLOCK_BYTES = 1 << 20
_FILE_BYTES_MAX = 64 << 20


class Fault(StrEnum):
    """What is done."""

    SLOW_DISK = "slow-disk"  # another program writes and syncs as fast as it goes
    HALVED_CAPACITY = "halved-capacity"  # as many busy processes as there are processors


def keep_disk_busy(path: Path, until_s: float) -> int:
    """Write and sync a file without a name until then; return how many blocks."""
    block, written = os.urandom(_BLOCK_BYTES), 0
    with tempfile.TemporaryFile(dir=path) as file:
        while time.monotonic() < until_s:
            if file.tell() >= _FILE_BYTES_MAX:
                file.seek(0)
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
            written += 1
    return written


def keep_processor_busy(until_s: float) -> int:
    """Do nothing, as hard as possible, until then."""
    turns = 0
    while time.monotonic() < until_s:
        turns += sum(range(1000)) > 0
    return turns


@contextlib.contextmanager
def fault(kind: Fault, seconds: float, path: Path) -> Iterator[list[int]]:
    """Have a fault while the block lasts, at most so long; give its processes."""
    if not 0 < seconds <= SECONDS_MAX:
        raise UsageError(f"For at most {SECONDS_MAX:g} seconds, not {seconds:g}.")
    count = len(os.sched_getaffinity(0)) if kind is Fault.HALVED_CAPACITY else 1
    command = [sys.executable, "-m", __name__, kind, str(seconds), str(path), str(os.getpid())]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield [one.pid for one in processes]
    finally:
        for one in processes:
            one.kill()
            one.wait()


def main() -> None:
    """Do it in this process."""
    kind, seconds = Fault(sys.argv[1]), min(SECONDS_MAX, float(sys.argv[2]))
    end_with_parent(seconds)
    if os.getppid() != int(sys.argv[4]):
        return
    until_s = time.monotonic() + seconds
    if kind is Fault.SLOW_DISK:
        keep_disk_busy(Path(sys.argv[3]), until_s)
    else:
        keep_processor_busy(until_s)


if __name__ == "__main__":
    main()
