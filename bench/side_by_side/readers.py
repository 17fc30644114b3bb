"""What one listener makes of the bytes it gets, and how its player fares; one class a protocol.

The player is the same for all: it plays from the first audio on, and stalls when its buffer is
dry. Bytes and times come in, requests go out; sockets are the crowd's.
"""

import re
from dataclasses import dataclass

from side_by_side.programme import ADTS_TIME, FRAME_SAMPLES, SAMPLE_RATE, SEGMENT_S
from stentor.admission.lanes import lane_for_period, target_s

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PERIOD = re.compile(rb"stentor-period-ms: *(\d+)", re.IGNORECASE)
_SEQUENCE = re.compile(rb"MEDIA-SEQUENCE:(\d+)")
_SETTLING_S = 1.0
HLS_SEGMENTS_BACK = 3  # RFC 8216 6.3.3: not closer to the end than three target durations


class Broken(Exception):
    """The answer is not what it should be."""


@dataclass(slots=True)
class Counted:
    """What the listeners of one process got since it was last asked."""

    bytes: int = 0
    reads: int = 0
    stalls: int = 0
    stalled_s: float = 0.0
    late_s_max: float = 0.0


class Player:
    """Positions in seconds of programme: `end` is what has come, `heard` is where it plays."""

    __slots__ = ("_from_ns", "_from_s", "end", "started_ns", "target_s")

    def __init__(self, target_s: float) -> None:
        self.target_s = target_s  # what a joiner keeps of its first burst
        self._from_ns = 0
        self._from_s = 0.0
        self.end = -1.0
        self.started_ns = 0

    def heard(self, now_ns: int) -> float:
        """Return where it plays, or would if it had the audio."""
        return self._from_s + (now_ns - self._from_ns) / 1e9

    def take(self, begin: float, end: float, now_ns: int, counted: Counted) -> None:
        """Audio up to `end` is there; `begin` counts for the first one only."""
        if self.end < 0:
            self.started_ns = now_ns
            self._from_ns, self._from_s = now_ns, max(begin, end - self.target_s)
        else:
            self.check(now_ns, counted)
            if now_ns - self.started_ns < _SETTLING_S * 1e9:
                self._from_s += max(0.0, end - self.target_s - self.heard(now_ns))
        self.end = max(self.end, end)

    def check(self, now_ns: int, counted: Counted) -> None:
        """Count a stall if the buffer is dry; it plays on with what comes next."""
        dry_s = self.heard(now_ns) - self.end
        if self.end >= 0 and dry_s > 0:
            counted.stalls += 1
            counted.stalled_s += dry_s
            self._from_ns, self._from_s = now_ns, self.end


class Reader:
    """Common to all: the head of an answer."""

    __slots__ = ("_head", "counted", "player")

    def __init__(self, counted: Counted, target_s: float) -> None:
        self.counted = counted
        self.player = Player(target_s)
        self._head: bytes | None = b""

    def _body_at(self, data: bytearray, size: int) -> int:
        """Return where the body begins, `size` while the head is not over; raises `Broken`."""
        had = len(self._head or b"")
        head = (self._head or b"") + data[:size]
        end = head.find(_HEAD_END)
        if end < 0:
            self._head = bytes(head)
            return size
        if not head[9:12] == b"200":
            raise Broken(bytes(head[:end]).decode("latin-1"))
        self._take_head(bytes(head[: end + 2]))
        self._head = None
        return end + len(_HEAD_END) - had

    def _take_head(self, head: bytes) -> None:
        """What a protocol wants to know of it."""


class Mp4Reader(Reader):
    """Fragments that come by themselves: this edge's push, and Nchan's raw stream."""

    __slots__ = ("_first", "_missing", "_pending", "_tail")

    def __init__(self, counted: Counted, target_s: float) -> None:
        super().__init__(counted, target_s)
        self._first = -1.0  # where the first fragment begins
        self._missing = 0
        self._pending = 0.0
        self._tail = b""

    def _take_head(self, head: bytes) -> None:
        """This edge under load may give a slower lane than its fastest, and says so."""
        period = _PERIOD.search(head)
        if period is not None:
            self.player.target_s = target_s(lane_for_period(int(period[1])))

    def take(self, data: bytearray, size: int, now_ns: int) -> bytes:
        """Take what was read; return what is to be sent."""
        at = 0 if self._head is None else self._body_at(data, size)
        if self._tail:
            data = bytearray(self._tail) + data[at:size]
            at, size, self._tail = 0, len(data), b""
        if self._missing:
            if size - at < self._missing:
                self._missing -= size - at
                return b""
            self.player.take(self._first, self._pending, now_ns, self.counted)
            at += self._missing
            self._missing = 0
        last = data.rfind(b"tfdt", at, size)
        if last < 0:
            self._tail = bytes(data[max(at, size - 8) : size])  # perhaps a box is cut there
            return b""
        if last + 16 > size:
            self._begin(data, at, last)  # whole ones may have come before the one that is cut here
            self._tail = bytes(data[last:size])
            return b""
        begin, end, stop = _fragment(data, last, size)
        if stop < 0:
            self._tail = bytes(data[last:size])
        elif stop > size:
            self._missing, self._pending = stop - size, end
        elif stop + 8 < size:
            self._tail = bytes(data[size - 8 : size])
        if stop < 0 or stop > size:
            end = begin  # what is before it is whole
        self._begin(data, at, size)
        if end > self._first:
            self.player.take(self._first, end, now_ns, self.counted)
        return b""

    def _begin(self, data: bytearray, at: int, stop: int) -> None:
        """Note where the first fragment of all begins, if it is in these bytes."""
        first = data.find(b"tfdt", at, stop)
        if self._first < 0 <= first:
            self._first = _time_s(data, first)


