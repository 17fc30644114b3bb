"""The lanes: how much programme a listener is delivered at once, and what that costs in latency.

Arithmetic only. Which lane a joiner gets is the ladder's decision; delivering is the edge's work.
"""

from stentor.media.grid import PART_S

LANE_PARTS = (1, 3, 6, 12, 24, 48)  # 0.32, 0.96, 1.92, 3.84, 7.68 and 15.36 s
_MARGIN_PARTS_MIN = 2
_MARGIN_S_MIN = 0.5


def margin_parts(parts: int) -> int:
    """Return how many parts beyond a period a joiner is given: a late delivery is not heard.

    A joiner's burst begins `parts + margin_parts(parts)` parts before the newest one: whenever in
    its lane's period it comes, that many parts are left when the next delivery is due.
    """
    return max(_MARGIN_PARTS_MIN, -(-parts // 4))


def period_s(parts: int) -> float:
    """Return the seconds of programme in one delivery of a lane of `parts` parts."""
    return parts * PART_S


def target_s(parts: int) -> float:
    """Return the buffer in seconds that a player in such a lane holds right after a delivery."""
    return period_s(parts) + max(_MARGIN_S_MIN, period_s(parts) / 4)


def lane_for_period(period_ms: int) -> int:
    """Return the parts of the fastest lane of at least that period, else of the slowest."""
    return next((n for n in LANE_PARTS if period_s(n) * 1000 >= period_ms - 1), LANE_PARTS[-1])
