"""Tells the guard, if there is one, from where ICE has had a good check. Never waits, never fails.

Without a guard nothing is different: the stage's own filter and gate decide.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from stentor.base.metrics import STAGE_GUARD_UNSAID
from stentor.shield.vocabulary import Validated, encode
from stentor.stage.sieve import Source

VALID_S = 60  # a browser checks every few seconds; a guard forgets who has left
_AGAIN_S = 15.0
_SOURCES_MAX = 4_096


class GuardWords:
    """Words to the guard's socket; what does not go at once is counted and said again later."""

    def __init__(self, path: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self._path = str(path)
        self._now_s = now_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._said: dict[Source, float] = {}

    def validated(self, address: str, port: int) -> None:
        """Say that ICE has had a good check from there, unless that was said just now."""
        now_s = self._now_s()
        source = (address, port)
        if now_s < self._said.get(source, 0.0):
            return
        self._said.pop(source, None)
        if len(self._said) >= _SOURCES_MAX:
            del self._said[next(iter(self._said))]
        self._said[source] = now_s + _AGAIN_S
        try:
            self._socket.sendto(encode(Validated(address, port, VALID_S)), self._path)
        except OSError:
            STAGE_GUARD_UNSAID.inc()
            self._said[source] = now_s + 1.0

    def close(self) -> None:
        """Say nothing any more."""
        self._socket.close()
