"""One delivery for many listeners, in pages of memory that the kernel sends without copying them.

`sendfile(2)` from a memory file lends the same pages to every socket. With 46 KB it costs half of
what `write` does, and receiving on the same machine too; below some kilobytes there is no
difference. Decides only whether it is worth while.
"""

import os

PAGES_BYTES_MIN = 8_192
PAGES_RECEIVERS_MIN = 8
PAGES_MAX = 256  # open at once in a process; beyond that there is `write`

_open = 0


class Pages:
    """Bytes that are never changed; the file is closed with the last reference to this.

    What the kernel has still to send keeps its pages, so closing early harms nobody.
    """

    __slots__ = ("_file", "_size")

    def __init__(self, data: bytes) -> None:
        """Raises `OSError` when there is no descriptor or no memory left."""
        global _open
        self._size = len(data)
        self._file = -1
        file = os.memfd_create("stentor", os.MFD_CLOEXEC)
        try:
            if os.write(file, data) != len(data):
                raise OSError("a memory file is shorter than what was written")
        except OSError:
            os.close(file)
            raise
        self._file = file
        _open += 1

    def write(self, fd: int, _data: bytes | memoryview) -> int:
        """Send all of it, as `os.write` would its second argument, which must be these bytes."""
        return os.sendfile(fd, self._file, 0, self._size)

    def __del__(self) -> None:
        global _open
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            _open -= 1


def pages_for(data: bytes, receivers: int) -> Pages | None:
    """Return pages with these bytes, None where `write` is as good or the only way."""
    if len(data) < PAGES_BYTES_MIN or receivers < PAGES_RECEIVERS_MIN or _open >= PAGES_MAX:
        return None
    try:
        return Pages(data)
    except OSError:
        return None
