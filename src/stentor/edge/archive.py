"""Recordings on disk: which bytes are which parts, by the index. Reads, and never writes.

Part n begins at the index's entry n and ends where n + 1 begins, the newest where its own `mdat`
does. So a segment of the shelf is an exact range of the recording.
"""

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from stentor.base.paths import DataFolder

_OFFSET = struct.Struct("<Q")
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})\Z")


@dataclass(frozen=True, slots=True)
class Extent:
    """A range of a file's bytes."""

    path: Path
    start: int
    end: int


class Archive:
    """The recordings of a data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def parts(self, room: str, rendition: str) -> int:
        """Return how many parts the recording has; 0 if there is none."""
        try:
            size = self._folder.recording_index(room, rendition).stat().st_size
        except OSError:
            return 0
        return size // _OFFSET.size

    def init(self, room: str, rendition: str) -> bytes:
        """Return the recording's init segment, nothing if there is no recording."""
        starts = self._starts(room, rendition, 0, 1)
        if not starts or not 0 < starts[0] <= 65_536:
            return b""
        try:
            with self._folder.recording(room, rendition).open("rb") as file:
                return file.read(starts[0])
        except OSError:
            return b""

    def extent(self, room: str, rendition: str, first: int, stop: int) -> Extent | None:
        """Return where parts `first` up to before `stop` are; None if they are not all there."""
        starts = self._starts(room, rendition, first, stop - first + 1)
        path = self._folder.recording(room, rendition)
        if len(starts) < stop - first:
            return None
        end = starts[-1] if len(starts) > stop - first else self._end_of_part(path, starts[-1])
        return Extent(path, starts[0], end) if end > starts[0] else None

    def whole(self, room: str, rendition: str) -> Extent | None:
        """Return the recording from its init to the end of its newest whole part."""
        parts = self.parts(room, rendition)
        last = self._starts(room, rendition, parts - 1, 1) if parts else ()
        if not last:
            return None
        path = self._folder.recording(room, rendition)
        end = self._end_of_part(path, last[0])
        return Extent(path, 0, end) if end else None

    def read(self, extent: Extent) -> bytes:
        """Return an extent's bytes, fewer if the file is shorter than it should be."""
        try:
            with extent.path.open("rb") as file:
                return os.pread(file.fileno(), extent.end - extent.start, extent.start)
        except OSError:
            return b""

    def _starts(self, room: str, rendition: str, first: int, count: int) -> tuple[int, ...]:
        try:
            with self._folder.recording_index(room, rendition).open("rb") as file:
                data = os.pread(file.fileno(), count * _OFFSET.size, first * _OFFSET.size)
        except OSError:
            return ()
        whole = len(data) // _OFFSET.size
        return struct.unpack_from(f"<{whole}Q", data)

    @staticmethod
    def _end_of_part(path: Path, start: int) -> int:
        """Return where the part that begins at `start` ends, 0 if it is not whole."""
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                at = start
                for kind in (b"moof", b"mdat"):
                    header = os.pread(file.fileno(), 8, at)
                    if len(header) < 8 or header[4:] != kind:
                        return 0
                    at += int.from_bytes(header[:4], "big")
        except OSError:
            return 0
        return at if at <= size else 0


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """Return start and end of the one range that a Range header asks for.

    None means the whole: no range, several, or another unit (RFC 9110 14.2 allows that). Raises
    `ValueError` if there are no such bytes.
    """
    match = _RANGE.match(header.replace(" ", "").lower())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        if length == 0 or size == 0:
            raise ValueError("no such bytes")
        return max(0, size - length), size
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise ValueError("no such bytes")
    return start, end
