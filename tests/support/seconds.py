"""The watch as edges know it: a socket that hears their seconds, and the policy that it writes."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from stentor.base.paths import DataFolder
from stentor.base.secrets import load_or_make_key
from stentor.shield.facts import EdgeSecond
from stentor.shield.keys import EventKey
from stentor.shield.policy import Ban, Policy, Why, encode_policy

PATIENCE_S = 20.0
BYTES_MAX = 1 << 20


class HeardWatch:
    """Hears what edges tell, and tells them what to do."""

    def __init__(self, folder: DataFolder) -> None:
        folder.run.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = EventKey(load_or_make_key(folder.event_key))
        self.seconds: list[EdgeSecond] = []
        self._number = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder.watch_socket))

    def hear(self) -> EdgeSecond:
        """Return the next second that an edge tells."""
        self._socket.settimeout(PATIENCE_S)
        second = msgspec.msgpack.decode(self._socket.recv(BYTES_MAX), type=EdgeSecond)
        self.seconds.append(second)
        return second

    def until(self, happened: Callable[[EdgeSecond], Any]) -> EdgeSecond:
        """Return the first second to come of which that is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not happened(second := self.hear()):
            assert time.monotonic() < deadline, f"never told: the last was {second}"
        return second

    def counted(self, name: str) -> int:
        """Return how much a counter grew in all the seconds that were heard."""
        return sum(second.counts.get(name, 0) for second in self.seconds)

    def until_counted(self, name: str, times: int) -> None:
        """Hear on until a counter has grown by so much."""
        deadline = time.monotonic() + PATIENCE_S
        while self.counted(name) < times:
            assert time.monotonic() < deadline, f"{name}: {self.counted(name)} of {times}"
            self.hear()

    def decree(self, *, lasts_s: float = 60.0, key_id: str = "", **wishes: Any) -> Policy:
        """Write a policy and return it; it is in force once a second says so."""
        self._number += 1
        now_ms = time.time_ns() // 1_000_000
        policy = Policy(
            number=self._number,
            at_ms=now_ms,
            until_ms=now_ms + round(lasts_s * 1000),
            key_id=key_id or self.key.id,
            **wishes,
        )
        scratch = self.folder.policy.with_suffix(".new")
        scratch.write_bytes(encode_policy(policy))
        scratch.replace(self.folder.policy)
        return policy

    def ban(self, network: bytes, *, kernel: bool = False, lasts_s: float = 60.0) -> Policy:
        """Have a packed network kept out, and wait until the edge knows."""
        until_ms = time.time_ns() // 1_000_000 + round(lasts_s * 1000)
        ban = Ban(self.key.name(network), until_ms, Why.FORGED, kernel=kernel)
        policy = self.decree(bans=(ban,), lasts_s=lasts_s)
        self.until(lambda second: second.policy == policy.number)
        return policy

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def watch_of(folder: DataFolder) -> Iterator[HeardWatch]:
    watch = HeardWatch(folder)
    try:
        yield watch
    finally:
        watch.close()
