"""What a simulated course amounts to: peaks, shares of limits, promises kept, people's percentiles.

Reads the course and decides nothing but whether a promise was kept. No figure of a plan is here.
"""

import math
from collections.abc import Iterator

import numpy as np

from stentor.admission.ladder import BITS_LINE, DESCRIPTORS_LINE, MEMORY_LINE, Step
from stentor.rehearsal.answer import Minute, Promise, Quantiles, Stay
from stentor.rehearsal.demand import smoothed
from stentor.rehearsal.plan import CPU_CEILING
from stentor.simulate.fleet.course import Course, Floats

FIRST_AUDIO_S, SERVED_S = 3.0, 1.0
BACK_S = 10.0  # a player that was cut off comes back after some seconds, not all at once
WAIT_ERROR, WRONG_WAITS, STALLED = 0.20, 0.10, 0.001
QUANTILES = (0.50, 0.75, 0.90, 0.95, 0.99)
_MINUTES_MAX = 240
MUST = 2  # the first so many promises are what holding means

# What a machine can run out of: the course's name, the ceiling, and how it is called.
USED = {
    "cpu": ("cpu_worst", CPU_CEILING, "CPU of the fullest edge"),
    "network": ("network_worst", BITS_LINE, "interface of the fullest machine"),
    "memory": ("memory_worst", MEMORY_LINE, "memory of the fullest machine"),
    "descriptors": ("descriptors_worst", DESCRIPTORS_LINE, "descriptors of the fullest edge"),
}
PEOPLE = {
    "first_audio_s": ("from coming to audio, or to giving up unheard, without a line", "s"),
    "served_audio_s": ("from one's turn in line to audio", "s"),
    "called_audio_s": ("from coming when it was one's turn to audio", "s"),
    "ahead": ("people ahead, when one was told a place in line", "people"),
    "wait_s": ("time in line", "s"),
    "wait_error": ("wait beyond what was announced, as a share of it", ""),
    "behind_s": ("behind live, of all seconds listened", "s"),
    "stalled_s": ("silence, of those who had any", "s"),
    "back_s": ("from being cut off to audio again, or to giving up", "s"),
}
COUNTS = {
    "heard": "heard audio",
    "never_heard": "never heard any",
    "places": "were told a place in line",
    "gave_up": "lost patience, in line or before",
    "unheard": "had neither audio nor a place in line, and waited for it in vain",
    "line_full": "were told that the line is full",
    "given_up": "times somebody had no answer within 6 s",
    "cut": "times somebody was cut off",
    "stalled": "had silence",
    "barred": "times the shield kept somebody out, although no bot",
}
ATTACKERS = {
    "bots": ("attackers came", "times"),
    "bots_let_in": ("attackers were let in", "times"),
    "bots_placed": ("attackers were given a place in line", "times"),
    "bots_line_full": ("attackers were told that the line is full", "times"),
    "bots_unseen": ("attackers found no descriptor free", "times"),
    "bots_cpu_s": ("CPU for attackers", "s"),
    "bots_descriptors_most": ("held by attackers at once, at most", "descriptors"),
}
STEPS = tuple(step.name.lower() for step in Step)


def course_of(course: Course, name: str) -> Floats:
    """Return one of the fleet's courses; zeros if the simulation did not keep it."""
    found = course.seconds.get(name)
    return np.zeros(len(course.lanes)) if found is None else np.asarray(found, dtype=np.float64)


def headroom(course: Course) -> Floats:
    """Return by the second what is left of whatever is scarcest, as a share of its ceiling."""
    used = [course_of(course, name) / ceiling for name, ceiling, _ in USED.values()]
    return np.asarray(1.0 - np.max(np.stack(used), axis=0))


def stalled_share(course: Course) -> float | None:
    """Return the share of those who heard audio whose audio stopped."""
    heard = course.counts.get("heard", 0)
    return course.counts.get("stalled", 0) / heard if heard else None


