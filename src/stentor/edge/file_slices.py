"""A stretch of a file on its way to one client, slice by slice, by the kernel alone if it can.

Knows how far it is; how much goes at once, and when, is its connection's.
"""

import os
from collections.abc import Callable

from stentor.edge.wire import Wire

_SECURE_SLICE_BYTES = 65_536  # TLS has to copy them


class FileSlices:
    """An open file from `start` to `end`; `closed` is called once when it is let go."""

    __slots__ = ("_at", "_closed", "_end", "_file")

    def __init__(self, file: int, start: int, end: int, closed: Callable[[], None]) -> None:
        self._file = file
        self._at = start
        self._end = end
        self._closed = closed

    @property
    def left(self) -> bool:
        """Whether there is more to send."""
        return self._at < self._end

    def send(self, wire: Wire, fd: int, most: int) -> tuple[int, memoryview | None]:
        """Send some; return how many bytes went, and those of them that the wire did not take yet.

        None went: the file is shorter than it was. Raises `OSError` as the wire does.
        """
        wanted = min(most, self._end - self._at)
        owed: memoryview | None = None
        if wire.secure:
            data = os.pread(self._file, min(wanted, _SECURE_SLICE_BYTES), self._at)
            sent = wire.write(fd, data) if data else 0
            if sent < len(data):
                owed = memoryview(data)[sent:]
            sent = len(data)
        else:
            sent = os.sendfile(fd, self._file, self._at, wanted)
        self._at += sent
        return sent, owed

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
        self._closed()
