"""What kind of machine this is, as far as its kernel tells. Reads; decides nothing."""

import os
import platform
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One machine. What could not be read is empty or 0."""

    cpu: str
    cores: int  # that this process may use
    memory_bytes: int
    kernel: str
    python: str


def read_machine() -> Machine:
    """Return this machine."""
    return Machine(
        cpu=_of_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=memory_bytes("MemTotal"),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def memory_bytes(what: str) -> int:
    """Return a figure of /proc/meminfo, such as MemTotal or MemAvailable; 0 if it is not told."""
    return _figure(Path("/proc/meminfo"), what) * 1024


def _of_cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    except OSError:
        pass
    return platform.machine()


def _figure(path: Path, name: str) -> int:
    try:
        for line in path.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return 0
