"""Two network namespaces with a cable between them, and sockets in either from this process.

with cable() as link:
    server = link.near.listen(("10.77.0.1", 8000))
    client = link.far.open(); client.connect(…)
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x4000_0000
_libc = ctypes.CDLL(None, use_errno=True)

NEAR, NEAR6 = "10.77.0.1", "fd77::1"
NEAR_INTERFACE, FAR_INTERFACE = "near0", "far0"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)


@dataclass(frozen=True)
class Namespace:
    """A network namespace by its name."""

    name: str

    @property
    def path(self) -> Path:
        return Path("/run/netns") / self.name

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be in it with this thread: sockets made meanwhile stay in it."""
        with Path("/proc/thread-self/ns/net").open() as home, self.path.open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def open(
        self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, source: str = ""
    ) -> socket.socket:
        with self.entered():
            made = socket.socket(family, kind)
        if source:
            made.bind((source, 0))
        return made

    def listen(self, address: tuple[str, int], kind: int = socket.SOCK_STREAM) -> socket.socket:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        made = self.open(family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen(64)
        return made

    def command(self, *arguments: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(self, *arguments: str) -> str:
        """Run a command in it; return what it says."""
        done = subprocess.run(
            self.command(*arguments), check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@dataclass(frozen=True)
class Cable:
    """`near` is where the server is; `far` has all the addresses of those who come."""

    near: Namespace
    far: Namespace


@contextlib.contextmanager
def cable(addresses: Sequence[str] = ()) -> Iterator[Cable]:
    """Make both ends; skip where that is not allowed."""
    mark = uuid.uuid4().hex[:8]
    near, far = Namespace(f"stentor-near-{mark}"), Namespace(f"stentor-far-{mark}")
    try:
        _ip("netns", "add", near.name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made: {error.stderr.decode().strip()}")
    with contextlib.ExitStack() as stack:
        stack.callback(_ip, "netns", "del", near.name)
        _ip("netns", "add", far.name)
        stack.callback(_ip, "netns", "del", far.name)
        _ip("link", "add", NEAR_INTERFACE, "netns", near.name, "type", "veth",
            "peer", "name", FAR_INTERFACE, "netns", far.name)  # fmt: skip
        for name, interface, v4, v6 in (
            (near.name, NEAR_INTERFACE, f"{NEAR}/30", f"{NEAR6}/126"),
            (far.name, FAR_INTERFACE, "10.77.0.2/30", "fd77::2/126"),
        ):
            _ip("-n", name, "addr", "add", v4, "dev", interface)
            _ip("-n", name, "addr", "add", v6, "dev", interface, "nodad")
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", interface, "up")
        for address in addresses:
            prefix = "128" if ":" in address else "32"
            more = ["nodad"] if ":" in address else []
            _ip("-n", far.name, "addr", "add", f"{address}/{prefix}", "dev", FAR_INTERFACE, *more)
        _ip("-n", near.name, "route", "add", "default", "via", "10.77.0.2")
        _ip("-n", near.name, "-6", "route", "add", "default", "via", "fd77::2")
        yield Cable(near, far)
