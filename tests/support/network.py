"""Ports of this machine for tests that start real servers."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# Below the kernel's range for outgoing connections: else some other test's connection may take one
# before the server does. Tests that run side by side have a range each.
_PORTS = range(10_000, 32_000)


def free_ports(count: int, host: str = "127.0.0.1") -> int:
    """Return the first of `count` consecutive ports that nothing listens on now."""
    chance = random.Random()
    sides = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    side = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % sides
    size = len(_PORTS) // sides
    for _ in range(200):
        first = _PORTS[side * size] + chance.randrange(size - count)
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind((host, port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports")


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that nothing listens on now; take it soon."""
    return free_ports(1, host)


@contextmanager
def closed_ports(*names: str, host: str = "127.0.0.1") -> Iterator[dict[str, int]]:
    """Keep a port for each name at which nothing listens, and nothing can for so long."""
    with ExitStack() as stack:
        ports = {}
        for name in names:
            kept = stack.enter_context(socket.socket())
            kept.bind((host, 0))
            ports[name] = kept.getsockname()[1]
        yield ports


def wait_for_port(port: int, host: str = "127.0.0.1", timeout_s: float = 45) -> None:
    """Return when something accepts connections on the port; raise TimeoutError otherwise."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on {host}:{port}") from None
            time.sleep(0.02)
