"""Where in an evening something was far from what it was in all the rest of it. Pure.

A scan statistic (Kulldorff, 1997): of windows of several lengths, the one that stands out most from
what is outside it, in standard deviations. A drift of some percent is no sign, however many came:
people of one hour are not those of another.
"""

from collections.abc import Sequence
from math import log1p, sqrt

SPANS_S = (5, 10, 20, 40)
_PRIOR = 10.0  # what is outside counts as if there were so many more, half of them striking
_DRIFT = 0.05  # of all in a window: by so much shares differ for no reason
_RATE_DRIFT = 0.3  # of what is usual
_LEAST = 2.0  # a window with less is chance


def scan_share(some: Sequence[float], all_: Sequence[float]) -> float:
    """Return by how much `some` of `all_` stand out in any window: log(1 + standard deviations)."""
    n = len(some)
    found, all_sum, some_sum = 0.0, sum(all_), sum(some)
    for span in SPANS_S:
        if 2 * span > n:
            continue
        inside = inside_some = 0.0
        for t in range(n):
            inside += all_[t] - (all_[t - span] if t >= span else 0.0)
            inside_some += some[t] - (some[t - span] if t >= span else 0.0)
            if inside < _LEAST:
                continue
            outside = all_sum - inside + _PRIOR
            usual = min(1.0, (some_sum - inside_some + _PRIOR / 2) / outside)
            spread = usual * (1 - usual) * inside * (1 + inside / outside)
            above = inside_some - usual * inside
            found = max(found, above / sqrt(spread + (_DRIFT * inside) ** 2 + _LEAST))
    return log1p(found)


def scan_rate(some: Sequence[float]) -> float:
    """Return by how much a rate stands out in any window: log(1 + standard deviations)."""
    n = len(some)
    found, sum_ = 0.0, sum(some)
    for span in SPANS_S:
        if 2 * span > n:
            continue
        inside = 0.0
        for t in range(n):
            inside += some[t] - (some[t - span] if t >= span else 0.0)
            usual = (sum_ - inside + 1.0) / (n - span) * span
            spread = usual * (1 + span / (n - span)) + (_RATE_DRIFT * usual) ** 2
            found = max(found, (inside - usual) / sqrt(spread + _LEAST))
    return log1p(found)
