"""ISO base media boxes and event messages, built and taken apart.

Trusts nothing that it parses: every length is checked against the bytes that are there. What the
boxes of a programme hold is in `media.fragments`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from stentor.media.grid import SAMPLE_RATE

BOX_BYTES_MAX = 4 * 1024 * 1024


class MalformedBox(ValueError):
    """Bytes that are not the boxes that they should be."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its four letters, and its payload without the header."""

    kind: str
    payload: bytes
    size: int  # with its header


@dataclass(frozen=True, slots=True)
class Event:
    """What an `emsg` box says. `presentation_time` is in `timescale` units a second."""

    scheme: str
    data: bytes
    presentation_time: int
    timescale: int = SAMPLE_RATE
    id: int = 0
    value: str = ""


def box(kind: str, *payloads: bytes) -> bytes:
    """Return a box of that kind."""
    payload = b"".join(payloads)
    return struct.pack(">I4s", 8 + len(payload), kind.encode()) + payload


def full_box(kind: str, version: int, flags: int, *payloads: bytes) -> bytes:
    """Return a box that has a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *payloads)


def emsg(
    scheme: str,
    data: bytes,
    *,
    presentation_time: int,
    id: int = 0,
    value: str = "",
    timescale: int = SAMPLE_RATE,
) -> bytes:
    """Return an event message box, version 1. `presentation_time` is the sample index."""
    return full_box(
        "emsg",
        1,
        0,
        struct.pack(">IQII", timescale, max(0, presentation_time), 0, id & 0xFFFFFFFF),
        scheme.encode() + b"\0" + value.encode() + b"\0",
        data,
    )


def _header(
    data: bytes | bytearray | memoryview, start: int, bytes_max: int
) -> tuple[int, str] | None:
    """Return a box's size and kind, or None when the header is not all there yet."""
    if len(data) - start < 8:
        return None
    size, letters = struct.unpack_from(">I4s", data, start)
    if size < 8:  # 0 (to the end) and 1 (64 bits) are never made here
        raise MalformedBox(f"a box of {size} bytes")
    if size > bytes_max:
        raise MalformedBox(f"a box of {size} bytes, more than {bytes_max}")
    return size, letters.decode("latin-1")


def boxes(data: bytes, bytes_max: int = BOX_BYTES_MAX) -> Iterator[Box]:
    """Yield the boxes that `data` consists of; raises `MalformedBox` on anything else."""
    start = 0
    while start < len(data):
        header = _header(data, start, bytes_max)
        if header is None or start + header[0] > len(data):
            raise MalformedBox("a box is cut off")
        size, kind = header
        yield Box(kind, data[start + 8 : start + size], size)
        start += size


class BoxStream:
    """Turns bytes, in whatever pieces they come, into top-level boxes."""

    def __init__(self, bytes_max: int = BOX_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._buffer = bytearray()

    @property
    def pending_bytes(self) -> int:
        """How many bytes of a box not yet complete are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Box]:
        """Return every box that `data` completes; raises `MalformedBox`, which ends the stream."""
        self._buffer += data
        found: list[Box] = []
        start = 0
        while header := _header(self._buffer, start, self._bytes_max):
            size, kind = header
            if len(self._buffer) - start < size:
                break
            found.append(Box(kind, bytes(self._buffer[start + 8 : start + size]), size))
            start += size
        del self._buffer[:start]
        return found


def read_event(payload: bytes) -> Event:
    """Return what the payload of an `emsg` box says; raises `MalformedBox`."""
    try:
        version, timescale, time, _duration, id = struct.unpack_from(">B3xIQII", payload)
        if version != 1:
            raise MalformedBox("an emsg box of another version")
        scheme, value, data = payload[24:].split(b"\0", 2)
        return Event(scheme.decode(), data, time, timescale, id, value.decode())
    except (struct.error, ValueError) as error:
        raise MalformedBox(f"not an emsg box: {error}") from None
