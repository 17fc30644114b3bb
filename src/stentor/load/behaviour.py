"""Which listeners are slow, flaky, heedless, or leave early. Pure; chance is seeded.

Most people listen; some are on a train. What these do to themselves must not be counted against
the server, and what they do to the server must not be felt by anyone else.
"""

import random
from dataclasses import dataclass

from stentor.base.errors import UsageError
from stentor.load.audience import Trait

FLAKY_EVERY_S = 10.0  # mean time between a flaky listener's losses
FLAKY_AWAY_S = 2.0  # at most so long until it tries again
SLOW_READ_S = 1.0
SLOW_SHARE = 0.5  # of what it is sent; the rest piles up
SLOW_WINDOW_BYTES = 4096
HEEDLESS_S = 0.1  # until who waits for nothing comes again
RETRY_FIRST_S = 0.1
_RETRY_S, _RETRY_S_MAX = 0.25, 8.0
_LEAVES_BETWEEN = (0.2, 0.9)  # of the load's duration


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Shares of all listeners; whoever is none of these stays and reads all."""

    slow: float = 0.0
    flaky: float = 0.0
    leaving: float = 0.0
    heedless: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.slow, self.flaky, self.leaving, self.heedless)
        if min(shares) < 0 or sum(shares) > 1:
            raise UsageError("The shares of odd listeners add up to at most 1.")


def trait(behaviour: Behaviour, chance: random.Random) -> Trait:
    """Return what is special about one more listener."""
    place = chance.random()
    for share, found in (
        (behaviour.slow, Trait.SLOW),
        (behaviour.flaky, Trait.FLAKY),
        (behaviour.leaving, Trait.LEAVING),
        (behaviour.heedless, Trait.HEEDLESS),
    ):
        if place < share:
            return found
        place -= share
    return Trait.NONE


def stays_s(chance: random.Random) -> float:
    """Return how long a flaky connection lasts this time: memoryless, as radio is."""
    return chance.expovariate(1 / FLAKY_EVERY_S)


def leaves_at_s(seconds: float, chance: random.Random) -> float:
    """Return when someone who does not stay leaves, in a load of so many seconds."""
    return seconds * chance.uniform(*_LEAVES_BETWEEN)


def retry_s(attempt: int, chance: random.Random) -> float:
    """Return when to come again, as a page does: nearly at once, then twice as late each time."""
    if attempt == 0:
        return chance.uniform(0, RETRY_FIRST_S)
    most_s = min(_RETRY_S_MAX, _RETRY_S * 2.0**attempt)
    return chance.uniform(most_s / 2, most_s)


def slow_read_bytes(bits_per_s: int) -> int:
    """Return what a slow listener reads at a time."""
    return max(1, round(bits_per_s / 8 * SLOW_READ_S * SLOW_SHARE))
