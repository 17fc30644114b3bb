"""The board: a few numbers that the edges of one machine let each other see, in a mapped file.

Each edge writes its own slot, whoever leads writes the sheet, and nobody locks. Every number is
one aligned word that one process writes, so a reader sees it as it was or as it is; only the sheet
is longer, and one that was read while it was written fails its checksum and is read again later.
The file outlives an edge, so what a dead one counted is not lost. Decides nothing.
"""

import mmap
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stentor.admission.line import BUCKET_MS, Sheet, Totals
from stentor.base.logs import log

EDGES_MAX = 256
BUCKETS = 81_920  # of places that a slot holds, 2.3 hours; a line is never as long
SPENT = 1 << 18  # serials whose use is remembered exactly
FRESH_MS = 3000
PEAK_S = 120
_ZEROS = memoryview(bytes(BUCKETS * 4)).cast("I")
_MAGIC = b"stentor board 1\n"
_RING = 128
_FRESH_AT, _PEAKS_AT, _SHEET_AT = 4096, 8192, 12288
_SHEET_BYTES = 8192
_SLOTS_AT = _SHEET_AT + _SHEET_BYTES
_WORDS_BYTES = 4096
_SLOT_BYTES = _WORDS_BYTES + BUCKETS * 4 + SPENT * 2
_SETTLED = 3000 // BUCKET_MS  # no edge still counts a place that was due so long ago

# Words of a slot.
(
    _LISTENERS,
    _PER_S,
    _WANTED,
    _PLACES,
    _CAME,
    _PAST,
    _SERIAL,
    _FURTHEST,
    _STEP,
    _ROOM,
    _LEAVING,
    _STANDBY,
) = range(12)
_ROOM_ZERO = 1 << 32  # words have no sign


@dataclass(frozen=True, slots=True)
class Standing:
    """What an edge tells the others about itself.

    `per_s` is how many it may admit, while there is `room`; `leaving_per_s` how many leave it.
    """

    listeners: int
    per_s: float
    wants_line: bool
    step: int = 0
    room: int = 0
    leaving_per_s: float = 0.0


class _Slot:
    __slots__ = ("places", "spent", "words")

    def __init__(self, whole: memoryview, index: int) -> None:
        at = _SLOTS_AT + index * _SLOT_BYTES
        places_at = at + _WORDS_BYTES
        spent_at = places_at + BUCKETS * 4
        self.words = whole[at:places_at].cast("Q")
        self.places = whole[places_at:spent_at].cast("I")
        self.spent = whole[spent_at : spent_at + SPENT * 2].cast("H")


