"""What kind of machine this is, as far as its kernel tells. Reads; decides nothing."""

import os
import platform
import resource
from pathlib import Path

import msgspec

# Of an edge's descriptors, not for clients: listening sockets, feed, recordings read, logs.
DESCRIPTORS_RESERVED = 500
_DESCRIPTORS_ENDLESS = 1_000_000  # where there is no limit: more than any process here has use for
_INTERFACES = Path("/sys/class/net")
_CGROUPS = Path("/sys/fs/cgroup")


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
    return _named(Path("/proc/meminfo"), f"{what}:") * 1024


def memory_free_bytes() -> int | None:
    """Return what may still be taken: of the machine, or of a control group's limit (v2)."""
    free = memory_bytes("MemAvailable")
    limits = [free] if free else []
    try:
        inside = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2].lstrip("/")
    except OSError:
        inside = ""
    group = _CGROUPS / inside
    for one in (group, *group.parents):  # a container's own group is the uppermost that it sees
        if one == _CGROUPS or _CGROUPS in one.parents:
            limits += _left_in(one)
    return max(0, min(limits)) if limits else None


def memory_here_bytes() -> int | None:
    """Return what this process may still take: what is free, or what its own limit leaves."""
    free = memory_free_bytes()
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return free
    left = max(0, most - _named(Path("/proc/self/status"), "VmSize:") * 1024)
    return left if free is None else min(free, left)


def _left_in(group: Path) -> list[int]:
    """Return what a control group may still take, files that it read once not counted."""
    try:
        most = int((group / "memory.max").read_text())
        taken = int((group / "memory.current").read_text())
    except (OSError, ValueError):  # not there, or "max"
        return []
    return [most - taken + _named(group / "memory.stat", "inactive_file ")]


def descriptors_here() -> int:
    """Return how many descriptors this process, and one that it starts, may raise its limit to."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return hard if hard != resource.RLIM_INFINITY else _DESCRIPTORS_ENDLESS


def descriptors_of(pid: int) -> int | None:
    """Return how many descriptors a process may have open; None if that cannot be read."""
    try:
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
            if line.startswith("Max open files"):
                told = line.split()[3]
                return _DESCRIPTORS_ENDLESS if told == "unlimited" else int(told)
    except (OSError, ValueError, IndexError):
        pass
    return None


def interface_bits_per_s(bind: str) -> float | None:
    """Return how fast the interface is that listeners come by, as its driver says.

    That of the address, where it is one of an interface that says so; else of the default route.
    Virtual ones say nothing: None.
    """
    name = _interface_of(bind) or _default_interface()
    try:
        megabits = int((_INTERFACES / name / "speed").read_text()) if name else 0
    except (OSError, ValueError):
        return None
    return megabits * 1e6 if megabits > 0 else None


def _interface_of(bind: str) -> str:
    import ifaddr

    for adapter in ifaddr.get_adapters():
        if any((one.ip if one.is_IPv4 else one.ip[0]) == bind for one in adapter.ips):
            return str(adapter.name)
    return ""


def _default_interface() -> str:
    try:
        lines = Path("/proc/net/route").read_text().splitlines()[1:]
    except OSError:
        return ""
    columns = (line.split() for line in lines)
    return next((one[0] for one in columns if one[1] == "00000000"), "")


def _of_cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    except OSError:
        pass
    return platform.machine()


def _named(path: Path, name: str) -> int:
    """Return the figure in the line that begins so; 0 without one."""
    try:
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return 0
