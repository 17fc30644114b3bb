"""How many of an evening's connections were hostile, by the second, as far as that can be told.

An estimate from conduct: what no player does, networks that ask much without visitors, strange
clusters beyond the usual, joins that end at once. It names no network. Pure.
"""

from dataclasses import dataclass
from math import fsum
from statistics import median

from stentor.evidence.columns import Columns, soon_of
from stentor.evidence.signs import WINDOW_S, windows

_SILENT_S = 10  # `edge_head_s`: so long ago came who is found to have said nothing
_SURE = 0.12  # of a window's clusters beyond the usual: less is chance


@dataclass(frozen=True, slots=True)
class Hostile:
    """Connections a second that were hostile, and what share of the listeners they had become."""

    per_s: tuple[float, ...]
    listeners: tuple[float, ...]

    def scaled(self, by: float) -> "Hostile":
        """Return the same with so many times as many."""
        return Hostile(
            tuple(one * by for one in self.per_s), tuple(min(1.0, n * by) for n in self.listeners)
        )

    @property
    def total(self) -> float:
        """Return how many connections that are."""
        return fsum(self.per_s)


def estimate_hostile(columns: Columns) -> Hostile:
    """Return the estimate; nobody is counted twice for two signs."""
    n = len(columns)
    if not n:
        return Hostile((), ())
    false_ = _beyond(columns.false)
    mute = _beyond(columns.mute)
    silent = [mute[t + _SILENT_S] if t + _SILENT_S < n else 0.0 for t in range(n)]
    reloads = _beyond(columns.counted("reloads"))
    soon = _beyond(soon_of(columns))
    strange = _strange(columns)
    per_s = []
    for t in range(n):
        came = columns.accepted[t]
        wrong = false_[t] + silent[t]
        most = max(wrong, columns.heavy[t], strange[t] * came, soon[t], reloads[t])
        per_s.append(min(came, most))
    joined = columns.counted("joined")
    left = columns.counted("left")
    inside, shares = 0.0, []
    for t in range(n):
        listeners = max(1.0, float(columns.merged[t].listeners))
        inside += joined[t] * strange[t]
        inside -= inside * min(1.0, left[t] / (listeners + left[t]))
        shares.append(min(1.0, inside / listeners))
    return Hostile(tuple(per_s), tuple(shares))


def _beyond(column: list[float]) -> list[float]:
    """Return what goes beyond twice the usual and what noise may add."""
    usual = median(windows(column)) / WINDOW_S if column else 0.0
    return [max(0.0, one - 2 * usual - 1.0) for one in column]


def _strange(columns: Columns) -> list[float]:
    """Return the share of strangers beyond the usual by the second, 0 where it may be chance."""
    strange, asked = windows(columns.strangers, 5), windows(columns.clusters, 5)
    whole = windows(columns.strangers, 20), windows(columns.clusters, 20)
    usual, found = 0.5, []
    for t in range(len(strange)):
        share = strange[t] / asked[t] if asked[t] >= 5 else 0.0
        beyond = max(0.0, (share - usual) / max(0.05, 1 - usual))
        sure = beyond > _SURE
        found.append(beyond if sure else 0.0)
        if not sure and t >= 5 and whole[1][t] >= 8:  # what is usual is learnt from other times
            usual += (whole[0][t] / whole[1][t] - usual) * 0.2
    return found
