"""Those who have come to an edge and have not been looked at: in order, served as its CPU allows.

A queue without idling: whoever is next begins when they have come and the one before is done, so
the moments of a whole batch are one cumulative maximum (Lindley's recursion). Decides nothing of
who is let in.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.people import Millis, Rows

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
Places = NDArray[np.int64]

NOBODY = np.int32(-1)  # work that nobody waits for any more; below: others than people (`harm`)
_APART_S = 1e5  # between edges, so that one running maximum serves them all


@dataclass(slots=True)
class Batch:
    """Who waits to be looked at, by edge and in order of coming. `first`: where an edge begins."""

    rows: Rows
    edges: NDArray[np.int64]
    came_ms: Millis
    work_s: Floats  # on top of what the answer costs: a page, or all of it for who has gone
    moves: Marks  # listeners who come for another lane
    first: Places
    at: Places  # where in the queues each is

    def __len__(self) -> int:
        return len(self.rows)


class Knocks:
    """The queues of all edges."""

    def __init__(self) -> None:
        self._rows = np.empty(0, np.int32)
        self._edges = np.empty(0, np.int64)
        self._came_ms = np.empty(0, np.int32)
        self._work_s = np.empty(0, np.float64)
        self._moves = np.empty(0, np.bool_)
        self._new: list[tuple[Rows, NDArray[np.int64], Millis, Floats, Marks]] = []

    def __len__(self) -> int:
        return len(self._rows) + sum(len(one[0]) for one in self._new)

    def by_edge(self, edges: int) -> Places:
        """Return how many wait at each edge."""
        self._take_in()
        return np.bincount(self._edges, minlength=edges)

    def add(
        self,
        rows: Rows,
        edges: NDArray[np.int64],
        came_ms: Millis,
        work_s: Floats,
        *,
        moves: bool = False,
    ) -> None:
        """Let some more come."""
        if len(rows):
            self._new.append((rows, edges, came_ms, work_s, np.full(len(rows), moves)))

    def _take_in(self) -> None:
        """Put all who came since at the end, at once: each time means a copy of long queues."""
        if not self._new:
            return
        rows, edges, came_ms, work_s, moves = zip(*self._new, strict=True)
        self._rows = np.concatenate((self._rows, *rows), dtype=np.int32)
        self._edges = np.concatenate((self._edges, *edges))
        self._came_ms = np.concatenate((self._came_ms, *came_ms), dtype=np.int32)
        self._work_s = np.concatenate((self._work_s, *work_s))
        self._moves = np.concatenate((self._moves, *moves))
        self._new.clear()

    def sort(self) -> None:
        """Put them in order; whoever comes after this is not in it."""
        self._take_in()
        order = np.argsort((self._edges << 32) | self._came_ms, kind="stable")
        self._rows, self._edges = self._rows[order], self._edges[order]
        self._came_ms, self._work_s = self._came_ms[order], self._work_s[order]
        self._moves = self._moves[order]

    def batch(self, edges: int, most: Places | int) -> Batch:
        """Return so many of each edge at most, those who came first; they are in order."""
        self._take_in()
        begin = np.searchsorted(self._edges, np.arange(edges + 1))
        count = np.minimum(np.diff(begin), most)
        first = np.repeat(np.cumsum(count) - count, count)
        at = np.arange(len(first)) - first + np.repeat(begin[:-1], count)
        return Batch(
            self._rows[at],
            self._edges[at],
            self._came_ms[at],
            self._work_s[at],
            self._moves[at],
            first,
            at,
        )

    def leave(self, seen: Places) -> None:
        """Go on without those who have been looked at."""
        left = np.ones(len(self._rows), np.bool_)
        left[seen] = False
        self._rows, self._edges = self._rows[left], self._edges[left]
        self._came_ms, self._work_s = self._came_ms[left], self._work_s[left]
        self._moves = self._moves[left]

    def give_up(self, before_ms: int, costs_s: Floats) -> tuple[Rows, Millis]:
        """Return who came before then and waits no longer, and when they had come.

        What is left of them is work: the edge will see that nobody is there (`costs_s`, by edge).
        """
        self._take_in()
        gone = (self._came_ms < before_ms) & (self._rows >= 0)
        if not gone.any():
            return np.empty(0, np.int32), np.empty(0, np.int32)
        people = gone & ~self._moves
        rows, came_ms = self._rows[people], self._came_ms[people]
        self._rows[gone] = NOBODY
        self._work_s[gone] = costs_s[self._edges[gone]]
        return rows, came_ms

    def tire(self, before_ms: int, left_s: Callable[[Rows], Floats]) -> None:
        """Let others than people who came before then wait no longer: some work is left of them."""
        self._take_in()
        gone = (self._came_ms < before_ms) & (self._rows < NOBODY)
        if gone.any():
            self._work_s[gone] = left_s(self._rows[gone])
            self._rows[gone] = NOBODY

    def drop(self, edges: Marks) -> tuple[Rows, Millis]:
        """Return who waits at these edges, which are gone, and when they had come."""
        self._take_in()
        lost = edges[self._edges]
        rows, came_ms = self._rows[lost], self._came_ms[lost]
        kept = ~lost
        self._rows, self._edges = self._rows[kept], self._edges[kept]
        there = (rows >= 0) & ~self._moves[lost]
        self._came_ms, self._work_s = self._came_ms[kept], self._work_s[kept]
        self._moves = self._moves[kept]
        return rows[there], came_ms[there]


def ranks(marks: Marks, first: Places) -> Places:
    """Return how many are marked before each one at its edge."""
    upto = np.cumsum(marks)
    before: Places = upto - marks
    return before - before[first]


def begins(
    batch: Batch, ready_ms: Floats, takes_s: Floats, free_s: Floats
) -> tuple[Floats, Floats]:
    """Return when each is begun and done; `free_s` is when an edge has done what came before.

    Whoever is next begins at the later of when they are ready, which is when they came or a little
    after that, and the end of the one before them.
    """
    done = np.cumsum(takes_s)
    before = done - takes_s
    ready_s = np.maximum(ready_ms / 1000, free_s[batch.edges])
    apart_s = batch.edges * _APART_S
    latest = np.maximum.accumulate(ready_s - before + apart_s)
    begin_s = latest - apart_s + before
    return begin_s, begin_s + takes_s
