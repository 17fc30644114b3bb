"""When a player comes again whose connection is gone, or was never answered: the page's own rule.

`edge/site/connection.js` and `backoff.js`: at once after the first loss (within a tenth of a
second), then after a quarter to half a second, twice as long each time up to eight, all by chance,
so that an audience that lost the same server does not come back in the same instant. At most twelve
requests a minute are not in the model, as waits of so many tries are longer. Decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.lanes import LANE_PARTS, period_s
from stentor.simulate.world import Chance

Floats = NDArray[np.float64]

HEAD_S = 6.0  # connection.js: until an answer has begun
SILENCE_S = 4.0  # connection.js: beyond a quarter more than the lane's period
_AT_ONCE_S, _FIRST_S, _MAX_S = 0.1, 0.25, 8.0  # backoff.js
_PERIODS_S = np.array([period_s(parts) for parts in LANE_PARTS])


def after_s(chance: Chance, tries: NDArray[np.uint8]) -> Floats:
    """Return how long each waits who has failed so many times in a row before this one."""
    most = np.minimum(_MAX_S, _FIRST_S * 2.0 ** np.minimum(tries, 16))
    lots = chance.random(len(tries))
    return np.where(tries == 0, lots * _AT_ONCE_S, most / 2 + lots * most / 2)


def noticed_s(lanes: NDArray[np.uint8]) -> Floats:
    """Return when a player notices that its machine is gone and says no more, from the last part.

    An edge that dies alone is noticed at once: its machine ends the connections.
    """
    found: Floats = _PERIODS_S[lanes] * 1.25 + SILENCE_S
    return found
