"""How edges spend their joiners' share: what was saved up at once, then what is earned meanwhile.

What was saved up may be worth more than what is earned, or less (`calibration`). Decides nothing.
"""

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


def asking_s(batch: Batch, now_ms: int) -> Floats:
    """Return what it takes to see who is still there, in the tick that ends at `now_ms`."""
    long = now_ms - TICK_MS // 2 - batch.came_ms >= 1000 * LONG_S
    return np.where(long, ASKING_S, 0.0)


def ration(
    batch: Batch, takes_s: Floats, turn: Turn, worth: float, begin_ms: int
) -> tuple[Floats, Marks]:
    """Return how fast each of a batch is looked at, and who in slices of what is just earned.

    The others are those for whom there is enough when they come, in the tick that begins at
    `begin_ms`. `worth` is of a second that was saved up.
    """
    edges = batch.edges
    upto_s = np.cumsum(takes_s)
    upto_s -= (upto_s - takes_s)[batch.first] if len(batch) else 0.0
    earns = (turn.budget_s - turn.saved_s) / _TICK_S
    since_s = np.maximum(0.0, (batch.came_ms - begin_ms) / 1000)
    sliced = upto_s > turn.saved_s[edges] * worth + earns[edges] * since_s
    speed = np.where(
        sliced, np.maximum(1e-6, np.minimum(earns, turn.speed))[edges], turn.speed[edges]
    )
    return speed, sliced


def used_s(spent_s: Floats, turn: Turn, worth: float) -> Floats:
    """Return what edges have used of their share that spent so much: what is earned, then saved.

    Whoever is begun last may take more than both; that is earned later, and worth itself.
    """
    earned_s = turn.budget_s - turn.saved_s
    from_saved_s = np.clip(spent_s - earned_s, 0.0, turn.saved_s * worth)
    return spent_s - from_saved_s + from_saved_s / worth
