"""What a push stream's bytes say, read by their lengths alone: positions, events, no audio. Pure.

For everyone but the sample, whose bytes are taken apart wholly (`reading`). A chunk costs the same
whatever it holds, so a join of a slow lane is read as cheaply as one of a fast lane.
"""

import struct
from dataclasses import dataclass

from stentor.admission.events import ADVICE_SCHEME, RETURN_SCHEME
from stentor.load.reading import CHUNK_BYTES_MAX, JUMP_SCHEME, BrokenStream
from stentor.media.boxes import Event, MalformedBox, read_event
from stentor.media.grid import PART_SAMPLES
from stentor.rooms.state import EMSG_SCHEME

_BOX = struct.Struct(">I4s")
# Of a moof as `media.fragments` makes it: frame length (tfhd), tfdt's name and time, trun's count.
_MOOF = struct.Struct(">48xI4x4s4xQ4x4s4xI")
_SCHEME_AT = 32  # within an emsg box: header, version, timescale, time, duration, id
_KNOWN = tuple(
    scheme.encode() + b"\0" for scheme in (EMSG_SCHEME, JUMP_SCHEME, RETURN_SCHEME, ADVICE_SCHEME)
)


@dataclass(slots=True)
class Skimmed:
    """What bytes said. `runs` are fragments as (first part, parts), in order."""

    used: int  # bytes that made whole chunks
    runs: list[tuple[int, int]]
    events: list[Event]
    ended: bool


def skim(data: bytes, at: int = 0) -> Skimmed:
    """Return what the whole chunks from `at` on say; raises `BrokenStream`."""
    runs: list[tuple[int, int]] = []
    events: list[Event] = []
    size_of = len(data)
    try:
        while True:
            line_end = data.find(b"\r\n", at, at + 20)
            if line_end < 0:
                if size_of - at >= 20:
                    raise BrokenStream("A chunk has no size.")
                return Skimmed(at, runs, events, False)
            size = int(data[at:line_end], 16)
            if not 0 <= size <= CHUNK_BYTES_MAX:
                raise BrokenStream("A chunk is too large.")
            stop = line_end + 2 + size
            if stop + 2 > size_of:
                return Skimmed(at, runs, events, False)
            if data[stop : stop + 2] != b"\r\n":
                raise BrokenStream("A chunk is longer than it says.")
            if not size:
                return Skimmed(stop + 2, runs, events, True)
            _boxes(data, line_end + 2, stop, runs, events)
            at = stop + 2
    except (ValueError, struct.error) as error:
        raise BrokenStream(f"A chunk is damaged: {error}.") from None


def _boxes(
    data: bytes, at: int, stop: int, runs: list[tuple[int, int]], events: list[Event]
) -> None:
    while at < stop:
        size, kind = _BOX.unpack_from(data, at)
        if size < 8 or at + size > stop:
            raise MalformedBox("a box is cut off")
        if kind == b"moof":
            frame_samples, tfdt, time, trun, count = _MOOF.unpack_from(data, at)
            part, beside = divmod(time, PART_SAMPLES)
            parts, more = divmod(frame_samples * count, PART_SAMPLES)
            if tfdt != b"tfdt" or trun != b"trun" or beside or more or not parts:
                raise MalformedBox("a fragment that is not of whole parts")
            runs.append((part, parts))
        elif kind == b"emsg" and data.startswith(_KNOWN, at + _SCHEME_AT):
            events.append(read_event(data[at + 8 : at + size]))
        at += size
