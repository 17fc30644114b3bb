"""How many came whom the kernel turned away, from how often it did so. Pure; concludes nothing.

A full queue drops the first packet of a connection, and whoever sent it sends it again after 1, 3
and 7 s (RFC 6298 2.1 and 5.5; Linux): one person is turned away up to four times within 8 s,
three times within the 6 s that our page waits. The kernel counts packets; wanted are people.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

_WAITS_S = (1, 2, 4)  # from one repetition to the next


@dataclass(slots=True)
class Knocks:
    """Connections begun by the second, each counted once, when it was begun."""

    begun: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # twice and more: 3 s without a word
    left_out: list[float] = field(default_factory=list)  # each time: they were never heard


def read_knocks(accepted: Sequence[float], turned_away: Sequence[float]) -> Knocks:
    """Return who began a connection, of those that came and packets that were dropped, by second.

    Whoever was dropped is taken to come again on time, and to be dropped then as often as others.
    Bots need not: of those it is too few.
    """
    knocks = Knocks()
    # Who comes again at a second, by how often they have.
    again = [[0.0] * (len(accepted) + max(_WAITS_S)) for _ in _WAITS_S]
    for t, (came, dropped) in enumerate(zip(accepted, turned_away, strict=True)):
        all_ = came + dropped
        share = dropped / all_ if all_ else 0.0
        expected = fsum(column[t] for column in again)
        there = min(1.0, all_ / expected) if expected else 0.0
        begun = max(0.0, all_ - expected)
        dropped_again = [column[t] * there * share for column in again]
        for n, (wait_s, some) in enumerate(
            zip(_WAITS_S, [begun * share, *dropped_again], strict=False)
        ):
            again[n][t + wait_s] += some
        knocks.begun.append(begun)
        knocks.late.append(dropped_again[0])
        knocks.left_out.append(dropped_again[-1])
    return knocks
