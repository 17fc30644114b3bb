"""How edges spend their joiners' share where more have come than it is enough for.

First what was saved up while nobody came, at once; then what is earned meanwhile, in slices. What
was saved up may be worth more than what is earned, or less (`calibration`). Decides nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.delivering import Turn
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.knocks import Batch

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

# Who has waited so long is asked for whether they are still there, before anything else
# (edge.knocks); what that takes, from slices of a crowd that was asked and of one that was not.
LONG_S, ASKING_S = 1.0, 3e-6
_TICK_S = TICK_MS / 1000


@dataclass(slots=True)
class Rationed:
    """What each of a batch takes of the share, how fast, and whose edge has too little of it."""

    uses_s: Floats
    speed: Floats
    slices: Marks  # they are looked at in slices


def asking_s(batch: Batch, now_ms: int) -> Floats:
    """Return what it takes to see who is still there, in the tick that ends at `now_ms`."""
    long = now_ms - TICK_MS // 2 - batch.came_ms >= 1000 * LONG_S
    return np.where(long, ASKING_S, 0.0)


def ration(batch: Batch, takes_s: Floats, turn: Turn, worth: float) -> tuple[Rationed, Marks]:
    """Return how a batch is served, and which edges have enough for all of theirs.

    `worth` is of a second that was saved up.
    """
    edges = batch.edges
    within = np.bincount(edges, takes_s, len(turn.speed)) <= turn.budget_s
    before_s = np.cumsum(takes_s) - takes_s
    before_s -= before_s[batch.first] if len(batch) else 0.0
    saves = before_s < turn.saved_s[edges] * worth
    earns = np.maximum(1e-6, (turn.budget_s - turn.saved_s) / _TICK_S)
    slices = ~within[edges] & ~saves
    uses_s = np.where(~within[edges] & saves, takes_s / worth, takes_s)
    speed = np.where(slices, np.minimum(earns, turn.speed)[edges], turn.speed[edges])
    return Rationed(uses_s, speed, slices), within
