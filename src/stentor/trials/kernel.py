"""What the kernel tells of processes and of the machine: CPU time, memory, who else is at work.

Reads /proc; decides nothing. Times are seconds, sizes bytes.
"""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Return a process's CPU seconds, to the nanosecond, of all its threads; 0 if it is gone."""
    total_ns = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total_ns += int(thread.read_text().split()[0])
    return total_ns / 1e9


def own_bytes(pid: int) -> int:
    """Return what a process has for itself: what it shares with others is not a listener's."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024
    return 0


def kernel_bytes() -> int:
    """Return what the kernel holds for connections' ends: its objects, and socket buffers."""
    text = Path("/proc/net/sockstat").read_text()
    buffers = int(text.split("TCP: ")[1].split("mem ")[1].split()[0])
    slab = Path("/proc/meminfo").read_text().split("SUnreclaim:")[1].split()[0]
    return buffers * _PAGE_BYTES + int(slab) * 1024


@dataclass(frozen=True, slots=True)
class Busy:
    """CPU time of some cores since they started: at work, and taken away by the host."""

    work_s: float
    stolen_s: float


def busy(cores: Iterable[int]) -> Busy:
    """Return what some cores have done so far."""
    wanted = {f"cpu{core}" for core in cores}
    work = stolen = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in wanted:
            user, nice, system, _idle, _wait, irq, soft, steal = map(int, fields[:8])
            work += user + nice + system + irq + soft
            stolen += steal
    return Busy(work * _TICK_S, stolen * _TICK_S)