def promises(course: Course) -> tuple[Promise, ...]:
    """Return what was to be kept for people, and whether it was."""
    found = (
        ("audio within 3 s, 95 of 100 who do not wait in line", "s", FIRST_AUDIO_S,
         quantile(course, "first_audio_s", 0.95)),
        ("who listens keeps listening: no more than 1 in 1,000 has silence", "", STALLED,
         stalled_share(course)),
        ("from one's turn to audio within 1 s, 95 of 100", "s", SERVED_S,
         quantile(course, "served_audio_s", 0.95)),
        ("who is cut off hears audio again within 10 s, 95 of 100", "s", BACK_S,
         quantile(course, "back_s", 0.95)),
        ("the announced wait is more than 20 % off for no more than 10 of 100", "", WRONG_WAITS,
         wrong_waits(course)),
    )  # fmt: skip
    return tuple(
        Promise(about, unit, limit, at, at is None or at <= limit)
        for about, unit, limit, at in found
    )


def wrong_waits(course: Course) -> float | None:
    """Return the share of those who waited whose wait was not as announced; None if nobody did."""
    spread = course.people.get("wait_error")
    total = int(spread.counts.sum()) if spread is not None else 0
    if spread is None or not total:
        return None
    right = (spread.edges[:-1] >= -WAIT_ERROR - 1e-9) & (spread.edges[1:] <= WAIT_ERROR + 1e-9)
    return 1.0 - float(spread.counts[right].sum()) / total


def quantile(course: Course, name: str, share: float) -> float | None:
    """Return a quantile over people; None if there was nobody."""
    spread = course.people.get(name)
    at = spread.at(share) if spread is not None else math.nan
    return at if math.isfinite(at) else None


def quantiles(course: Course) -> Iterator[Quantiles]:
    """Return how people fared, where there was anybody."""
    for name, (about, unit) in PEOPLE.items():
        spread = course.people.get(name)
        of = int(spread.counts.sum()) if spread is not None else 0
        if spread is not None and of:
            p50, p75, p90, p95, p99 = (spread.at(share) for share in QUANTILES)
            yield Quantiles(name, about, unit, of, p50, p75, p90, p95, p99)


def stays(course: Course) -> tuple[Stay, ...]:
    """Return how many seconds the ladder stood on each step."""
    median, worst = course_of(course, "step_median"), course_of(course, "step_worst")
    return tuple(
        Stay(name, float((np.floor(median) == n).sum()), float((np.floor(worst) == n).sum()))
        for n, name in enumerate(STEPS)
    )


def peak_per_s(course: Course) -> float:
    """Return the most who were let in a second, first time or again, as a mean over three."""
    joined = course_of(course, "joined") + course_of(course, "returned")
    return float(smoothed(joined).max(initial=0.0))


def minutes(course: Course) -> Iterator[Minute]:
    """Return the course in short, by minutes, or longer stretches if there are very many."""
    n = len(course.lanes)
    step = 60 * max(1, -(-n // (60 * _MINUTES_MAX)))
    left = headroom(course)

    def worst(name: str, span: slice) -> float:
        return float(course_of(course, name)[span].max())

    for first in range(0, n, step):
        span = slice(first, min(n, first + step))
        steps = course_of(course, "step_worst")[span]
        yield Minute(
            at_s=float(first),
            listeners=round(worst("listeners", span)),
            waiting=round(worst("waiting", span)),
            came=round(float(course_of(course, "came")[span].sum())),
            joined=round(float(course_of(course, "joined")[span].sum())),
            stalling=round(worst("stalling", span)),
            bits_per_s=worst("bits_per_s", span),
            cpu_worst=worst("cpu_worst", span),
            headroom=float(left[span].min()),
            step=STEPS[min(len(STEPS) - 1, round(float(steps.max())))],
            first_audio_p95_s=_of_minutes(course, "first_audio_s", first, step),
            behind_p95_s=_of_minutes(course, "behind_s", first, step),
        )


def _of_minutes(course: Course, name: str, first: int, step: int) -> float | None:
    found = course.percentiles.get(name)
    if found is None:
        return None
    p95 = np.asarray(found)[first // 60 : (first + step) // 60, 1]
    finite = p95[np.isfinite(p95)]
    return float(finite.max()) if len(finite) else None
