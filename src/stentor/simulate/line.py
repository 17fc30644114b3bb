"""The line of a simulated machine: places given, turns that came, and the board its edges share.

Every decision is `admission.line.step`'s. Knows nobody who stands in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stentor.admission.entry import RETURNS_MIN
from stentor.admission.line import BUCKET_MS, Sheet, Totals, step

if TYPE_CHECKING:
    from stentor.simulate.machine import Edge

STEPS_PER_S = 2
BEGINS_MS = round(2500 / STEPS_PER_S)  # from one edge's wish for a line to the line


class Line:
    """The board that a machine's edges share, and the sheet on it."""

    def __init__(self) -> None:
        self.sheet = Sheet()
        self._counts: dict[int, int] = {}
        self._furthest = 0
        self.places = self.came = self.past = self.standby = 0
        self._at_ms: list[int] = []
        self._listeners: deque[int] = deque(maxlen=240)
        self._serving_ms: list[int] = []

    def since_turn_s(self, place_ms: int, now_ms: int) -> float:
        """Return how long ago the turn of a place came."""
        at = bisect_left(self._serving_ms, place_ms)
        return max(0.0, (now_ms - self._at_ms[at]) / 1000) if at < len(self._at_ms) else 0.0

    def note_place(self, place_ms: int) -> None:
        """Count a place."""
        bucket = place_ms // BUCKET_MS
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._furthest = max(self._furthest, bucket)
        self.places += 1

    def step(self, now_ms: int, edges: Sequence[Edge]) -> None:
        """Move the line on, as the first of the edges does."""
        sheet = self.sheet
        virtual_ms = sheet.virtual_ms(now_ms)
        first = (sheet.serving_ms or virtual_ms) // BUCKET_MS
        wanted = any(edge.door.wants_line or edge.door.room <= 0 for edge in edges)
        counts: Sequence[int] = ()
        if sheet.line or wanted:
            last = max(virtual_ms // BUCKET_MS, self._furthest)
            counts = [self._counts.get(n, 0) for n in range(first, last + 1)]
        totals = Totals(self.places, self.came, self.past, self.standby)
        self.sheet = step(
            sheet,
            counts,
            totals,
            wanted=wanted,
            per_s=sum(edge.door.per_s for edge in edges),
            now_ms=now_ms,
            room=sum(edge.door.room for edge in edges),
            leaving_per_s=sum(edge.door.leaving_per_s for edge in edges),
        )
        listeners = sum(edge.listeners for edge in edges)
        self._listeners.append(listeners)
        missing = max(self._listeners) - listeners
        for edge in edges:
            edge.door.expects(RETURNS_MIN + 2 * missing / len(edges))
        if self.sheet.line:
            self._at_ms.append(now_ms)
            self._serving_ms.append(self.sheet.serving_ms)
