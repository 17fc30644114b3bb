"""When an edge has a turn for those who have come: at once for a few, then one in so many ms.

As `admission.gathering` has it, for all edges and a tick together: whoever comes while turns are
left is looked at as they come, everybody else at the next full multiple of the time between turns.
While an edge has more to do than it can, its turns follow each other, and none of this is felt.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.gathering import AT_ONCE, apart_ns
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.knocks import Batch

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

TLS_TURNS = 2  # a handshake's first words, and its last with the request


class Turns:
    """The turns that edges have left."""

    def __init__(self, edges: int, share: float, *, tls: bool) -> None:
        """`share` is how much of a core an edge has."""
        self._apart_ms = apart_ns(share) / 1e6
        self.each = TLS_TURNS if tls else 1  # that somebody takes who comes alone
        self._left = np.full(edges, float(AT_ONCE))

    def ready_ms(self, batch: Batch) -> tuple[Floats, Marks]:
        """Return when each is looked at if nobody is before them, and who has to gather for it."""
        came_ms = batch.came_ms.astype(np.float64)
        left = self._left[batch.edges]
        mine = np.bincount(batch.edges, minlength=len(self._left))[batch.edges] * self.each
        nth = (np.arange(len(batch)) - batch.first + 1) * self.each
        gathers = (nth > left) & (mine > left + TICK_MS / self._apart_ms)
        if gathers.any():
            later_ms = np.ceil(came_ms[gathers] / self._apart_ms) * self._apart_ms
            came_ms[gathers] = later_ms
        return came_ms, gathers

    def take(self, turns: Floats) -> None:
        """Note how many an edge had in a tick."""
        self._left += TICK_MS / self._apart_ms - turns
        np.clip(self._left, 0.0, AT_ONCE, out=self._left)

    def later_s(self, gathers: Marks) -> Floats:
        """Return how much later than their first turn those are in who gathered: their last one."""
        return np.where(gathers, (self.each - 1) * self._apart_ms / 1000, 0.0)
