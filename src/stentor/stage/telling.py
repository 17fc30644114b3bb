"""Tells the watch, once a second, what its media ports were sent by others than its speakers.

One datagram, never waited for: whether anybody hears it changes nothing here.
"""

import asyncio
import contextlib
import socket
from pathlib import Path

import msgspec

from stentor.base.clock import Clock
from stentor.shield.facts import StageSecond
from stentor.stage.stage import Stage

_NS = 1_000_000_000
_COUNTED = ("sifted", "foreign")


class Telling:
    """The stage's end of the watch's socket."""

    def __init__(self, watch: Path, stage: Stage, clock: Clock, name: str = "stage") -> None:
        self._watch = str(watch)
        self._stage = stage
        self._clock = clock
        self._name = name
        self._seen: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    async def run(self) -> None:
        """Tell of each whole second of the shared clock until cancelled."""
        while True:
            await asyncio.sleep((_NS - self._clock.now_ns() % _NS) / _NS)
            self.tell()

    def tell(self) -> None:
        """Tell of what came since the last time; never raises."""
        seen, self._seen = self._seen, self._stage.packets()
        second = StageSecond(
            self._name,
            self._clock.now_ns() // 1_000_000,
            speakers=len(self._stage.sessions),
            **{name: self._seen[name] - seen.get(name, 0) for name in _COUNTED if self._seen},
        )
        with contextlib.suppress(OSError):
            self._socket.sendto(msgspec.msgpack.encode(second), self._watch)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
