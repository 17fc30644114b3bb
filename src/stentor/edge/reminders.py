"""Places from before the hour, for who asks to be reminded: in front of who comes at the hour.

Says also when to come, so that not all do at once. Remembers nobody but how often a network asked.
"""

from collections.abc import Callable

import msgspec

from stentor.admission.networks import Places
from stentor.admission.tickets import Kind
from stentor.base.errors import Problem
from stentor.edge.answer import JSON, Answer
from stentor.edge.counts import Counts
from stentor.edge.door_limits import DoorLimits
from stentor.edge.issuing import Issuing
from stentor.edge.rooms import Room
from stentor.rooms.orders import Phase

LINE_FULL = Problem(
    503, "line-full", "Too many from this network are in line", "Come again in a minute."
)
_AFTER_S = 7200  # how long after the hour a reminder still counts
_COME_BEFORE_S = 10


class Reminders:
    """Who asked one edge beforehand."""

    def __init__(
        self,
        limits: DoorLimits,
        issuing: Issuing,
        counts: Counts,
        now_ms: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._issuing = issuing
        self._counts = counts
        self._now_ms = now_ms
        self._chance = chance
        self._asked = Places(limits.network_per_s / 100, limits.network_burst, limits.push_ms_max)

    def answer(self, peer: bytes, room: Room) -> Answer:
        """Return a place and when to come; raises `Problem` if none is to be had."""
        state = room.state
        now_ms = self._now_ms()
        if state is None or state.phase is not Phase.SCHEDULED or state.epoch_ms <= now_ms:
            raise Problem(409, "has-begun", "This conversation has begun", "Come in now.")
        place_ms = self._asked.place(peer, now_ms)
        if place_ms is None or place_ms >= state.epoch_ms:
            raise LINE_FULL
        spread_ms = min(self._limits.spread_ms, max(0, state.epoch_ms - now_ms))
        come_at_ms = state.epoch_ms - _COME_BEFORE_S * 1000 - round(spread_ms * self._chance())
        expires_s = state.epoch_ms // 1000 + _AFTER_S
        text, _ = self._issuing.write(Kind.REMINDER, room.id, place_ms, now_ms, expires_s)
        self._counts.reminders += 1
        body = {
            "ticket": text,
            "place_ms": place_ms,
            "come_at_ms": max(now_ms, come_at_ms),
            "expires_ms": expires_s * 1000,
            "door": f"/r/{room.id}/door.json",
        }
        return Answer(200, msgspec.json.encode(body), JSON, cache="no-store")

    @property
    def forgotten(self) -> int:
        """How many networks were forgotten because there were too many."""
        return self._asked.forgotten

    def forget_idle(self, now_ms: int) -> None:
        """Drop networks that have not asked for a while."""
        self._asked.forget_idle(now_ms)
