"""When a part that died is started again. Pure: deaths and the time in, a delay out.

A death now and then is answered at once, because people are listening; a part that cannot live is
tried ever more rarely, because it must not take the machine from the parts that can.
"""

from collections.abc import Sequence

MEMORY_S = 60.0  # deaths longer ago are forgiven
AT_ONCE_MAX = 4  # deaths within MEMORY_S that are answered at once
FIRST_WAIT_S = 0.5
WAIT_S_MAX = 15.0


def decide_restart(deaths: Sequence[float], now: float) -> float:
    """Return after how many seconds to start a part again that died at each of `deaths`.

    `deaths` are times on the clock of `now`, seconds, the newest included.
    """
    recent = sum(1 for at in deaths if now - at < MEMORY_S)
    if recent <= AT_ONCE_MAX:
        return 0.0
    doublings = min(recent - AT_ONCE_MAX - 1, 10)  # bounded, so that the power stays small
    return float(min(WAIT_S_MAX, FIRST_WAIT_S * 2**doublings))


def remember_death(deaths: Sequence[float], now: float) -> tuple[float, ...]:
    """Return the deaths that still count, with one at `now` added."""
    return (*(at for at in deaths if now - at < MEMORY_S), now)
