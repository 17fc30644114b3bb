"""A room's states as they were published, one JSON line each, in a file of bounded size.

Near its limit, changes of nothing but who speaks are left out; at its limit everything is, but
for the end, which a restart has to find. What is left out is counted. Never raises because of a
disk, and nothing waits for it.
"""

import os
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state

_LINES_MAX = 1_000
_SPARING_FROM = 0.75  # of the limit


@dataclass(frozen=True, slots=True)
class _Line:
    data: bytes
    only_speaking: bool
    is_end: bool


class StateLog:
    """`note` belongs to the loop, `write` to a thread for disks."""

    def __init__(self, path: Path, bytes_max: int) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._lines: deque[_Line] = deque()
        self._lock = threading.Lock()  # over the lines; never held while a disk works
        self._newest: RoomState | None = None
        self.left_out = 0

    @property
    def waits(self) -> bool:
        """Something is still to be written."""
        return bool(self._lines)

    def note(self, state: RoomState) -> None:
        """Keep a state that is about to be published."""
        only_speaking = self._newest is not None and _silenced(state) == _silenced(self._newest)
        self._newest = state
        line = _Line(encode_state(state) + b"\n", only_speaking, state.phase is Phase.ENDED)
        with self._lock:
            if len(self._lines) >= _LINES_MAX:
                self._lines.popleft()
                self.left_out += 1
            self._lines.append(line)

    def write(self) -> bool:
        """Write what waits; say whether the disk took it."""
        if not self._lines:
            return True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644
            )
            try:
                size = os.fstat(handle).st_size
                while (line := self._take()) is not None:
                    size += self._write_line(handle, line, size)
            finally:
                os.close(handle)
        except OSError:
            return False
        return True

    def _take(self) -> _Line | None:
        with self._lock:
            return self._lines.popleft() if self._lines else None

    def _write_line(self, handle: int, line: _Line, size: int) -> int:
        if not self._has_room(line, size):
            self.left_out += 1
            return 0
        try:
            written = os.write(handle, line.data)
            if written < len(line.data):
                written += os.write(handle, b"\n")  # the torn line is skipped by readers
        except OSError:
            with self._lock:
                self._lines.appendleft(line)
            raise
        return written

    def _has_room(self, line: _Line, size: int) -> bool:
        if line.is_end:
            return True
        limit = self._bytes_max * (_SPARING_FROM if line.only_speaking else 1)
        return size + len(line.data) <= limit


def _silenced(state: RoomState) -> RoomState:
    """Return the state without what changes whenever somebody opens his mouth."""
    stage = tuple(msgspec.structs.replace(one, speaking=False) for one in state.stage)
    return msgspec.structs.replace(state, stage=stage, sample_index=0, revision=0)
