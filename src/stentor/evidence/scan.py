"""Where in an evening something was far from what it was in all the rest of it. Pure.

A scan statistic (Kulldorff, 1997): of windows of several lengths, the one that stands out most from
what is outside it, in standard deviations. A drift of some percent is no sign, however many came:
people of one hour are not those of another.
"""

from collections.abc import Iterator, Sequence
from math import log1p, sqrt

SPANS_S = (5, 10, 20, 40)
_PRIOR = 10.0  # what is outside counts as if there were so many more, a quarter of them striking
_STRIKING = 0.25
_RARE = 0.01  # no share is taken to be nearer to none or to all
# People of one window are alike by so much (the intraclass correlation of a beta-binomial).
_ALIKE = 0.005
_RATE_DRIFT = 0.3  # of what is usual
_LEAST = 2.0  # variance of what next to nobody does


def scan_share(some: Sequence[float], all_: Sequence[float]) -> float:
    """Return by how much `some` of `all_` stand out in any window: log(1 + standard deviations)."""
    found, all_sum, some_sum = 0.0, sum(all_), sum(some)
    for span in _spans(len(all_)):
        for inside, striking in zip(_sums(all_, span), _sums(some, span), strict=True):
            outside = all_sum - inside + _PRIOR
            usual = (some_sum - striking + _PRIOR * _STRIKING) / outside
            usual = min(1 - _RARE, max(_RARE, usual))
            spread = usual * (1 - usual) * inside * (1 + inside / outside) * (1 + _ALIKE * inside)
            found = max(found, (striking - usual * inside) / sqrt(spread + _LEAST))
    return log1p(found)


def scan_rate(some: Sequence[float]) -> float:
    """Return by how much a rate stands out in any window: log(1 + standard deviations)."""
    n, sum_ = len(some), sum(some)
    found = 0.0
    for span in _spans(n):
        for inside in _sums(some, span):
            usual = (sum_ - inside + 1.0) / (n - span) * span
            spread = usual * (1 + span / (n - span)) + (_RATE_DRIFT * usual) ** 2
            found = max(found, (inside - usual) / sqrt(spread + _LEAST))
    return log1p(found)


def _spans(seconds: int) -> list[int]:
    """Return the windows that leave as much outside as is inside."""
    return [span for span in SPANS_S if 2 * span <= seconds]


def _sums(column: Sequence[float], span: int) -> Iterator[float]:
    """Yield the sums of all windows of `span` seconds."""
    sum_ = 0.0
    for n, value in enumerate(column):
        sum_ += value - (column[n - span] if n >= span else 0.0)
        if n >= span - 1:
            yield sum_
