"""What of ours broke in an evening, as far as its records tell. Pure; blames nobody else.

An edge that was missing, deliveries that cost more, a programme that came late, pages that did not
keep to their places. Whether that is why people waited is the verdict's to say.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import fsum
from statistics import median

from stentor.evidence.columns import Columns
from stentor.evidence.replay import LAG_S, SOON_S, usual
from stentor.shield.merge import Merged

_DEARER = 1.4  # costs against those of the evening's beginning
_LONGER = 1.2  # lanes against those of then, for costs to be compared
_LATE_MIN = 5  # seconds
_AGAIN = 1.4  # times that a good ticket is shown without a line: once would do
_VOUCHED_MIN = 20.0
_RESTLESS, _KNOWN = 30.0, 0.3  # connections of each address; how many of them had a reminder
_COMES_AGAIN_S = 9.0  # as `replay.RETRY_S`
_LINE_S = 5  # after a line its last tickets still come


def lost_at_once(columns: Columns) -> list[float]:
    """Return how many listeners were lost at once, by the second."""
    lost = [0.0]
    for before, now in pairwise(one.listeners for one in columns.merged):
        lost.append(float(before - now) if before - now > 0.2 * before else 0.0)
    return lost


def returning(columns: Columns) -> float:
    """Return how many came again whom a network's fault, or an edge's, had lost."""
    return fsum(lost_at_once(columns))


def own_faults(columns: Columns) -> tuple[str, ...]:
    """Return in sentences what of ours broke, as far as records tell."""
    found = []
    if any(columns.missing):
        found.append("an edge was missing")
    dearer = _dearer(columns.merged)
    if dearer >= _DEARER:
        found.append(f"each delivery cost {dearer:.1f} times what it had")
    lag_s = max(columns.lag_s)
    if lag_s > LAG_S:
        found.append(f"the programme was {lag_s:.1f} s late at the edges")
    shown, vouched = _shown(columns)
    if vouched >= _VOUCHED_MIN and shown - 2 * returning(columns) >= _AGAIN * vouched:
        found.append(f"our pages showed each good ticket {shown / vouched:.1f} times")
    came, fresh = fsum(columns.accepted), fsum(columns.fresh[2:])
    if (
        fresh >= _VOUCHED_MIN
        and came >= _RESTLESS * fresh
        and (sum(columns.vouched) >= _KNOWN * fresh)
    ):
        found.append(f"our pages came {came / fresh:.0f} times each, those with reminders too")
    return tuple(found)


def _dearer(merged: Sequence[Merged]) -> float:
    """Return how many times more a delivery cost than when the evening began to be one.

    A slower lane's delivery is larger: compared are seconds in which they were about as large.
    """
    early = usual([float(one.listeners) for one in merged])
    usual_s = median(one.load.delivery_cost_s for one in merged[early])
    lane_ms = median(_lane_ms(one) for one in merged[early])
    late = sorted(
        one.load.delivery_cost_s
        for one in merged[early.stop :]
        if _lane_ms(one) <= _LONGER * lane_ms
    )
    return late[int(0.8 * len(late))] / usual_s if usual_s and len(late) >= _LATE_MIN else 1.0


def _lane_ms(second: Merged) -> float:
    """Return how much programme a listener is delivered at once, on average."""
    by_lane = second.load.by_lane_ms
    listeners = max(1, sum(by_lane.values()))
    return sum(int(ms) * n for ms, n in by_lane.items()) / listeners


def _shown(columns: Columns) -> tuple[float, float]:
    """Return how often good tickets were shown while there was no line, and how often is right.

    Each once; and who waits to be looked at shows theirs again each time that they give up.
    """
    shown, right, new, line_s = 0.0, 0.0, 0.0, -_LINE_S - 1
    for n, one in enumerate(columns.merged):
        if one.door.line:
            line_s = n
        if n - line_s > _LINE_S:
            shown += columns.ticketed[n]
            new += columns.vouched[n]
            right += columns.vouched[n]
            if one.queue_s.p95 > SOON_S:
                right += new / _COMES_AGAIN_S
    return shown, right
