"""What a join takes of the joiners' share, told by how long crowds waited.

Once what was saved up is used, an edge's share is all that those who come have: how much of it had
been there when so many of them heard audio is a straight line over how many. It rises by what a
join takes; where it begins tells what the saved-up part was worth. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

import numpy as np

from stentor.rehearsal.pooled import times_of
from stentor.rehearsal.speed import slower
from stentor.rehearsal.trial import TWENTIETHS, Quantiles, Trial
from stentor.simulate.fleet.delivering import saved_s
from stentor.simulate.fleet.gathering import held_up
from stentor.simulate.fleet.rationing import ASKING_S, LONG_S

_QUEUED_S_MIN = 0.1  # less is no queue
# Before so many have come that they take that much more than there was of the share when the last
# of them came, people may wait for something else: for the edge's core, or what a few turns take.
_BEYOND = 1.25
_POINTS_MIN = 3
_WORTH = 0.05, 3.0  # beyond that it is no measure


@dataclass(frozen=True, slots=True)
class Told:
    """What crowds tell of a join: CPU seconds of the share, without its first parts."""

    join_s: float
    saved_worth: float  # of a second that was saved up, in seconds that are earned


def tell(
    crowds: Sequence[Trial], usual_s: float, welcome_s: Callable[[int], float], *, tls: bool
) -> Told | None:
    """Return what crowds tell, at the machine's usual speed; None if they never queued.

    Each time that a crowd came counts alike, and of its moments the later ones more, but not as
    much more as people have come by then.
    """
    points = [
        one for crowd in crowds if crowd.groups for one in _points(crowd, usual_s, welcome_s, tls)
    ]
    if len(points) < _POINTS_MIN:
        return None
    people, held, had_s, saved, weights = np.array(points).T
    if len({*people}) < 2:
        return None
    table = np.stack([people + held, -saved], axis=1) * weights[:, None]
    (_, more), *_ = np.linalg.lstsq(table, had_s * weights, rcond=None)
    worth = float(np.clip(1.0 + more, *_WORTH))
    all_s = had_s + (worth - 1.0) * saved
    join_s = float(table[:, 0] @ (all_s * weights)) / float(table[:, 0] @ table[:, 0])
    return Told(join_s, worth) if join_s > 0 else None


def _points(
    crowd: Trial, usual_s: float, welcome_s: Callable[[int], float], tls: bool
) -> Iterator[tuple[float, float, float, float, float]]:
    """Yield how many had heard audio at a moment, and what they had had of the share until then.

    With them: for how many joins they waited besides, what had been saved up, and a weight. All of
    an edge, as a mean.
    """
    group, saved = crowd.groups[0], saved_s(crowd.join_share)
    spent = [one.asked_s / one.joined for one in crowd.named("crowd") if one.joined]
    spent_s = median(spent) if spent else inf
    for time in times_of(crowd):
        times = slower(time.piece_s, usual_s)
        came, waits = _curve(time.first_audio_s)
        asked = 0.0
        for n, (share, wait_s) in enumerate(zip(came, waits, strict=True)):
            before, wait_before_s = (came[n - 1], waits[n - 1]) if n else (0.0, 0.0)
            asked += (share - before) * _above(wait_before_s, wait_s)
            people = share * group.count / crowd.edges
            came_s = share * group.until_s
            had_s = saved + crowd.join_share * (came_s + wait_s)
            enough_s = saved + crowd.join_share * came_s
            if wait_s < _QUEUED_S_MIN or people * spent_s < _BEYOND * enough_s:
                continue
            behind = np.array([(1.0 - share) * group.count / crowd.edges])
            each_s = welcome_s(crowd.lane_parts) * people
            each_s += asked * group.count / crowd.edges * ASKING_S
            held = float(held_up(behind, tls=tls)[0])
            yield people, held, had_s / times - each_s, saved / times, people**-0.5


def _curve(waited: Quantiles) -> tuple[Sequence[float], Sequence[float]]:
    """Return shares of a crowd, and how long the last of each had waited."""
    if waited.curve:
        return TWENTIETHS, waited.curve
    return ((0.5, 0.95), (waited.p50, waited.p95)) if waited.of else ((), ())


def _above(low_s: float, high_s: float) -> float:
    """Return how many of those between two waits waited so long that they are asked for."""
    if high_s <= LONG_S:
        return 0.0
    return min(1.0, (high_s - LONG_S) / max(1e-9, high_s - low_s))
