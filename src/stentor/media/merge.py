"""Several parts as one coarser fragment, and back: less overhead for who gets many at once.

Decides which bytes may be merged: parts in order, of one encoding, with nothing between them that
a decoder must see. The audio stays the same to the byte; nothing here encodes or decodes.
"""

import struct
from collections.abc import Sequence

from stentor.media.boxes import MalformedBox
from stentor.media.fragments import fragment
from stentor.media.grid import PART_SAMPLES

# Everything of a fragment before the table of its frames' sizes: see `fragments.fragment`.
_HEADER = struct.Struct(">I4s I4sII I4s I4sIII I4sIQ I4sIIi")
_MDAT = struct.Struct(">I4s")
_FIXED = (
    b"moof", 16, b"mfhd", 0, b"traf", 20, b"tfhd", 0x020008, 1, 20, b"tfdt", 1 << 24,
    b"trun", 0x000201,
)  # fmt: skip


def _taken_apart(data: bytes) -> tuple[int, int, int, int]:
    """Return a fragment's decode time, samples a frame, frames, and where its payload begins.

    Raises `MalformedBox` unless it is one `moof` and one `mdat` as `fragment` makes them.
    """
    try:
        (
            moof_bytes, moof, mfhd_bytes, mfhd, mfhd_flags, _sequence, traf_bytes, traf,
            tfhd_bytes, tfhd, tfhd_flags, track, frame_samples,
            tfdt_bytes, tfdt, tfdt_flags, time, run_bytes, trun, run_flags, count, offset,
        ) = _HEADER.unpack_from(data)  # fmt: skip
        mdat_bytes, mdat = _MDAT.unpack_from(data, moof_bytes)
    except struct.error:
        raise MalformedBox("a fragment that is cut off") from None
    found = (
        moof, mfhd_bytes, mfhd, mfhd_flags, traf, tfhd_bytes, tfhd, tfhd_flags, track,
        tfdt_bytes, tfdt, tfdt_flags, trun, run_flags,
    )  # fmt: skip
    if (
        found != _FIXED
        or mdat != b"mdat"
        or moof_bytes + mdat_bytes != len(data)
        or moof_bytes != _HEADER.size + 4 * count
        or traf_bytes != moof_bytes - 24
        or run_bytes != 20 + 4 * count
        or offset != moof_bytes + 8
    ):
        raise MalformedBox("a fragment of another shape")
    return time, frame_samples, count, offset


def merge(parts: Sequence[bytes]) -> bytes:
    """Return parts, each the next one of the last, as one fragment.

    Its sequence number and decode time are the first part's, so it is found on the grid as a part
    is. Raises `MalformedBox` if they do not follow each other or are no parts.
    """
    if len(parts) == 1:
        return parts[0]
    first_time, frame_samples, _count, _offset = _taken_apart(parts[0])
    expected, frames = first_time, 0
    tables: list[bytes] = []
    payloads: list[memoryview] = []
    for one in parts:
        time, duration, count, offset = _taken_apart(one)
        if time != expected or duration != frame_samples:
            raise MalformedBox("parts that do not follow each other")
        expected += duration * count
        frames += count
        tables.append(one[_HEADER.size : offset - 8])
        payloads.append(memoryview(one)[offset:])
    moof_bytes = _HEADER.size + 4 * frames
    header = _HEADER.pack(
        moof_bytes, b"moof",
        16, b"mfhd", 0, (first_time // PART_SAMPLES + 1) & 0xFFFFFFFF,
        moof_bytes - 24, b"traf",
        20, b"tfhd", 0x020008, 1, frame_samples,
        20, b"tfdt", 1 << 24, first_time,
        20 + 4 * frames, b"trun", 0x000201, frames, moof_bytes + 8,
    )  # fmt: skip
    mdat = _MDAT.pack(8 + sum(map(len, payloads)), b"mdat")
    return b"".join((header, *tables, mdat, *payloads))


def first_part(data: bytes) -> int:
    """Return the number of the (first) part in a fragment; raises `MalformedBox`."""
    number, beside = divmod(_taken_apart(data)[0], PART_SAMPLES)
    if beside:
        raise MalformedBox("a fragment that does not begin on the grid")
    return number


def parts_in(data: bytes) -> int:
    """Return how many parts a fragment holds; raises `MalformedBox`."""
    _time, frame_samples, count, _offset = _taken_apart(data)
    whole, beside = divmod(frame_samples * count, PART_SAMPLES)
    if beside or not whole or count % whole:  # a frame longer than a part: of millions of parts
        raise MalformedBox("a fragment that is not of whole parts")
    return whole


def unmerge(data: bytes) -> list[bytes]:
    """Return the very parts that were merged, as the origin made them, in order.

    Raises `MalformedBox` if the fragment is not made of whole parts.
    """
    number, count = first_part(data), parts_in(data)
    if count == 1:
        return [data]
    _time, frame_samples, frames, at = _taken_apart(data)
    sizes = struct.unpack_from(f">{frames}I", data, _HEADER.size)
    if at + sum(sizes) != len(data):
        raise MalformedBox("the sizes of a fragment do not add up")
    per_part = frames // count
    found: list[bytes] = []
    for part in range(count):
        pieces: list[bytes] = []
        for size in sizes[part * per_part : (part + 1) * per_part]:
            pieces.append(data[at : at + size])
            at += size
        found.append(fragment(number + part, frame_samples, pieces))
    return found
