"""Who comes to an edge that speaks TLS, when, and what those who came saw: facts, no sockets."""

import enum
import random
from dataclasses import dataclass

_BURST_S = 0.3
_OTHERS_LONGER_S = 10.0  # idle and slow ones come until so long after the last person


class Kind(enum.Enum):
    """What a client does."""

    PERSON = "greets, asks, listens"
    IDLE = "connects and says nothing"
    SLOW = "greets in pieces, the last of which never comes"


@dataclass(frozen=True, slots=True)
class Coming:
    """Who comes, and for how long they try."""

    rate_per_s: float
    arrive_s: float
    burst: int  # these at once instead, if any
    idle_per_s: float
    slow_per_s: float
    seed: int
    tries_s: float  # from when somebody came first

    @property
    def lasts_s(self) -> float:
        """How long it takes, all in all."""
        return self.arrive_s + self.tries_s + 1.0

    def times(self, chance: random.Random) -> list[tuple[float, Kind]]:
        """Return when each comes first, seconds from the beginning."""
        people, span_s = round(self.rate_per_s * self.arrive_s), self.arrive_s
        if self.burst:
            people, span_s = self.burst, _BURST_S
        others_s = self.arrive_s + _OTHERS_LONGER_S
        crowds = (
            (Kind.PERSON, people, span_s),
            (Kind.IDLE, round(self.idle_per_s * others_s), others_s),
            (Kind.SLOW, round(self.slow_per_s * others_s), others_s),
        )
        return [(chance.random() * for_s, kind) for kind, n, for_s in crowds for _ in range(n)]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the people saw; seconds are from when each came first, where nothing else is said."""

    people: int
    heard_s: list[float]
    told_s: list[float]  # audio or another answer, whichever came first
    waits_s: list[float]  # of who heard, from connecting to that answer
    gave_up: int  # times
    lost: int  # who heard already
    late_s: float  # how late the last one came at worst: this process's own doing
