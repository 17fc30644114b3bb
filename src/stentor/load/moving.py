"""Moves between lanes: an edge advises, a player stretches, comes again elsewhere, then leaves.

Nobody moves against their buffer: to a slower lane only once what is left is that lane's target,
for which the player plays at 0.97 meanwhile. Pure.
"""

import random

from stentor.admission.events import Advice
from stentor.admission.lanes import lane_for_period, target_s
from stentor.load.audience import Audience
from stentor.load.schedule import Act, Schedule

STRETCH = 0.03  # 3 % slower: so much is gained each second
_NS = 1_000_000_000


class Moving:
    """Who has been advised, and who is on the way."""

    def __init__(self, audience: Audience, schedule: Schedule, chance: random.Random) -> None:
        self._audience = audience
        self._schedule = schedule
        self._chance = chance
        self._advised: dict[int, tuple[Advice, int, int]] = {}  # advice, since, stretch

    def advised(self, who: int, advice: Advice, period_s: float, now_ns: int) -> None:
        """Advice has come; the same may be said again."""
        known = self._advised.get(who)
        elsewhere = advice.period_ms != round(period_s * 1000) or advice.reason == "deploy"
        if not elsewhere or (known is not None and known[0].id == advice.id):
            return
        wait_s = advice.within_s * (0.05 + 0.9 * self._chance.random())
        stretch_s = 0.0
        if advice.period_ms > period_s * 1000:
            left_s = (self._audience.dry_ns[who] - now_ns) / _NS
            stretch_s = max(0.0, target_s(lane_for_period(advice.period_ms)) - left_s)
            wait_s = max(wait_s, stretch_s / STRETCH)
        self._advised[who] = advice, now_ns, round(stretch_s * _NS)
        self._schedule.at(now_ns + round(wait_s * _NS), Act.MOVE, who)

    def sets_out(self, who: int, now_ns: int) -> int | None:
        """Return the lane to ask for now, in ms: the player has stretched as far as it needs."""
        known = self._advised.pop(who, None)
        if known is None:
            return None
        advice, _since_ns, stretch_ns = known
        self._audience.dry_ns[who] += stretch_ns
        return advice.period_ms
