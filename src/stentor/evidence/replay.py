"""The counterfactual: the same evening without the attack, or with what we broke whole. Pure.

What is taken out or mended is estimated from the records; what then would have happened is found
by the production ladder on the recorded capacity, second by second, with a queue in front of it.
It answers one question: would so many have had to wait, or to hear a stall, all the same?
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from statistics import median

from stentor.admission.ladder import Ladder, LoadFacts
from stentor.evidence.columns import Columns
from stentor.evidence.hostile import Hostile
from stentor.media.grid import PART_S

JOIN_SHARE = 0.5  # `edge_join_share`'s default
SOON_S = 3.0
SHARE = 0.05  # of who comes: if more are not served soon, the promise was not kept
LAG_S = 2.0  # of the programme
RETRY_S = 10.0  # people of a simulation give up after 8 s, and come again within 1 to 3
_FIRST_S = 3  # seconds of a record in which all that was there already is new to it
_RECORDED_S, _USUAL_S = 2, 18
_FEW = 0.05  # of the most listeners of an evening
_LOOK = 0.4  # what a look at the page costs, against a join
_CALM_S = 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """What a replay goes by, one entry a second: people who come, and what there is for them."""

    coming: tuple[float, ...]  # who want to hear, for the first time
    looking: tuple[float, ...]  # at the page
    join_cost_s: tuple[float, ...]
    delivery_cost_s: tuple[float, ...]
    cores: tuple[float, ...]
    present: tuple[float, ...]  # listeners as recorded, without hostile ones
    leaving: tuple[float, ...]  # of those who are present, the share that leaves in the second
    lag_s: tuple[float, ...]
    descriptors_max: float


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found."""

    coming: float
    late: float  # of those, served later than promised or not at all

    @property
    def share(self) -> float:
        """Return how many of those who came were not served soon."""
        return self.late / max(1.0, self.coming)

    @property
    def failed(self) -> bool:
        """Whether the promise would not have been kept."""
        return self.share > SHARE


def people_course(columns: Columns, hostile: Hostile) -> Course:
    """Return an evening's course with people only.

    While people wait they come again, as our page does: who came for the first time is what is
    left of all connections when those who wait already are taken off.
    """
    merged = columns.merged
    joins = _join_share(columns)
    coming, looking = [], []
    stock = owed = 0.0  # who comes again a second later than reckoned is nobody new then
    for t, one in enumerate(merged):
        share = hostile.per_s[t] / columns.accepted[t] if columns.accepted[t] else 0.0
        came = max(0.0, columns.knocks.begun[t] * (1 - share))  # the kernel turns away all alike
        asks = joins * came
        new = max(0.0, asks - stock / RETRY_S - owed)
        owed = max(0.0, owed + stock / RETRY_S - asks)
        served = (one.counts.get("joined", 0) + one.counts.get("line_given", 0)) * (1 - share)
        stock = max(0.0, stock + new - served)
        coming.append(0.0 if t < _FIRST_S else new)
        looking.append((1 - joins) * came)
    listeners = [float(one.listeners) for one in merged]
    leaving = [
        one.counts.get("left", 0) / max(1.0, n + one.counts.get("left", 0))
        for one, n in zip(merged, listeners, strict=True)
    ]
    usual = median(leaving) if leaving else 0.0
    limits = [
        one.load.connections / one.load.descriptors for one in merged if one.load.descriptors > 0.01
    ]
    return Course(
        coming=tuple(coming),
        looking=tuple(looking),
        join_cost_s=tuple(one.load.join_cost_s for one in merged),
        delivery_cost_s=tuple(one.load.delivery_cost_s for one in merged),
        cores=tuple(one.load.cores for one in merged),
        present=tuple(n * (1 - out) for n, out in zip(listeners, hostile.listeners, strict=True)),
        leaving=tuple(min(2 * usual, one) for one in leaving),
        lag_s=tuple(columns.lag_s),
        descriptors_max=median(limits) if limits else 1e6,
    )


def _join_share(columns: Columns) -> float:
    """Return how many of all connections ask for audio, from the seconds in which nobody waited."""
    calm = [
        (one.load.asked_per_s, came)
        for one, came in zip(columns.merged, columns.heard, strict=True)
        if one.queue_s.p95 < _CALM_S
        and not one.load.unserved  # in a short queue nobody waits for long, however many come
        and not one.door.line
        and came >= 2
    ]
    asked, came = fsum(a for a, _ in calm), fsum(c for _, c in calm)
    return min(1.0, max(0.3, asked / came)) if came >= 20 else 0.7


