"""One clock for every process of a machine: the monotonic clock plus one shared offset.

A machine's wall clock may jump (NTP, an operator's hand); a conversation on the air must not. So
every process reads `monotonic + offset`, where the offset lies in eight bytes of a file that all
of them map, and only the supervisor writes it, as `decide_offset` says. Nothing else in Stentor
reads the wall clock.
"""

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Protocol

_OFFSET = struct.Struct("<q")
JUMP_NS = 250_000_000  # smaller differences are drift and are followed while nothing is live


class Clock(Protocol):
    """What time it is: Unix time in nanoseconds, never going backwards while a room is live."""

    def now_ns(self) -> int:
        """Return Unix time in nanoseconds."""
        ...


def decide_offset(current_ns: int, measured_ns: int, any_room_live: bool) -> int:
    """Return the offset to use from now on.

    While a room is live the offset stays, whatever the wall clock does: the programme clock is
    anchored to it. Else the measured one is adopted.
    """
    return current_ns if any_room_live else measured_ns


def measured_offset_ns() -> int:
    """Return wall clock minus monotonic clock as the kernel has them now, in nanoseconds."""
    return time.time_ns() - time.monotonic_ns()


class SharedClock:
    """The machine's clock as all its parts see it; creates the shared file if there is none."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size < _OFFSET.size:
                os.write(handle, _OFFSET.pack(measured_offset_ns()))
            self._map = mmap.mmap(handle, _OFFSET.size)
        finally:
            os.close(handle)

    @property
    def offset_ns(self) -> int:
        """The offset in force, nanoseconds."""
        return int(_OFFSET.unpack_from(self._map)[0])

    @offset_ns.setter
    def offset_ns(self, value: int) -> None:
        _OFFSET.pack_into(self._map, 0, value)

    def now_ns(self) -> int:
        """Return Unix time in nanoseconds."""
        return time.monotonic_ns() + self.offset_ns


class SystemClock:
    """The wall clock itself, for commands that run apart from a server."""

    def now_ns(self) -> int:
        """Return Unix time in nanoseconds."""
        return time.time_ns()


class ManualClock:
    """A clock that moves only when told to; for tests and for simulation."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the time that was set."""
        return self._now_ns

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._now_ns += round(seconds * 1e9)
