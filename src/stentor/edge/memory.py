"""How much memory this process has, and whether that is too much for letting more people in."""

import os
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")
_ROOM_FACTOR = 0.95  # who was shut out is let in again when this much of the limit is free


def resident_bytes() -> int:
    """Return what this process has in memory; 0 where the kernel does not say."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


class Memory:
    """Looked at once a second; `short` is a fact for the door. A limit of 0 is none."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.resident_bytes = 0
        self.short = False

    def look(self, resident: int) -> bool:
        """Take what there is now; say whether that changed anything for those who come."""
        was, self.resident_bytes = self.short, resident
        limit = self._bytes_max * (_ROOM_FACTOR if was else 1.0)
        self.short = bool(self._bytes_max) and resident > limit
        return self.short != was
