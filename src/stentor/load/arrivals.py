"""When listeners come, fixed before the first one does: open loop. Pure; chance is seeded.

A server that is slow to let people in must not slow down those who come: whoever waits counts the
time from the moment that was its own. Times are seconds from the beginning of the load.
"""

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

_BELL = NormalDist()
_CROWD_SIGMAS = 2.0  # what of the bell lies within the ramp; the rest comes at its ends


class Arrivals(StrEnum):
    """How listeners come, and what happens to all of them in the middle."""

    CONSTANT = "constant"  # so many a second
    RAMP = "ramp"  # more and more a second
    CROWD = "crowd"  # around the room's hour, most of them right at it
    REJOIN = "rejoin"  # constant; then all connections are cut at once, and all come back
    EXIT = "exit"  # constant; then all leave at once


@dataclass(frozen=True, slots=True)
class Coming:
    """Who comes when. `hour_s` is the room's hour, `all_at_s` when all are cut or leave."""

    pattern: Arrivals = Arrivals.CONSTANT
    ramp_s: float = 1.0
    hour_s: float | None = None
    all_at_s: float | None = None
    seed: int = 1


def due_s(coming: Coming, number: int, of: int, chance: random.Random) -> float:
    """Return when listener `number` of `of` comes; rises with the number.

    Each of the `of` equal shares of the pattern has one arrival, at a random moment within it: the
    pattern is exact, and moments are not in step with anything.
    """
    share = (number + chance.random()) / of
    match coming.pattern:
        case Arrivals.RAMP:
            return coming.ramp_s * math.sqrt(share)
        case Arrivals.CROWD:
            hour_s = coming.ramp_s / 2 if coming.hour_s is None else coming.hour_s
            low = _BELL.cdf(-_CROWD_SIGMAS)
            sigmas = _BELL.inv_cdf(low + share * (1 - 2 * low))
            return max(0.0, hour_s + sigmas / _CROWD_SIGMAS * coming.ramp_s / 2)
    return coming.ramp_s * share