def mended(course: Course, *, spread: bool, lost: Sequence[float] = ()) -> Course:
    """Return the course with what broke whole: costs, edges and parts as they had been.

    `spread`: pages that ignored their slots had come evenly. `lost` are listeners whom a dead edge
    lost, by the second: they had not come again.
    """
    n = len(course.coming)
    early = usual(course.present)
    coming = course.coming
    if any(lost):
        left, stayed = 0.0, []
        for new, gone in zip(coming, lost, strict=True):
            left += gone
            back = min(new, left)
            left -= back
            stayed.append(new - back)
        coming = tuple(stayed)
    if spread and n > _FIRST_S:
        even = fsum(coming) / (n - _FIRST_S)
        coming = tuple(0.0 if t < _FIRST_S else even for t in range(n))
    return replace(
        course,
        coming=coming,
        join_cost_s=_whole(course.join_cost_s, early),
        delivery_cost_s=_whole(course.delivery_cost_s, early),
        cores=(max(course.cores, default=1.0),) * n,
        lag_s=(0.0,) * n,
    )


def usual(listeners: Sequence[float]) -> slice:
    """Return where an evening shows what is usual: its first seconds with listeners worth the name.

    A record begins long before the hour, when nobody is there and nothing can be measured.
    """
    few = _FEW * max(listeners, default=0.0)
    begins = next((n for n, many in enumerate(listeners) if n >= _RECORDED_S and many >= few), 0)
    begins = max(_RECORDED_S, begins)
    return slice(begins, begins + _USUAL_S)


def _whole(costs: tuple[float, ...], early: slice) -> tuple[float, ...]:
    usual = median(costs[early] or costs) if costs else 0.0
    return tuple(min(one, usual) for one in costs)


def part_of(course: Course, share: float) -> Course:
    """Return the course with only so large a share of those who came."""
    return replace(
        course,
        coming=tuple(one * share for one in course.coming),
        looking=tuple(one * share for one in course.looking),
    )


def replay(course: Course) -> Replayed:
    """Return how the evening goes on such a course."""
    ladder = Ladder()
    queue = waiting = coming = late = 0.0
    asked_per_s = 0.0
    inside = course.present[0] if course.present else 0.0
    lanes: dict[int, float] = {}
    for t, new in enumerate(course.coming):
        cores = max(1e-3, course.cores[t])
        per_s = cores * JOIN_SHARE / max(1e-9, course.join_cost_s[t])
        asked_per_s += (new - asked_per_s) * 0.5
        queue += new + course.looking[t] * _LOOK
        done = min(queue, per_s)
        served = done * (new / max(1e-9, new + course.looking[t] * _LOOK)) if new else 0.0
        queue -= done
        wait_s = queue / per_s
        stays = 1 - course.leaving[t]
        inside *= stays
        lanes = {parts: n * stays for parts, n in lanes.items()}
        facts = LoadFacts(
            cores=cores,
            listeners={parts: round(n) for parts, n in lanes.items()},
            delivery_cost_s=course.delivery_cost_s[t],
            join_cost_s=course.join_cost_s[t],
            joining=min(1.0, done / per_s),
            join_wait_s=wait_s,
            join_share=JOIN_SHARE * cores,
            asked_per_s=asked_per_s,
            left_per_s=inside * course.leaving[t],
            descriptors=min(1.0, fsum(lanes.values()) / course.descriptors_max),
            descriptors_max=round(course.descriptors_max),
            waiting=round(waiting),
        )
        decision = ladder.decide(facts, float(t))
        if decision.line:
            waiting += served
            served = min(waiting, decision.per_s, float(decision.room))
            waiting -= served
        lanes[decision.fastest_parts] = lanes.get(decision.fastest_parts, 0.0) + served
        if t == 0 and inside:
            lanes[_lane(inside, course)] = inside
        coming += new
        if wait_s > SOON_S or waiting >= 1 or course.lag_s[t] > LAG_S:
            late += new
    return Replayed(coming, late)


def _lane(listeners: float, course: Course) -> int:
    """Return the lane in which so many can have been."""
    costs = listeners * course.delivery_cost_s[0] / max(1e-3, course.cores[0])
    return next((n for n in (1, 3, 6, 12, 24, 48) if costs / (n * PART_S) < 0.3), 48)
