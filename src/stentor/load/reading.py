"""What a push stream's bytes say: response heads, chunks, parts, events. Pure.

Takes everything apart to the last byte, merged parts too: for the sample, and for whoever tests.
What everyone else's bytes say is read in `skim`.
"""

from dataclasses import dataclass

import msgspec

from stentor.base.errors import StentorError
from stentor.media.boxes import MalformedBox, boxes, read_event
from stentor.media.merge import first_part, unmerge
from stentor.rooms.orders import Phase
from stentor.rooms.state import EMSG_SCHEME, RoomState, decode_room_state

JUMP_SCHEME = "urn:stentor:jump:1"
HEAD_BYTES_MAX = 8192
CHUNK_BYTES_MAX = 4 * 1024 * 1024


class BrokenStream(StentorError):
    """The bytes are not a push stream."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a response."""

    status: int
    period_s: float | None  # how much programme comes at once, if the edge says so
    length: int
    rendition: str = ""  # what is really given, if the edge says so
    body_bytes: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What some bytes said; `used` is how many of them make whole chunks."""

    used: int
    parts: tuple[int, ...] = ()  # part numbers in order
    media: tuple[bytes, ...] = ()  # the same parts' bytes
    jumps: int = 0
    state: RoomState | None = None
    init: bytes = b""
    ended: bool = False

    @property
    def over(self) -> bool:
        """Whether the room said that it has ended."""
        return self.state is not None and self.state.phase is Phase.ENDED


def read_head(data: bytes) -> Head | None:
    """Return a response's head, None while it is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > HEAD_BYTES_MAX:
            raise BrokenStream("The response's head has no end.")
        return None
    lines = data[:end].decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    try:
        status = int(lines[0].split(" ")[1])
        period = fields.get("stentor-period-ms")
        body, retry = fields.get("content-length"), fields.get("retry-after")
        return Head(
            status,
            None if period is None else int(period) / 1000,
            end + 4,
            fields.get("stentor-rendition", ""),
            None if body is None else int(body),
            None if retry is None else float(retry),
        )
    except (IndexError, ValueError):
        raise BrokenStream("The response is not HTTP.") from None


def _chunk_end(data: bytes, start: int) -> tuple[int, int] | None:
    """Return where a chunk's content begins and ends, None while it is not all there."""
    line_end = data.find(b"\r\n", start, start + 20)
    if line_end < 0:
        return None
    try:
        size = int(data[start:line_end], 16)
    except ValueError:
        raise BrokenStream("A chunk has no size.") from None
    if not 0 <= size <= CHUNK_BYTES_MAX:  # "-6" would read the same line for ever
        raise BrokenStream("A chunk is too large.")
    stop = line_end + 2 + size
    return None if len(data) < stop + 2 else (line_end + 2, stop)


class _Reader:
    """Takes chunks apart, box by box."""

    def __init__(self) -> None:
        self.parts: list[int] = []
        self.media: list[bytes] = []
        self.jumps = 0
        self.state: RoomState | None = None
        self.init = b""

    def take(self, chunk: bytes) -> None:
        at, moof = 0, b""
        for one in boxes(chunk):
            whole = chunk[at : at + one.size]
            match one.kind:
                case "moof":
                    moof = whole
                case "mdat":
                    self._fragment(moof + whole)
                    moof = b""
                case "emsg":
                    self._event(one.payload)
                case "ftyp" | "moov":
                    self.init += whole
            at += one.size

    def _fragment(self, data: bytes) -> None:
        """Slow lanes merge parts into one fragment: what was merged is what is checked."""
        number = first_part(data)
        media = unmerge(data)
        self.parts.extend(range(number, number + len(media)))
        self.media.extend(media)

    def _event(self, payload: bytes) -> None:
        event = read_event(payload)
        if event.scheme == EMSG_SCHEME:
            self.state = decode_room_state(event.data)
        elif event.scheme == JUMP_SCHEME:
            self.jumps += 1


def read_chunks(data: bytes) -> Said:
    """Return what the whole chunks at the start of `data` say."""
    used, ended = 0, False
    reader = _Reader()
    while not ended and (extent := _chunk_end(data, used)) is not None:
        start, stop = extent
        used, ended = stop + 2, start == stop
        try:
            reader.take(data[start:stop])
        except (MalformedBox, msgspec.MsgspecError) as error:
            raise BrokenStream(f"A chunk is damaged: {error}.") from None
    parts, media = tuple(reader.parts), tuple(reader.media)
    return Said(used, parts, media, reader.jumps, reader.state, reader.init, ended)