class Board:
    """One edge's view of the board. Times of `beat` are monotonic ms, those of places virtual."""

    def __init__(self, path: Path, index: int, now_s: int) -> None:
        """Map the file, made if need be; `now_s` begins the serials of an edge that never was."""
        self._map = _mapped(path, index)
        self._whole = memoryview(self._map)
        self._fresh = self._whole[_FRESH_AT : _FRESH_AT + EDGES_MAX * 8].cast("Q")
        self._peaks = self._whole[_PEAKS_AT : _PEAKS_AT + _RING * 8].cast("Q")
        self._index = index
        self._slots: dict[int, _Slot] = {}
        self._own = self._slot(index)
        self._own.words[_LISTENERS] = 0
        if not self._own.words[_SERIAL]:
            self._own.words[_SERIAL] = now_s << 14  # an earlier board's serials are not used again
        self._sheet_bytes = b""
        self._sheet = Sheet()
        self._sums: list[int] = []
        self._sums_first = 0
        self._given = 0  # places that others had given out when they were last looked at
        self._stand_by = 0  # whom others had put on standby, likewise

    def beat(self, now_ms: int, standing: Standing) -> None:
        """Tell the others that this edge is alive, and how it stands."""
        words = self._own.words
        words[_LISTENERS] = standing.listeners
        words[_PER_S] = round(standing.per_s * 1000)
        words[_WANTED] = standing.wants_line
        words[_STEP] = standing.step
        words[_ROOM] = standing.room + _ROOM_ZERO
        words[_LEAVING] = round(standing.leaving_per_s * 1000)
        self._fresh[self._index] = now_ms

    def retire(self) -> None:
        """Be no edge any more: a successor or nobody is."""
        self._fresh[self._index] = 1

    def edges(self, now_ms: int) -> list[int]:
        """Return who is alive, in order; the first of them leads."""
        return [n for n, at_ms in enumerate(self._fresh) if at_ms and now_ms - at_ms < FRESH_MS]

    def standings(self, edges: Sequence[int]) -> list[Standing]:
        """Return how those edges stand."""
        return [
            Standing(
                words[_LISTENERS],
                words[_PER_S] / 1000,
                bool(words[_WANTED]),
                words[_STEP],
                words[_ROOM] - _ROOM_ZERO if words[_ROOM] else 0,
                words[_LEAVING] / 1000,
            )
            for words in (self._slot(edge).words for edge in edges)
        ]

    def totals(self) -> Totals:
        """Return what all edges counted, the dead ones included."""
        slots = [self._slot(n).words for n, at_ms in enumerate(self._fresh) if at_ms]
        return Totals(
            sum(words[_PLACES] for words in slots),
            sum(words[_CAME] for words in slots),
            sum(words[_PAST] for words in slots),
            sum(words[_STANDBY] for words in slots),
        )

    def look_at_places(self) -> None:
        """See how many places the others have given out, for `places` until the next look."""
        others = [n for n, at_ms in enumerate(self._fresh) if at_ms and n != self._index]
        self._given = sum(self._slot(n).words[_PLACES] for n in others)
        self._stand_by = sum(self._slot(n).words[_STANDBY] for n in others)

    def places(self) -> int:
        """Return how many places all edges have given out, of others as last looked at."""
        return self._given + self._own.words[_PLACES]

    def stand_by(self) -> int:
        """Return how many all edges have put on standby, others as last looked at."""
        return self._stand_by + self._own.words[_STANDBY]

    def note_standby(self) -> None:
        """Count one who was put on standby."""
        self._own.words[_STANDBY] += 1

    def next_serial(self) -> int:
        """Return a number for a ticket that no ticket of this edge had before."""
        serial = self._own.words[_SERIAL] + 1
        self._own.words[_SERIAL] = serial
        return serial

    def note_place(self, place_ms: int) -> None:
        """Count a place that was given out."""
        bucket, words, places = place_ms // BUCKET_MS, self._own.words, self._own.places
        furthest = words[_FURTHEST]
        if bucket > furthest:
            unused = min(bucket - furthest, BUCKETS)
            start = (bucket - unused + 1) % BUCKETS
            until_end = min(unused, BUCKETS - start)
            places[start : start + until_end] = _ZEROS[:until_end]
            places[: unused - until_end] = _ZEROS[: unused - until_end]
            words[_FURTHEST] = bucket
        elif bucket <= furthest - BUCKETS:
            return
        places[bucket % BUCKETS] += 1
        words[_PLACES] += 1

    def note_came(self) -> None:
        """Count one who was admitted in their turn."""
        self._own.words[_CAME] += 1

    def note_past(self) -> None:
        """Count one who was admitted without one."""
        self._own.words[_PAST] += 1

    def spend(self, edge: int, serial: int) -> bool:
        """Note that a ticket was used; say whether that was the first time.

        Exact for the last `SPENT` serials of an edge of this machine.
        """
        if edge >= EDGES_MAX or not self._fresh[edge]:
            return True
        spent, lap = self._slot(edge).spent, 1 + (serial // SPENT) % 65_535
        if spent[serial % SPENT] == lap:
            return False
        spent[serial % SPENT] = lap
        return True

    def counts(self, first: int, now: int) -> list[int]:
        """Return how many places there are in each bucket from `first` to the furthest one."""
        slots = [self._slot(n) for n, at_ms in enumerate(self._fresh) if at_ms]
        if not self._sums_first <= first <= self._sums_first + len(self._sums):
            self._sums, self._sums_first = [], first
        del self._sums[: first - self._sums_first]
        self._sums_first = first
        del self._sums[max(0, now - _SETTLED - first) :]
        furthest = max((slot.words[_FURTHEST] for slot in slots), default=0)
        begin = first + len(self._sums)
        columns = [_span(slot, begin, furthest) for slot in slots]
        self._sums += [sum(column) for column in zip(*columns, strict=True)]
        return list(self._sums)

    def note_listeners(self, now_s: int, listeners: int) -> None:
        """Remember how many listen to the machine's edges in this second."""
        noted = self._peaks[now_s % _RING]  # the second is above, so the most of it is the most
        self._peaks[now_s % _RING] = max(noted, now_s << 32 | listeners)

    def peak(self, now_s: int) -> int:
        """Return the most that listened in the last two minutes."""
        recent = (one & 0xFFFFFFFF for one in self._peaks if now_s - (one >> 32) <= PEAK_S)
        return max(recent, default=0)

    def sheet(self) -> Sheet:
        """Return the newest sheet that could be read."""
        size = int.from_bytes(self._whole[_SHEET_AT : _SHEET_AT + 4])
        if 0 < size <= _SHEET_BYTES - 8:
            head = bytes(self._whole[_SHEET_AT : _SHEET_AT + 8 + size])
            data = head[8:]
            if head != self._sheet_bytes and zlib.crc32(data) == int.from_bytes(head[4:8]):
                with suppress(ValueError):  # torn: msgspec's, or not UTF-8
                    self._sheet = msgspec.msgpack.decode(data, type=Sheet)
                    self._sheet_bytes = head
        return self._sheet

    def write_sheet(self, sheet: Sheet) -> None:
        """Put a sheet where all can read it; for the leader."""
        data = msgspec.msgpack.encode(sheet)
        head = len(data).to_bytes(4) + zlib.crc32(data).to_bytes(4)
        self._whole[_SHEET_AT : _SHEET_AT + 8 + len(data)] = head + data

    def _slot(self, index: int) -> _Slot:
        slot = self._slots.get(index)
        if slot is None:
            slot = self._slots[index] = _Slot(self._whole, index)
        return slot


def _span(slot: _Slot, first: int, last: int) -> list[int]:
    """Return a slot's counts of the buckets from one to the other, both included."""
    if last < first:
        return []
    furthest = slot.words[_FURTHEST]
    held_last = min(last, furthest)
    held_first = max(first, furthest - BUCKETS + 1)
    if held_first > held_last:
        return [0] * (last - first + 1)
    low, high = held_first % BUCKETS, held_last % BUCKETS
    places = slot.places
    if low <= high:
        held = places[low : high + 1].tolist()
    else:
        held = places[low:].tolist() + places[: high + 1].tolist()
    return [0] * (held_first - first) + held + [0] * (last - held_last)


def _mapped(path: Path, index: int) -> mmap.mmap:
    """Return the file's memory; without a file, this edge is alone with its own."""
    size = _SLOTS_AT + EDGES_MAX * _SLOT_BYTES
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_size < size:
                os.truncate(file, size)  # holes: only what is used takes room
            # A write to a hole on a full disk would be a SIGBUS.
            os.posix_fallocate(file, 0, _SLOTS_AT)
            os.posix_fallocate(file, _SLOTS_AT + index * _SLOT_BYTES, _SLOT_BYTES)
            mapped = mmap.mmap(file, size)
        finally:
            os.close(file)
    except OSError as error:
        log().error("no_board", why=error.strerror, path=str(path))
        return mmap.mmap(-1, size)
    if mapped[: len(_MAGIC)] != _MAGIC:
        mapped[: len(_MAGIC)] = _MAGIC
    return mapped
