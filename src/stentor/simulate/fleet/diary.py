"""Who is due when: a calendar over everybody's next moment, open a few seconds at a time.

A row's moment is a column of `People`; nothing else is kept of who is not due soon. Decides
nothing.
"""

import numpy as np

from stentor.simulate.fleet.people import NEVER, Millis, Rows

TICK_MS = 250  # as the door's own tick (edge.door.TICK_S)
WINDOW = 32  # ticks that are open at once
_BATCH = 1 << 22


class Diary:
    """Hands out the rows that are due, tick by tick."""

    def __init__(self, due_ms: Millis) -> None:
        self._due_ms = due_ms
        self._first = 0  # tick of the window
        self._bins: list[list[Rows]] = [[] for _ in range(WINDOW)]
        self._now = -1
        self.at_ms: Millis = np.empty(0, np.int32)  # when each of those was due who were taken last

    def put(self, rows: Rows, at_ms: Millis) -> None:
        """Let them be due then, or in the next tick if that is past."""
        if not len(rows):
            return
        earliest_ms = np.int32((self._now + 1) * TICK_MS)
        at_ms = np.maximum(at_ms, earliest_ms)
        self._due_ms[rows] = at_ms
        ticks = at_ms // TICK_MS - self._first
        near = ticks < WINDOW
        if not near.all():
            rows, ticks = rows[near], ticks[near]
        if len(rows):
            self._sort_in(rows, ticks)

    def take(self, tick: int) -> Rows:
        """Return who is due in a tick, each once, in order; they are due no more until `put`."""
        self._now = tick
        if tick >= self._first + WINDOW or tick == 0:
            self._open(tick)
        found = self._bins[tick - self._first]
        self._bins[tick - self._first] = []
        if not found:
            self.at_ms = np.empty(0, np.int32)
            return np.empty(0, np.int32)
        rows = distinct(np.concatenate(found))
        # Whose moment was changed after it was entered here is not due now.
        rows = rows[self._due_ms[rows] < (tick + 1) * TICK_MS]
        self.at_ms = self._due_ms[rows]
        self._due_ms[rows] = NEVER
        return rows

    def _open(self, tick: int) -> None:
        self._first = tick
        until_ms = (tick + WINDOW) * TICK_MS
        due_ms = self._due_ms
        for begin in range(0, len(due_ms), _BATCH):
            part = due_ms[begin : begin + _BATCH]
            rows = np.flatnonzero(part < until_ms).astype(np.int32) + np.int32(begin)
            if len(rows):
                self._sort_in(rows, np.maximum(0, due_ms[rows] // TICK_MS - tick))

    def _sort_in(self, rows: Rows, ticks: Millis) -> None:
        """Enter rows in the bins of their ticks."""
        if len(rows) < 4:
            for row, tick in zip(rows, ticks.tolist(), strict=True):
                self._bins[tick].append(row[None])
            return
        order = np.argsort(ticks, kind="stable")
        counts = np.bincount(ticks, minlength=WINDOW)
        ends = np.cumsum(counts).tolist()
        rows = rows[order]
        begin = 0
        for tick, end in enumerate(ends):
            if end > begin:
                self._bins[tick].append(rows[begin:end])
            begin = end


def distinct(rows: Rows) -> Rows:
    """Return each row once, in order; as `np.unique`, which is slower for so few."""
    rows = np.sort(rows)
    return rows[np.concatenate(([True], rows[1:] != rows[:-1]))] if len(rows) else rows
