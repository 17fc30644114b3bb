"""The pace of a line, and how many more fit: the two figures that every announced wait rests on.

A pace that followed what there is to spare would fall as the house fills and rise when the crowd
is told its place, and would make liars of all who were told a time. So it is a small, plain share
of what joining costs, which a crowd ten times as large leaves over, and it moves only when that
cost does. How many fit is a bound of its own: who stands behind it waits until somebody leaves.
"""

from math import exp

# Ten who are told their place cost about five sixths of the joiners' time, one who comes in the
# rest (bench/refusals.py: 33 to 38 µs to tell, 39 to 47 to let in, more when caches are cold).
SHARE_OF_JOINING = 1 / 6
JOIN_COST_S_MIN = 80e-6  # what costs less is let in no faster, so costs may sway below
PER_S_MAX = 20_000.0
ROOM_MAX = 1_000_000  # of one edge: no process holds as many
_HELD = (0.8, 1.5)  # of what is announced: within that it stays as it is
_THERE = (0.97, 1.03)  # once it moves, until that
_FALLS_S, _RISES_S = 3.0, 30.0
_LEAVING_S, _LEFT = (6.0, 60.0), 250.0


def sustained_per_s(join_cost_s: float, join_share: float) -> float:
    """Return how many may be let in a second while ten times as many come and are told to wait.

    `join_cost_s` is CPU time, `join_share` the joiners' CPU seconds a second.
    """
    return min(PER_S_MAX, join_share * SHARE_OF_JOINING / max(JOIN_COST_S_MIN, join_cost_s))


class Pace:
    """Listeners let in a second. Holds still; falls soon when it must, and rises slowly."""

    def __init__(self) -> None:
        self.per_s = 0.0
        self._moves = False

    def follow(self, wanted: float, past_s: float) -> float:
        """Return the pace `past_s` seconds later, when so many could be let in."""
        if not self.per_s:
            self.per_s = wanted
        ratio = wanted / max(1e-9, self.per_s)
        low, high = _THERE if self._moves else _HELD
        self._moves = not low <= ratio <= high
        if self._moves:
            tau_s = _FALLS_S if ratio < 1 else _RISES_S
            self.per_s += (wanted - self.per_s) * (1 - exp(-past_s / tau_s))
        return self.per_s


class Leaving:
    """How many leave a second, as a share of those who listen: both grow with the house.

    Looks back until some hundreds have left, so that chance is a few percent of it, and no further.
    """

    def __init__(self) -> None:
        self._left = 0.0
        self._listened_s = 0.0
        self._per_s = 0.0

    def look(self, listeners: int, left_per_s: float, past_s: float) -> float:
        """Return how many leave a second now."""
        shortest_s, longest_s = _LEAVING_S
        tau_s = min(longest_s, max(shortest_s, _LEFT / max(1e-9, self._per_s, left_per_s)))
        kept = exp(-past_s / tau_s)
        self._left = self._left * kept + left_per_s * past_s
        self._listened_s = self._listened_s * kept + listeners * past_s
        if self._listened_s:
            self._per_s = listeners * self._left / self._listened_s
        return self._per_s


def fits(spare_cpu_s: float, delivery_cost_s: float, period_s: float, *bounds: float | None) -> int:
    """Return how many more listeners fit: into the time for deliveries, and into other bounds.

    `spare_cpu_s` is CPU seconds a second. A bound of None does not hold. Below zero: so many are
    too many, which other edges of the machine have to make up for.
    """
    by_cpu = spare_cpu_s * period_s / max(1e-9, delivery_cost_s)
    known = [one for one in bounds if one is not None]
    return int(max(-ROOM_MAX, min(by_cpu, ROOM_MAX, *known)))
