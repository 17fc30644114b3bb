"""The ladder: what an edge gives to those who join, by what its present listeners leave it.

One decision a second from measured facts: side features first, then slower lanes for joiners, then
a lower bitrate for them, then the line. It asks what the joiners of the next seconds will add and
takes the first rung where that fits, so a growing crowd always finds room in a slower lane. It
climbs at once and comes down late and by one. Nobody who listens is ever its subject.

A line is for when few more fit. It is none for a crowd that comes faster than it can be looked at:
to tell somebody their place takes nearly the time of letting them in (docs/decisions/0026).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import msgspec

from stentor.admission.lanes import LANE_PARTS, margin_parts, period_s
from stentor.admission.pace import ROOM_MAX, Leaving, Pace, fits, sustained_per_s
from stentor.media.grid import PART_S

HORIZON_S = 10.0
SHELF_COST = 5.0  # of a playlist or piece of HLS, in deliveries (bench/refusals.py --shelf)
DOWN_AFTER_S = 10.0
# Up to what use of its CPU time for deliveries an edge gives each lane to joiners.
LANE_CEILINGS = dict(zip(LANE_PARTS, (0.30, 0.45, 0.58, 0.68, 0.76, 0.84), strict=True))
_ALL_CEILING = 0.20
LOWER_CEILING = 0.88
_MARGIN = 0.06  # below a ceiling, before one comes down to it
BITS_LOWER, BITS_LINE = 0.80, 0.95
DESCRIPTORS_LINE = 0.97
MEMORY_LINE = 0.95
_LATE_LINE = 0.8  # of what a lane's listeners have in hand
_LATE_MIN_S = _LATE_LINE * margin_parts(LANE_PARTS[0]) * PART_S  # … in any lane
_LINE_AFTER_S = 2.0  # one bad second is no crowd
_FULL_WITHIN_S = 3.0  # until what comes would have taken all room
_ROOM_OPEN = 0.02  # of who is present must fit again, before the line is closed
_LATE_FULL_S = 5.0  # while deliveries are late nobody is let in; for so long, and it is full


class Step(IntEnum):
    """The rungs, from the ground up."""

    ALL = 0
    SHED = 1
    SLOWER = 2
    LOWER = 3
    LINE = 4


class LoadFacts(msgspec.Struct, frozen=True):
    """What an edge measured of itself in the last second. CPU times are in seconds a second.

    `cores` is its share of the machine's, `join_share` the CPU time that joiners may have.
    """

    cores: float = 1.0
    listeners: Mapping[int, int] = {}  # by a lane's parts
    delivery_cost_s: float = 12e-6
    join_cost_s: float = 50e-6
    late_s: float = 0.0  # from a part's coming to the end of its delivery, queueing for CPU too
    joining: float = 0.0  # of `join_share`, used
    join_wait_s: float = 0.0  # a simulated edge's; a real one tells the watch each wait it sees
    join_share: float = 0.5
    asked_per_s: float = 0.0  # who wanted to join
    left_per_s: float = 0.0
    descriptors: float = 0.0  # of the most
    descriptors_max: int = 20_000
    memory: float = 0.0  # of the most
    bits: float = 0.0  # of the most
    waiting: int = 0  # in line
    shelf_per_s: float = 0.0  # what HLS players ask for


class Decision(msgspec.Struct, frozen=True):
    """What joiners get from now on, and how many may be let in a second."""

    step: Step = Step.ALL
    fastest_parts: int = 1
    per_s: float = 1000.0
    line: bool = False
    room: int = ROOM_MAX  # how many more fit; below zero, so many are too many
    leaving_per_s: float = 0.0  # of late
    pauses: bool = False  # nobody is let in just now: deliveries are late
    lower_rendition: bool = False  # for joiners who can play it
    present_parts: int = 1  # the fastest lane in which all who are here would find room

    @property
    def shed(self) -> bool:
        """Whether side features are shed."""
        return self.step >= Step.SHED


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
        _Rung(Step.LOWER, last, LOWER_CEILING),
    )


def delivery_use(facts: LoadFacts, joiners: float = 0.0, parts: int = LANE_PARTS[-1]) -> float:
    """Return the share of its CPU that deliveries take, with so many more in a lane."""
    return _use(facts, _deliveries_per_s(facts) + joiners / period_s(parts))


def _use(facts: LoadFacts, deliveries_per_s: float) -> float:
    return deliveries_per_s * facts.delivery_cost_s / facts.cores


def _deliveries_per_s(facts: LoadFacts) -> float:
    per_s = 0.0
    for parts, count in facts.listeners.items():
        per_s += count / period_s(parts)
    return per_s + facts.shelf_per_s * SHELF_COST


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
        self._pace = Pace()
        self._late_s = 0.0
        self._leaving = Leaving()
        self._below_s = 0.0
        self._line = False
        self._short_s = 0.0  # for so long there has not been room for all who come
        self._ample_s = 0.0
        self._full_bits = False
        self._ample_bits_s = 0.0
        self._full_memory = False
        self._now_s: float | None = None

    def decide(self, facts: LoadFacts, now_s: float) -> Decision:
        """Return what holds from now on."""
        past_s = 1.0 if self._now_s is None else min(5.0, max(0.0, now_s - self._now_s))
        self._now_s = now_s
        late = _is_late(facts)
        self._late_s = self._late_s + past_s if late else 0.0
        present = sum(facts.listeners.values())
        sent_per_s = _deliveries_per_s(facts)
        room, per_s = self._room(facts, present, sent_per_s), self._rate(facts, past_s)
        self._climb(facts, sent_per_s, room, past_s)
        self._line = self._wants_line(facts, present, room, late=late, past_s=past_s)
        rung = self._rungs[self._at]
        lowers = self._lowers(facts, past_s) or rung.step >= Step.LOWER
        return Decision(
            step=Step.LINE if self._line else Step.LOWER if lowers else rung.step,
            fastest_parts=rung.parts,
            lower_rendition=lowers,
            line=self._line or bool(self._per_s_max),
            per_s=per_s,
            room=room,
            leaving_per_s=self._leaving.look(present, facts.left_per_s, past_s),
            pauses=self._line and late,
            present_parts=max(rung.parts, self._present_parts(facts, present)),
        )

    def _wants_line(
        self, facts: LoadFacts, present: int, room: int, *, late: bool, past_s: float
    ) -> bool:
        """Say whether there is no room, or soon will not be; one bad second is no crowd."""
        if room <= 0:
            self._short_s, self._ample_s = _LINE_AFTER_S, 0.0
            return True
        ample = room > _ROOM_OPEN * present and not facts.waiting
        if late or room <= facts.asked_per_s * _FULL_WITHIN_S:
            self._short_s, self._ample_s = self._short_s + past_s, 0.0
        else:
            self._short_s = 0.0
            self._ample_s = self._ample_s + past_s if ample else 0.0
        return self._ample_s < DOWN_AFTER_S if self._line else self._short_s >= _LINE_AFTER_S

    def _climb(self, facts: LoadFacts, sent_per_s: float, room: int, past_s: float) -> None:
        """Find the lane; whoever has to wait takes no room in any."""
        joiners = max(0.0, min(facts.asked_per_s * HORIZON_S, room))
        if self._line:
            joiners = min(joiners, self._pace.per_s * HORIZON_S)
        fits = self._first_that_fits(facts, sent_per_s, joiners, 0.0)
        if fits > self._at:
            self._at, self._below_s = fits, 0.0
        elif self._at and self._first_that_fits(facts, sent_per_s, joiners, _MARGIN) < self._at:
            self._below_s += past_s
            if self._below_s >= DOWN_AFTER_S:
                self._at, self._below_s = self._at - 1, DOWN_AFTER_S / 2
        else:
            self._below_s = 0.0

    def _present_parts(self, facts: LoadFacts, present: int) -> int:
        """Return the fastest lane that could take all who are here, and stay below its ceiling.

        Whoever was moved to a faster one would soon be moved back: in slow lanes all look cheap.
        """
        for rung in self._rungs[1:-1]:
            use = present / period_s(rung.parts) * facts.delivery_cost_s / facts.cores
            if use < rung.ceiling - _MARGIN:
                return rung.parts
        return self._rungs[-1].parts

    def _first_that_fits(
        self, facts: LoadFacts, sent_per_s: float, joiners: float, margin: float
    ) -> int:
        for n, rung in enumerate(self._rungs):
            use = _use(facts, sent_per_s + joiners / period_s(rung.parts))
            if use < rung.ceiling - margin:
                return n
        return len(self._rungs) - 1

    def _lowers(self, facts: LoadFacts, past_s: float) -> bool:
        """Say whether the network is so full that joiners get a lower bitrate.

        In the lane that their CPU time allows: a slower one would help the network hardly, and
        cost it a burst of its length for each who joins or is moved there.
        """
        if facts.bits >= BITS_LOWER:
            self._full_bits, self._ample_bits_s = True, 0.0
        elif self._full_bits:
            ample = facts.bits < BITS_LOWER - _MARGIN
            self._ample_bits_s = self._ample_bits_s + past_s if ample else 0.0
            self._full_bits = self._ample_bits_s < DOWN_AFTER_S
        return self._full_bits

    def _rate(self, facts: LoadFacts, past_s: float) -> float:
        """Return how many may be let in a second while there is a line."""
        if self._per_s_max:
            return self._per_s_max
        wanted = sustained_per_s(facts.join_cost_s, facts.join_share)
        return self._pace.follow(wanted, past_s)

    def _room(self, facts: LoadFacts, present: int, sent_per_s: float) -> int:
        """Return how many more fit if all who come get the slowest lane."""
        late = self._late_s >= _LATE_FULL_S
        if late or (not present and (facts.memory >= MEMORY_LINE or facts.bits >= BITS_LINE)):
            return 0
        spare_s = (LOWER_CEILING - _use(facts, sent_per_s)) * facts.cores
        free = (DESCRIPTORS_LINE - facts.descriptors) * facts.descriptors_max
        # Below zero when they are too many: a door lets in some beyond what is just no room.
        by_memory = self._fits_memory(facts.memory, present)
        by_bits = (BITS_LINE / facts.bits - 1) * present if facts.bits > 0 and present else None
        slowest_s = period_s(self._rungs[-1].parts)
        return fits(spare_s, facts.delivery_cost_s, slowest_s, free, by_bits, by_memory)

    def _fits_memory(self, memory: float, present: int) -> float | None:
        """Return how many more fit into memory that was full of late; None while there is enough.

        Not all of it is listeners', so far from the limit their share would say too little.
        """
        over = memory >= MEMORY_LINE
        self._full_memory = over or (self._full_memory and memory >= MEMORY_LINE - _MARGIN)
        if not self._full_memory or not present:
            return None
        more = (MEMORY_LINE / memory - 1) * present
        return more - 1 if over else max(1.0, more)


def _is_late(facts: LoadFacts) -> bool:
    """Say whether deliveries are so late that some listeners' buffers are nearly dry."""
    if facts.late_s <= _LATE_MIN_S:
        return False
    fastest = min((parts for parts, count in facts.listeners.items() if count), default=0)
    return bool(fastest) and facts.late_s > _LATE_LINE * margin_parts(fastest) * PART_S
