"""One rendition's recording: append-only, a valid MP4 at every moment; and its index.

Parts that the disk does not take wait in memory, up to a limit; beyond it the oldest give way and
are written as silence when there is room again, so that part n stays where arithmetic expects it.
`append` and `give_way` belong to the loop, `write_pending` to a thread for disks. Neither raises
because of a disk.
"""

import os
import struct
import threading
from collections import deque
from itertools import islice
from pathlib import Path

from stentor.codecs.encode import Part, SilentParts
from stentor.origin.recovery import recover

_OFFSET = struct.Struct("<Q")
_BATCH_PARTS = 256


class Recording:
    """Appends parts in order; `parts` says how many are in the file."""

    def __init__(self, path: Path, index_path: Path, silent: SilentParts) -> None:
        self._path = path
        self._index_path = index_path
        self._silent = silent
        self._file = -1
        self._index = -1
        self._end_bytes = 0
        self._pending: deque[Part] = deque()
        self._gave_way = 0  # parts before the first that waits, due as silence
        self._lock = threading.Lock()  # over what waits; never held while a disk works
        self.init = silent.init
        self.parts = 0
        self.next_part = 0  # the number of the part to append next
        self.pending_bytes = 0
        self.lost_parts = 0
        self.error: OSError | None = None

    def recover(self) -> None:
        """Take up what an earlier process left: cut off what is torn."""
        try:
            found = recover(self._path, self._index_path)
        except OSError as error:
            self.error = error
            return
        if found is not None:
            self.parts, self._end_bytes, self.init = found.parts, found.end_bytes, found.init
            self.next_part = self.parts

    def append(self, parts: list[Part]) -> None:
        """Take parts to be written, in order."""
        with self._lock:
            for part in parts:
                if part.number != self.next_part:
                    raise ValueError(f"part {part.number} where {self.next_part} is due")
                self._pending.append(part)
                self.pending_bytes += len(part.data)
                self.next_part += 1

    def write_pending(self) -> bool:
        """Write what waits; say whether everything is in the file now."""
        try:
            self._open()
            while self._write_batch():
                pass
        except OSError as error:
            self.error = error
            self._cut_back()
            return False
        self.error = None
        return True

    def give_way(self, bytes_max: int) -> int:
        """Let go of the oldest that wait until at most `bytes_max` are held; return how many."""
        given = 0
        with self._lock:
            while self._pending and self.pending_bytes > bytes_max:
                self.pending_bytes -= len(self._pending.popleft().data)
                given += 1
            self._gave_way += given
            self.lost_parts += given
        return given

    def tail(self, parts_max: int) -> list[Part]:
        """Return the newest parts in the file, for those who come after a restart."""
        first = max(0, self.parts - parts_max)
        try:
            with self._index_path.open("rb") as index, self._path.open("rb") as file:
                index.seek(first * _OFFSET.size)
                data = index.read((self.parts - first) * _OFFSET.size)
                starts = [start for (start,) in _OFFSET.iter_unpack(data)]
                ends = [*starts[1:], self._end_bytes]
                found = []
                for number, start, end in zip(range(first, self.parts), starts, ends, strict=True):
                    file.seek(start)
                    found.append(Part(number, file.read(end - start)))
                return found
        except (OSError, ValueError) as error:
            self.error = error if isinstance(error, OSError) else None
            return []

    def sync(self) -> None:
        """Bring what is written onto the disk. For a thread; raises OSError."""
        for descriptor in (self._file, self._index):
            if descriptor >= 0:
                os.fdatasync(descriptor)

    def close(self) -> None:
        """Let go of the files; not while `sync` runs."""
        for descriptor in (self._file, self._index):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._index = -1

    def _open(self) -> None:
        if self._file < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if self._index < 0:
            self._index = os.open(self._index_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if self._end_bytes == 0:
            _write_all(self._file, self.init, 0)
            self._end_bytes = len(self.init)

    def _write_batch(self) -> bool:
        """Write some of what waits; say whether there was any."""
        with self._lock:
            silent = min(_BATCH_PARTS, self._gave_way)
            batch = [] if silent else list(islice(self._pending, _BATCH_PARTS))
            for _ in batch:
                self._pending.popleft()
        if not silent and not batch:
            return False
        numbers = range(self.parts, self.parts + silent)
        try:
            self._write([self._silent.part(n).data for n in numbers] or [p.data for p in batch])
        except BaseException:
            with self._lock:
                self._put_back(batch)
            raise
        with self._lock:
            self._gave_way -= silent
            self.pending_bytes -= sum(len(part.data) for part in batch)
        return True

    def _put_back(self, batch: list[Part]) -> None:
        if self._gave_way and batch:  # those after it gave way meanwhile: so must it
            self._gave_way += len(batch)
            self.lost_parts += len(batch)
            self.pending_bytes -= sum(len(part.data) for part in batch)
        else:
            self._pending.extendleft(reversed(batch))

    def _write(self, blocks: list[bytes]) -> None:
        starts = []
        end_bytes = self._end_bytes
        for block in blocks:
            starts.append(_OFFSET.pack(end_bytes))
            end_bytes += len(block)
        _write_all(self._file, b"".join(blocks), self._end_bytes)
        _write_all(self._index, b"".join(starts), self.parts * _OFFSET.size)
        self._end_bytes = end_bytes
        self.parts += len(blocks)

    def _cut_back(self) -> None:
        """Leave only whole parts in the file: it has to stay valid while the disk is full."""
        try:
            if self._file >= 0:
                os.ftruncate(self._file, self._end_bytes)
            if self._index >= 0:
                os.ftruncate(self._index, self.parts * _OFFSET.size)
        except OSError as error:
            self.error = error


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written
