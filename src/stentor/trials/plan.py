"""Which trials a rehearsal runs, at which sizes, and how each is arranged. Arithmetic only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stentor.admission.lanes import period_s
from stentor.base.errors import UsageError
from stentor.base.machine import descriptors_here
from stentor.rehearsal.trial import Kind
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.delivering import saved_s

SIZES = (900, 1300, 1700)  # of one edge
SIZES_MIN, SIZES_MAX = 3, 6
SIZE_MIN, SIZE_MAX = 20, 8000  # of one edge; more need more descriptors on this machine
# Lanes are forced: lines have another one for each size, and the fastest has the fewest listeners,
# as few cores read it all; crowds have one, as what a join costs is what they are for.
_LINE_LANES = (1, 12, 48)
_CROWD_LANE = 3
SPEED = 16.0  # of the programme while deliveries are measured: the slowest lane's come each second
SLOW, FAST = 48, 3  # the lanes whose deliveries are measured by themselves
EDGES_MAX = 4

# Let in a second by a line's door, plain and by TLS, and how many times as many come: the same at
# every size, so that costs are comparable, and as many as listeners on as many cores can be.
_PER_S, _FLOOD_TIMES = {False: 250.0, True: 200.0}, {False: 4.0, True: 3.0}
_COMES = 0.9  # of who may be let in, before the flood
_FLOODED = 1.5  # listeners of the flood for each who is there
# Of an edge's CPU, how much is for those of a crowd, plain and by TLS: so little that they wait for
# seconds, beside which neither a scheduler's turns nor what the edge has saved up count for much.
_CROWD_SHARE, _TOLD_SHARE = {False: 0.02, True: 0.09}, {False: 0.05, True: 0.2}
# How many of them come a second: as many as listeners on as many cores can be.
_CROWD_PER_S = {False: 2600.0, True: 900.0}
# How many come to one edge: so many for each listener that it is named by, and some more, so that
# what the edge has saved up, and a lot of handshakes, count for little in the smallest one's median
# too. But so few that they can wait one by one: beyond three quarters of 4,096 many are told in one
# breath (edge.crush), which is no queue. And none waits for six seconds, as who listens with our
# page would not.
_CROWD, _CROWD_MORE, _CROWD_MAX = {False: 1.0, True: 0.4}, {False: 1100, True: 240}, 2600
# A crowd of one process comes so often, and so many processes have one, in turn with the other
# sizes: handshakes cost another 4 % in each process, all else another 3 % each time.
_TIMES, ROUNDS = {False: 4, True: 3}, {False: 2, True: 3}
# Lines last so long that chance within one evens out, but each process has its own: a twentieth,
# with handshakes a tenth.
_LINE_ROUNDS, _SENT_ROUNDS = {False: 2, True: 3}, 2
_JOIN_SHARE = 0.5
_NOBODY_PER_S = 0.01
_SETTLE_S, _HOLD_S, _AFTER_S = 1.0, 2.0, 2.5
_SLOWER, _HEARD_S = 1.2, 1.2  # than the costs that come with the code; and after all have heard
STEP_S = 2.5  # for so long deliveries are counted at each size and lane
IDLE_S = 2.0  # and what edges take with nobody there
_DESCRIPTORS_RESERVED = 1000


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """One trial. Times are seconds from its first listener."""

    kind: Kind
    sizes: tuple[int, ...]  # one, or those that come one after another
    tls: bool
    lane_parts: int
    edges: int
    join_share: float = _JOIN_SHARE
    per_s: float = 0.0  # of all edges
    first: int = 0  # who come first
    comes_s: float = 1.0  # until they have all come
    flood: int = 0
    flood_from_s: float = 0.0
    flood_s: float = 0.0
    lasts_s: float = 0.0
    times: int = 1  # that all of it is done before the same edges
    round: int = 1  # in which it is done by processes of its own

    @property
    def size(self) -> int:
        """The size that it is named by."""
        return self.sizes[-1]

    @property
    def about(self) -> str:
        """What it is, for people."""
        way = "with TLS" if self.tls else "without TLS"
        match self.kind:
            case Kind.DELIVERIES:
                return f"deliveries to {self.size:,} listeners, {way}"
            case Kind.CROWD:
                return (
                    f"{self.first:,} come at once, {way}, lane of {period_s(self.lane_parts):g} s,"
                    f" {self.times} times"
                )
            case Kind.TOLD:
                return f"{self.first:,} come at once and nobody is let in, {way}"
            case Kind.LINE:
                return (
                    f"{self.size:,} listen and {self.flood:,} more come to a line, {way},"
                    f" lane of {period_s(self.lane_parts):g} s"
                )


def plan_trials(sizes: Sequence[int], edges: int) -> list[TrialPlan]:
    """Return the trials in order; raises `UsageError` for sizes that cannot be."""
    check_sizes(sizes, edges)
    sent = [TrialPlan(Kind.DELIVERIES, tuple(sizes), tls, SLOW, edges) for tls in (False, True)]
    plans = sent + [_told(sizes[0], edges, tls=tls) for tls in (False, True)]
    rounds = max(ROUNDS.values())
    for round_ in range(rounds):
        for number, size in enumerate(sizes):
            for tls in (False, True):
                if round_ < ROUNDS[tls]:
                    plans.append(replace(_crowd(size, edges, tls=tls), round=round_ + 1))
                if (round_ - number) % rounds < _LINE_ROUNDS[tls]:
                    lane = _LINE_LANES[number % len(_LINE_LANES)]
                    line = _line(size, lane, edges, tls=tls)
                    earlier = sum(replace(one, round=1) == line for one in plans)
                    plans.append(replace(line, round=earlier + 1))
    return plans + [replace(one, round=n) for n in range(2, _SENT_ROUNDS + 1) for one in sent]


def default_sizes(edges: int) -> tuple[int, ...]:
    """Return the sizes for so many edges."""
    return tuple(size * edges for size in SIZES)


def check_sizes(sizes: Sequence[int], edges: int) -> None:
    """Raise `UsageError` for sizes that say nothing, or that this machine does not bear."""
    if not SIZES_MIN <= len(sizes) <= SIZES_MAX or sorted(set(sizes)) != list(sizes):
        raise UsageError(
            f"Give {SIZES_MIN} to {SIZES_MAX} rising sizes of trials, such as"
            f" {','.join(map(str, SIZES))}: each is predicted from the others."
        )
    if sizes[0] < SIZE_MIN:
        raise UsageError(f"A trial with fewer than {SIZE_MIN} listeners says nothing.")
    each = 1 + _FLOODED
    most = min(SIZE_MAX, round((descriptors_here() - _DESCRIPTORS_RESERVED) / each)) * edges
    if sizes[-1] > most:
        raise UsageError(
            f"The edges of a trial here bear {most:,} listeners and the crowd that comes to them:"
            f" give no size above that."
        )


def takes_s(plans: Sequence[TrialPlan]) -> float:
    """Return about how long they take."""
    started_s, again_s = 4.5, 1.5
    return sum(
        started_s
        + (one.lasts_s or (2 * STEP_S + 2.0) * len(one.sizes)) * one.times
        + again_s * (one.times - 1)
        for one in plans
    )


def _crowd(size: int, edges: int, *, tls: bool) -> TrialPlan:
    share = _CROWD_SHARE[tls]
    each = min(_CROWD_MAX, round(_CROWD[tls] * size / edges) + _CROWD_MORE[tls])
    costs = SHIPPED.tls if tls else SHIPPED.plain
    over_s = max(each / _CROWD_PER_S[tls], (each * costs.join_s - saved_s(share)) / share)
    return TrialPlan(
        Kind.CROWD,
        (size,),
        tls,
        _CROWD_LANE,
        edges,
        join_share=share,
        first=each * edges,
        comes_s=each / _CROWD_PER_S[tls],
        lasts_s=round(_SLOWER * over_s + _HEARD_S),
        times=_TIMES[tls],
    )


def _told(size: int, edges: int, *, tls: bool) -> TrialPlan:
    costs = SHIPPED.tls if tls else SHIPPED.plain
    over_s = size / edges * costs.place_s / _TOLD_SHARE[tls]
    return TrialPlan(
        Kind.TOLD,
        (size,),
        tls,
        _CROWD_LANE,
        edges,
        join_share=_TOLD_SHARE[tls],
        per_s=_NOBODY_PER_S,
        first=size,
        comes_s=size / edges / _CROWD_PER_S[tls],
        lasts_s=math.ceil(_SLOWER * over_s + _HEARD_S),
    )


def _line(size: int, lane: int, edges: int, *, tls: bool) -> TrialPlan:
    per_s = min(_PER_S[tls] * edges, max(4.0, size / 1.5))
    comes_s = size / (per_s * _COMES)
    flood = round(size * _FLOODED)
    flood_s = flood / (per_s * _FLOOD_TIMES[tls])
    flood_from_s = comes_s + _SETTLE_S + _HOLD_S
    lasts_s = math.ceil(flood_from_s + flood / per_s + _AFTER_S)
    return TrialPlan(
        Kind.LINE,
        (size,),
        tls,
        lane,
        edges,
        per_s=per_s,
        first=size,
        comes_s=comes_s,
        flood=flood,
        flood_from_s=flood_from_s,
        flood_s=flood_s,
        lasts_s=lasts_s,
    )
