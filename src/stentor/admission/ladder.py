"""The ladder: what an edge gives to those who join, by what its present listeners leave it.

One decision a second from measured facts: side features first, then slower lanes for joiners, then
a lower bitrate for them, then the line. It asks what the joiners of the next seconds will add and
takes the first rung where that fits, so a growing crowd always finds room in a slower lane. It
climbs at once and comes down late and by one. Nobody who listens is ever its subject.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import exp

from stentor.admission.lanes import LANE_PARTS, margin_parts, period_s
from stentor.media.grid import PART_S

HORIZON_S = 10.0
DOWN_AFTER_S = 10.0
# Up to what use of its CPU time for deliveries an edge gives each lane to joiners.
LANE_CEILINGS = dict(zip(LANE_PARTS, (0.30, 0.45, 0.58, 0.68, 0.76, 0.84), strict=True))
_ALL_CEILING = 0.20
_LOWER_CEILING = 0.88
_MARGIN = 0.06  # below a ceiling, before one comes down to it
_BITS_LOWER, _BITS_LINE = 0.80, 0.95
_DESCRIPTORS_LINE = 0.97
_MEMORY_LINE = 0.95
_JOINING_LINE, _JOINING_OPEN = 0.90, 0.60
_LATE_LINE = 0.8  # of what a lane's listeners have in hand
_LINE_AFTER_S = 2.0  # one bad second is no crowd
_FILL_S = 20.0
_JOINS_OF_BUDGET = (0.25, 0.9)  # the rest answers those who are told their place
_RATE_STEP = 1.15
_RATE_MAX = 20_000.0


class Step(IntEnum):
    """The rungs, from the ground up."""

    ALL = 0
    SHED = 1
    SLOWER = 2
    LOWER = 3
    LINE = 4


# What the first step sheds, and what that saves. The edge's parts read `shed`.
SIDE_FEATURES = {
    "compression": "playlists go out as they are: no gzip",
    "downloads": "no recording is begun to be read: 503, come again in a minute",
    "directory": "the list of rooms is up to five seconds old",
}


@dataclass(frozen=True, slots=True)
class LoadFacts:
    """What an edge measured of itself in the last second. CPU times are in seconds a second.

    `cores` is its share of the machine's, `join_share` the CPU time that joiners may have.
    """

    cores: float = 1.0
    listeners: Mapping[int, int] = field(default_factory=dict)  # by a lane's parts
    delivery_cost_s: float = 12e-6
    join_cost_s: float = 50e-6
    late_s: float = 0.0  # from a part's coming to the end of its delivery, queueing for CPU too
    joining: float = 0.0  # of `join_share`, used
    join_share: float = 0.5
    asked_per_s: float = 0.0  # who wanted to join
    joined_per_s: float = 0.0
    left_per_s: float = 0.0
    descriptors: float = 0.0  # of the most
    descriptors_max: int = 20_000
    memory: float = 0.0  # of the most
    bits: float = 0.0  # of the most
    waiting: int = 0  # in line


@dataclass(frozen=True, slots=True)
class Decision:
    """What joiners get from now on, and how many may be let in a second."""

    step: Step = Step.ALL
    fastest_parts: int = 1
    per_s: float = 1000.0
    line: bool = False

    @property
    def shed(self) -> bool:
        """Whether side features are shed."""
        return self.step >= Step.SHED

    @property
    def lower_rendition(self) -> bool:
        """Whether joiners who can play a lower rendition get it."""
        return self.step >= Step.LOWER


@dataclass(frozen=True, slots=True)
class _Rung:
    step: Step
    parts: int
    ceiling: float


def rungs(fastest_parts: int, slowest_parts: int = LANE_PARTS[-1]) -> tuple[_Rung, ...]:
    """Return the rungs of an edge whose lanes are of so many parts at least and at most."""
    last = max(fastest_parts, slowest_parts)
    lanes = [parts for parts in LANE_PARTS if fastest_parts <= parts <= last]
    ceilings = {parts: LANE_CEILINGS[parts] for parts in lanes}
    ceilings[last] = LANE_CEILINGS[LANE_PARTS[-1]]  # nothing slower needs the room
    return (
        _Rung(Step.ALL, fastest_parts, _ALL_CEILING),
        _Rung(Step.SHED, fastest_parts, ceilings[fastest_parts]),
        *(_Rung(Step.SLOWER, parts, ceilings[parts]) for parts in lanes[1:]),
        _Rung(Step.LOWER, last, _LOWER_CEILING),
        _Rung(Step.LINE, last, float("inf")),
    )


def delivery_use(facts: LoadFacts, joiners: float = 0.0, parts: int = LANE_PARTS[-1]) -> float:
    """Return the share of its CPU that deliveries take, with so many more in a lane."""
    per_s = sum(count / period_s(lane) for lane, count in facts.listeners.items())
    per_s += joiners / period_s(parts)
    return per_s * facts.delivery_cost_s / facts.cores


class Ladder:
    """Remembers on which rung the edge stands; `decide` is called once a second."""

    def __init__(
        self,
        fastest_parts: int = 1,
        per_s_max: float = 0.0,
        slowest_parts: int = LANE_PARTS[-1],
    ) -> None:
        """`per_s_max` above zero holds the line always, and lets in no more than that."""
        self._rungs = rungs(fastest_parts, slowest_parts)
        self._per_s_max = per_s_max
        self._at = 0
        self._per_s = 0.0
        self._below_s = 0.0
        self._line_s = 0.0
        self._now_s: float | None = None

    def decide(self, facts: LoadFacts, now_s: float) -> Decision:
        """Return what holds from now on."""
        past_s = 1.0 if self._now_s is None else min(5.0, max(0.0, now_s - self._now_s))
        self._now_s = now_s
        self._climb(facts, past_s)
        rung = self._rungs[self._at]
        line = rung.step is Step.LINE or bool(self._per_s_max)
        return Decision(rung.step, rung.parts, self._rate(facts, past_s), line)

    def _climb(self, facts: LoadFacts, past_s: float) -> None:
        top = len(self._rungs) - 1
        fits = self._first_that_fits(facts, 0.0)
        must_wait = _must_line(facts, self._rungs[self._at].step is Step.LINE)
        self._line_s = self._line_s + past_s if must_wait or fits == top else 0.0
        full = facts.descriptors >= _DESCRIPTORS_LINE or facts.memory >= _MEMORY_LINE
        if full or self._line_s >= _LINE_AFTER_S:
            fits = top
        elif fits == top:
            fits = top - 1
        if fits > self._at:
            self._at, self._below_s = fits, 0.0
        elif not must_wait and self._first_that_fits(facts, _MARGIN) < self._at:
            self._below_s += past_s
            if self._below_s >= DOWN_AFTER_S:
                self._at, self._below_s = self._at - 1, DOWN_AFTER_S / 2
        else:
            self._below_s = 0.0

    def _first_that_fits(self, facts: LoadFacts, margin: float) -> int:
        joiners = facts.asked_per_s * HORIZON_S
        for n, rung in enumerate(self._rungs):
            if delivery_use(facts, joiners, rung.parts) >= rung.ceiling - margin:
                continue
            if facts.bits >= _BITS_LINE - margin and rung.step < Step.LINE:
                continue
            if facts.bits >= _BITS_LOWER - margin and rung.step < Step.LOWER:
                continue
            return n
        return len(self._rungs) - 1

    def _rate(self, facts: LoadFacts, past_s: float) -> float:
        """Return how many may be let in a second: steady, or what is announced would be false."""
        parts = self._rungs[self._at].parts
        spare = max(0.0, _LOWER_CEILING - delivery_use(facts))
        room = spare * facts.cores * period_s(parts) / max(1e-9, facts.delivery_cost_s)
        free = max(0.0, _DESCRIPTORS_LINE - facts.descriptors) * facts.descriptors_max
        if facts.memory >= _MEMORY_LINE or _is_late(facts) or facts.bits >= _BITS_LINE:
            room = 0.0
        wanted = min(room, free) / _FILL_S + facts.left_per_s
        answers = facts.join_share / max(1e-9, facts.join_cost_s)
        turned_away = max(0.0, facts.asked_per_s - facts.joined_per_s)  # which costs as much
        low, high = _JOINS_OF_BUDGET
        joins = min(max(high * answers - turned_away, low * answers), high * answers)
        wanted = min(wanted, joins, _RATE_MAX)
        if self._per_s_max:
            wanted = self._per_s_max
        near = self._per_s / _RATE_STEP <= wanted <= self._per_s * _RATE_STEP
        if not self._per_s or self._per_s_max:
            self._per_s = wanted
        elif not near:
            self._per_s += (wanted - self._per_s) * (1 - exp(-past_s / 3.0))
        return self._per_s


def _is_late(facts: LoadFacts) -> bool:
    """Say whether deliveries are so late that some listeners' buffers are nearly dry."""
    fastest = min((lane for lane, count in facts.listeners.items() if count), default=0)
    return bool(fastest) and facts.late_s > _LATE_LINE * margin_parts(fastest) * PART_S


def _must_line(facts: LoadFacts, in_line: bool) -> bool:
    """Say whether no slower lane would help: what is short is not time for deliveries."""
    return (
        facts.joining >= (_JOINING_OPEN if in_line else _JOINING_LINE)
        or (in_line and facts.waiting > 0)
        or facts.descriptors >= _DESCRIPTORS_LINE - (_MARGIN / 2 if in_line else 0)
        or facts.memory >= _MEMORY_LINE - (_MARGIN / 2 if in_line else 0)
        or _is_late(facts)
    )