def _time_s(data: bytearray, at: int) -> float:
    return int.from_bytes(data[at + 8 : at + 16], "big") / SAMPLE_RATE


def _fragment(data: bytearray, at: int, size: int) -> tuple[float, float, int]:
    """Return begin and end of the fragment whose `tfdt` is at `at`, and where its bytes end.

    Where they end is -1 while that cannot be told.
    """
    begin = _time_s(data, at)
    run = at + 16
    moof_end = run + int.from_bytes(data[run : run + 4], "big")
    if run + 16 > size or moof_end + 4 > size:
        return begin, begin, -1
    count = int.from_bytes(data[run + 12 : run + 16], "big")
    stop = moof_end + int.from_bytes(data[moof_end : moof_end + 4], "big")
    return begin, begin + count * FRAME_SAMPLES / SAMPLE_RATE, stop


class IcecastReader(Reader):
    """ADTS frames that come by themselves."""

    __slots__ = ("_tail",)

    def __init__(self, counted: Counted, target_s: float) -> None:
        super().__init__(counted, target_s)
        self._tail = b""

    def take(self, data: bytearray, size: int, now_ns: int) -> bytes:
        """Take what was read; return what is to be sent."""
        at = 0 if self._head is None else self._body_at(data, size)
        last = data.rfind(ADTS_TIME, at, size - 8)
        if last < 0:
            return b""
        end = int.from_bytes(data[last + 6 : last + 14], "big") / SAMPLE_RATE
        begin = end
        if self.player.end < 0:
            first = data.find(ADTS_TIME, at)
            begin = int.from_bytes(data[first + 6 : first + 14], "big") / SAMPLE_RATE
        self.player.take(begin, end, now_ns, self.counted)
        return b""


class HlsReader(Reader):
    """A player of playlists: asks for the list, then for what is new in it, every four seconds."""

    __slots__ = ("_body", "_left", "_list", "_next", "_wanted", "asked_ns", "due_ns")

    _newest: dict[bytes, int] = {}  # what a playlist says, worked out once for all listeners

    def __init__(self, counted: Counted, target_s: float) -> None:
        super().__init__(counted, target_s)
        self._left = 0
        self._list = True
        self._body = b""
        self._next = -1
        self._wanted = -1
        self.asked_ns = 0
        self.due_ns = 0

    def take(self, data: bytearray, size: int, now_ns: int) -> bytes:
        """Take what was read; return the next request, or nothing and set `due_ns`."""
        at = 0
        if self._head is not None:
            at = self._body_at(data, size)
            if self._head is not None:
                return b""
        self._left -= size - at
        if self._list:
            self._body += data[at:size]
        if self._left > 0:
            return b""
        if self._left < 0:
            raise Broken("more than was asked for")
        self._head = b""
        if self._list:
            body, self._body = self._body, b""
            self._read_list(body)
        else:
            begin = self._next * SEGMENT_S
            self._next += 1
            self.player.take(begin, begin + SEGMENT_S, now_ns, self.counted)
        if self._next <= self._wanted:
            self._list = False
            return _get(f"{self._next}.m4s")
        # RFC 8216 6.3.4: a target duration after it was asked for, half of it if nothing was new.
        wait_s = SEGMENT_S if not self._list else SEGMENT_S / 2
        self.due_ns = max(now_ns, self.asked_ns + round(wait_s * 1e9))
        return b""

    def ask(self, now_ns: int) -> bytes:
        """Return the request for the playlist."""
        self._list = True
        self.asked_ns = now_ns
        self.due_ns = 0
        return _get("live.m3u8")

    def _take_head(self, head: bytes) -> None:
        length = _LENGTH.search(head)
        if length is None:
            raise Broken("no length")
        self._left = int(length[1])

    def _read_list(self, body: bytes) -> None:
        newest = self._newest.get(body)
        if newest is None:
            first = _SEQUENCE.search(body)
            if first is None:
                raise Broken("not a playlist")
            newest = self._newest[body] = int(first[1]) + body.count(b"#EXTINF") - 1
        self._wanted = newest
        if self._next < 0:
            self._next = max(0, newest + 1 - HLS_SEGMENTS_BACK)


def _get(name: str) -> bytes:
    return f"GET /hls/{name} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


READERS = {"mp4": Mp4Reader, "icecast": IcecastReader, "hls": HlsReader}
