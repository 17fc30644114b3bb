"""What a process that died left of a recording: how many parts are whole, and where they end.

Cuts off a torn tail, and builds the index again if it does not fit the file. Never changes a byte
of a whole part. For a thread beside the loop: rests between steps, so that the loop has its turn.
"""

import os
import struct
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from stentor.media.boxes import MalformedBox
from stentor.media.fragments import read_codec, read_fragment
from stentor.media.grid import PART_SAMPLES

_OFFSET = struct.Struct("<Q")
_HEADER = struct.Struct(">I4s")
_PART_BYTES_MAX = 1 << 20
_INIT_BYTES_MAX = 1 << 16
_LOOK_BACK_PARTS = 64  # a power cut tears more than the last part: zeros where bytes should be
_REST_PARTS = 16  # about a millisecond's work
_REST_S = 0.001
_INDEX_BATCH = 4_096


@dataclass(frozen=True, slots=True)
class Found:
    """What is whole of a recording."""

    parts: int
    end_bytes: int
    init: bytes


def recover(path: Path, index_path: Path) -> Found | None:
    """Make file and index agree and return what is whole; None if there is nothing."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(file).st_size
        init = _read_init(file)
        if init is None:
            os.ftruncate(file, 0)
            index_path.unlink(missing_ok=True)
            return None
        index = os.open(index_path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            starts, end_bytes = _by_index(file, size, index, len(init))
            believed = len(starts)
            end_bytes = _walk_on(file, size, starts, end_bytes)
            if len(starts) > believed:
                os.ftruncate(index, believed * _OFFSET.size)
                _write_index(index, starts, believed)
            index_bytes = len(starts) * _OFFSET.size
            if os.fstat(index).st_size != index_bytes:
                os.ftruncate(index, index_bytes)
            if size != end_bytes:
                os.ftruncate(file, end_bytes)
        finally:
            os.close(index)
        return Found(len(starts), end_bytes, init)
    finally:
        os.close(file)


def _write_index(index: int, starts: list[int], written: int) -> None:
    for first in range(written, len(starts), _INDEX_BATCH):
        batch = starts[first : first + _INDEX_BATCH]
        os.pwrite(index, struct.pack(f"<{len(batch)}Q", *batch), first * _OFFSET.size)


def _read_init(file: int) -> bytes | None:
    head = os.pread(file, _INIT_BYTES_MAX, 0)
    end = 0
    for kind in (b"ftyp", b"moov"):
        if len(head) < end + _HEADER.size:
            return None
        size, letters = _HEADER.unpack_from(head, end)
        if letters != kind or size < _HEADER.size or len(head) < end + size:
            return None
        end += size
    try:
        read_codec(head[:end])
    except MalformedBox:
        return None
    return head[:end]


def _by_index(file: int, size: int, index: int, init_bytes: int) -> tuple[list[int], int]:
    """Return where parts start and the last ends, as far as the index can be believed."""
    data = os.pread(index, os.fstat(index).st_size, 0)
    starts = [start for (start,) in _OFFSET.iter_unpack(data[: len(data) // 8 * 8])]
    if not starts or starts[0] != init_bytes:
        return [], init_bytes
    if any(later <= earlier for earlier, later in pairwise(starts)):
        return [], init_bytes
    first = max(0, len(starts) - _LOOK_BACK_PARTS)
    end_bytes = init_bytes if first == 0 else starts[first]
    whole = first
    for number in range(first, len(starts)):
        end = _part_end(file, size, number, starts[number])
        if end is None:
            break
        whole, end_bytes = number + 1, end
        if number + 1 < len(starts) and starts[number + 1] != end:
            break  # the part is whole, and what the index says after it is not true
    if whole == first and first > 0:
        return [], init_bytes  # more than a tail is wrong
    return starts[:whole], end_bytes


def _walk_on(file: int, size: int, starts: list[int], at: int) -> int:
    """Add the whole parts after `at`, which the index does not know; return where they end."""
    while (end := _part_end(file, size, len(starts), at)) is not None:
        starts.append(at)
        at = end
    return at


def _part_end(file: int, size: int, number: int, start: int) -> int | None:
    """Return where the part that starts there ends, None if it is not whole or another one."""
    if number % _REST_PARTS == 0:
        time.sleep(_REST_S)
    end = start
    for _ in range(2):
        header = os.pread(file, _HEADER.size, end)
        if len(header) < _HEADER.size:
            return None
        end += int(_HEADER.unpack(header)[0])
        if end > size or end - start > _PART_BYTES_MAX or end <= start:
            return None
    try:
        part = read_fragment(os.pread(file, end - start, start))
    except MalformedBox:
        return None
    if part.decode_time != number * PART_SAMPLES or not all(map(any, part.frames)):
        return None  # an encoded frame is never all zeros: that is length without contents
    return end
