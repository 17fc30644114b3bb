"""The line of each machine: its sheet by the production code, and what that says to many at once.

`line.step` moves it on; `stands` is `Sheet.stand` for a whole array of places. Decides nothing
beyond what those do.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stentor.admission.line import (
    BUCKET_MS,
    NEAR_S,
    POLL_S_MAX,
    WAIT_S_MAX,
    Sheet,
    Totals,
    step,
)
from stentor.simulate.fleet.people import Millis

Floats = NDArray[np.float64]

BEGINS_MS = 10_000_000  # virtual time at second 0: reminders have places before it


class Stood(NamedTuple):
    """What people in line are told: how many are ahead (`edge.stands`), and the wait in seconds."""

    ahead: Floats
    waits_s: Floats


class Line:
    """One machine's line, and the board that its edges share."""

    def __init__(self) -> None:
        self.sheet = Sheet()
        self.places = self.came = self.past = self.standby = 0
        self._counts: list[int] = []  # places from bucket `_first` on
        self._first = 0
        self._at_ms: list[int] = []
        self._serving_ms: list[int] = []

    def note_places(self, places_ms: Sequence[int]) -> None:
        """Count places that were given."""
        counts, first = self._counts, self._first
        for place_ms in places_ms:
            at = place_ms // BUCKET_MS - first
            if at >= len(counts):
                if not counts:
                    first = self._first = place_ms // BUCKET_MS - 1
                    at = 1
                counts.extend([0] * (at + 1 - len(counts)))
            elif at < 0:
                counts[:0] = [0] * -at
                first = self._first = first + at
                at = 0
            counts[at] += 1
        self.places += len(places_ms)

    def note_many(self, place_ms: int, n: int) -> None:
        """Count many places at about the same moment."""
        self.note_places((place_ms,))
        self._counts[place_ms // BUCKET_MS - self._first] += n - 1
        self.places += n - 1

    def step(
        self, now_ms: int, *, wanted: bool, per_s: float, room: int, leaving_per_s: float
    ) -> None:
        """Move the line on, as the first of the machine's edges does. Times are virtual."""
        sheet = self.sheet
        counts: Sequence[int] = ()
        if sheet.line or wanted:
            virtual_ms = sheet.virtual_ms(now_ms)
            first = (sheet.serving_ms or virtual_ms) // BUCKET_MS
            last = virtual_ms // BUCKET_MS
            counts = self._from(first, last)
        self.sheet = step(
            sheet,
            counts,
            Totals(self.places, self.came, self.past, self.standby),
            wanted=wanted,
            per_s=per_s,
            now_ms=now_ms,
            room=room,
            leaving_per_s=leaving_per_s,
        )
        if self.sheet.line:
            self._at_ms.append(now_ms)
            self._serving_ms.append(self.sheet.serving_ms)

    def since_turn_s(self, place_ms: int, now_ms: int) -> float:
        """Return how long ago the turn of a place came."""
        at = bisect_left(self._serving_ms, place_ms)
        return max(0.0, (now_ms - self._at_ms[at]) / 1000) if at < len(self._at_ms) else 0.0

    def _from(self, first: int, last: int) -> list[int]:
        """Return the counts of the buckets from `first` to `last` at least; drop those before."""
        counts = self._counts
        if not counts:
            self._first = first
        if first > self._first:
            del counts[: first - self._first]
            self._first = first
        elif first < self._first:
            counts[:0] = [0] * (self._first - first)
            self._first = first
        missing = last + 1 - first - len(counts)
        if missing > 0:
            counts.extend([0] * missing)
        return counts


def stands(sheet: Sheet, places_ms: Millis, now_ms: int, given: Floats | float = 0.0) -> Stood:
    """Return what `Sheet.stand` says of these places."""
    knots = sheet.knots
    if not knots:
        return Stood(np.zeros(len(places_ms)), np.zeros(len(places_ms)))
    at_ms = np.array([knot.place_ms for knot in knots], np.float64)
    numbers = np.array([knot.number for knot in knots], np.float64)
    waits_s = np.array([knot.wait_s for knot in knots], np.float64)
    places = places_ms.astype(np.float64)
    at = np.searchsorted(at_ms, places)
    after = np.minimum(at, len(knots) - 1)
    before = np.maximum(after - 1, 0)
    share = (places - at_ms[before]) / np.maximum(1.0, at_ms[after] - at_ms[before])
    share = np.where(at == 0, 0.0, share)
    number = numbers[before] + share * (numbers[after] - numbers[before])
    wait_s = np.where(at == 0, 0.0, waits_s[before] + share * (waits_s[after] - waits_s[before]))
    beyond = at == len(knots)
    if beyond.any():
        last = knots[-1]
        more = np.maximum(given, (places - last.place_ms) / 1000 * sheet.comes_per_s)
        shows = more * sheet.shows(last.wait_s)
        pace = sheet.last_per_s
        with np.errstate(divide="ignore", invalid="ignore"):
            later_s = np.minimum(WAIT_S_MAX, last.wait_s + shows / pace) if pace > 0 else WAIT_S_MAX
        later_s = np.where(shows <= 0, last.wait_s, later_s)
        number, wait_s = (
            np.where(beyond, last.number + more, number),
            np.where(beyond, later_s, wait_s),
        )
    if sheet.per_s <= 0:
        wait_s = np.where(number > sheet.served, WAIT_S_MAX, wait_s)
    return _stood(sheet, number, sheet.served, wait_s, now_ms)


def stands_by(sheet: Sheet, places_ms: Millis, now_ms: int, given: Floats | float = 0.0) -> Stood:
    """Return what `Sheet.stand_by` says of these places."""
    by, places = sheet.standby, places_ms.astype(np.float64)
    beyond = by.given + np.maximum(1.0, given)
    if by.marks:
        at_ms, numbers = (np.array(one, np.float64) for one in zip(*by.marks, strict=True))
        number = np.where(places > at_ms[-1], beyond, np.interp(places, at_ms, numbers))
    else:
        number = beyond
    number = np.where(places <= by.serving_ms, by.served, number)
    before = np.maximum(1.0, number - by.served)
    over = np.maximum(0.0, before - by.room)
    with np.errstate(divide="ignore", invalid="ignore"):
        full_s = np.where(over > 0, over / sheet.leaving_per_s, 0.0)
        pace_s = before / sheet.per_s if sheet.per_s > 0 else 0.0
    wait_s = np.minimum(WAIT_S_MAX, np.maximum(full_s, pace_s))
    return _stood(sheet, number, by.served, wait_s, now_ms)


def _stood(sheet: Sheet, number: Floats, served: float, wait_s: Floats, now_ms: int) -> Stood:
    since_s = max(0.0, (now_ms - sheet.at_ms) / 1000)
    left_s = np.where(wait_s < WAIT_S_MAX, np.maximum(0.0, wait_s - since_s), WAIT_S_MAX)
    number = np.maximum(1.0, np.ceil(number))
    return Stood(np.maximum(0.0, number - 1 - round(served)), left_s)


def polls_s(waits_s: Floats, poll_s_min: float, chances: Floats) -> Floats:
    """Return what `line.poll_s` says of each of these waits."""
    wanted = np.minimum(POLL_S_MAX, np.maximum(poll_s_min, waits_s / 3)) * (0.75 + 0.5 * chances)
    return np.where(
        waits_s <= NEAR_S, waits_s + 0.2 + 0.6 * chances, np.minimum(wanted, waits_s + chances)
    )
