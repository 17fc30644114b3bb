"""The servers' processes: where they run, what they used, what they hold. They die with us."""

import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_KERNEL_CACHES = {"TCP", "sock_inode_cache", "filp", "eventpoll_epi", "eventpoll_pwq", "dentry"}


class Missing(Exception):
    """A program is not on this machine; says which, and what brings it."""


def program(name: str, package: str) -> str:
    """Return the path of a program, or raise `Missing`."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Missing(f"needs {name} (Debian: {package}; scripts/setup-bench installs it)")
    return path


def free_port() -> int:
    """Return a port of loopback that nobody has just now, nor the twenty after it.

    Below the ports that the kernel gives to clients: a client of another load would have it soon.
    """
    for first in random.sample(range(12_000, 32_000, 21), 200):
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + 20):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise OSError("no free ports")


def placement() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the servers' cores and the clients': halves of what we may use."""
    cores = tuple(sorted(os.sched_getaffinity(0)))
    half = max(1, len(cores) // 2)
    return cores[:half], cores[half:] or cores


def spawn(
    command: Sequence[str], cores: Sequence[int], log: Path, user: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a server on its cores with all the descriptors that there are."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    before = [program("prlimit", "util-linux"), f"--nofile={hard}:{hard}"]
    before += [program("taskset", "util-linux"), "-c", ",".join(map(str, cores))]
    before += [program("setpriv", "util-linux"), "--pdeathsig", "TERM"]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*before, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user if os.getuid() == 0 else None,
        )


def stop(process: subprocess.Popen[bytes] | None) -> None:
    """End a server."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        for pid in family(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait(3)


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *map(int, children)]


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll; raises TimeoutError."""
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.05)


def answers(port: int) -> bool:
    """Say whether somebody listens there."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU time of all threads, to the nanosecond: /proc/PID/stat counts in 10 ms."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except OSError:
                pass  # a thread that has just ended
    return total / 1e9


def held_bytes(pids: Sequence[int]) -> int:
    """Return their memory, what they share counted once: proportional set size."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def kernel_bytes() -> int:
    """Return what the kernel holds for sockets of the whole machine: objects and TCP's pages."""
    total = 0
    try:
        for line in Path("/proc/slabinfo").read_text().splitlines():
            fields = line.split()
            if fields[0] in _KERNEL_CACHES:
                total += int(fields[1]) * int(fields[3])
    except OSError:
        return 0  # for root only
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            total += int(line.split()[-1]) * resource.getpagesize()
    return total


def wait_for_quiet(seconds: float) -> None:
    """Wait until the kernel has let go of the last round's sockets: some servers close late."""
    limit, before = time.monotonic() + seconds, ""
    while time.monotonic() < limit:
        fields = Path("/proc/net/sockstat").read_text().split("TCP:")[1].split()
        if fields[7] == before:
            return
        before = fields[7]  # sockets allocated
        time.sleep(0.3)
