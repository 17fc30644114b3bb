"""When an edge has a turn for those who have come: at once for a few, then one in so many ms.

As `admission.gathering` has it, for all edges and a tick together: whoever comes while turns are
left is looked at as they come, everybody else at the next full multiple of the time between turns.
While an edge has more to do than it can, its turns follow each other, and none of this is felt.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.gathering import AT_ONCE, apart_ns
from stentor.base.settings import Settings
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.knocks import Batch

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_TLS_TURNS = 4  # accepted; a handshake's first words, and its last; the request
# Where they queue, so many are accepted by TLS at a time, and who has greeted goes on when all of
# those have: their last words are behind those of all others in the loop's ready list. A greeting
# is so much of a join (turns of such a crowd, traced).
_TOGETHER, _GREETING = Settings().edge_accepts_per_turn, 0.65


def later_turns(*, tls: bool) -> int:
    """Return how many turns somebody takes after the one in which they were accepted."""
    return _TLS_TURNS - 1 if tls else 0


def turns(people: float, seconds: float, *, tls: bool) -> float:
    """Return how many turns an edge has for people who come evenly, with a core for itself."""
    accepting = min(people, AT_ONCE + seconds / (apart_ns(1.0) / 1e9))
    return accepting + people * later_turns(tls=tls)


def held_up(behind: Floats, *, tls: bool) -> Floats:
    """Return for how many joins somebody waits besides those before them, as a mean.

    `behind` is how many queue behind them. Where in their lot they are is chance.
    """
    if not tls:
        return np.zeros_like(behind)
    near = np.clip(behind, 0.0, _TOGETHER)
    greetings: Floats = near * (1.0 - near / (2 * _TOGETHER)) * _GREETING
    return greetings


def gathered_s(per_s: float) -> float:
    """Return for how long most wait for their turn, where so many come a second to an edge."""
    apart_s = apart_ns(1.0) / 1e9
    return apart_s / 2 if per_s * apart_s > 1 else 0.0


class Turns:
    """The turns that edges have left."""

    def __init__(self, edges: int, share: float) -> None:
        """`share` is how much of a core an edge has."""
        self._apart_ms = apart_ns(share) / 1e6
        self._left = np.full(edges, float(AT_ONCE))

    def ready_ms(self, batch: Batch) -> tuple[Floats, Marks]:
        """Return when each is looked at if nobody is before them, and who has to gather for it."""
        came_ms = batch.came_ms.astype(np.float64)
        left = self._left[batch.edges]
        mine = np.bincount(batch.edges, minlength=len(self._left))[batch.edges]
        nth = np.arange(len(batch)) - batch.first + 1
        gathers = (nth > left) & (mine > left + TICK_MS / self._apart_ms)
        if gathers.any():
            later_ms = np.ceil(came_ms[gathers] / self._apart_ms) * self._apart_ms
            came_ms[gathers] = later_ms
        return came_ms, gathers

    def take(self, turns: Floats) -> None:
        """Note how many an edge had in a tick."""
        self._left += TICK_MS / self._apart_ms - turns
        np.clip(self._left, 0.0, AT_ONCE, out=self._left)

    def on_time(self, ready_ms: Floats, begin_s: Floats) -> Marks:
        """Say who is looked at in their turn: an edge that is behind has one turn after another."""
        found: Marks = begin_s * 1000 < ready_ms + self._apart_ms
        return found
