"""Trials that were the same but for the processes that ran them, as one: a better measure. Pure.

What is void counts only where nothing else is there. A figure is the median of all times: one that
something unseen disturbed moves it little, whichever way, and none is left out for its figure.
"""

from collections.abc import Sequence
from statistics import median

from msgspec.structs import replace

from stentor.rehearsal.trial import Quantiles, Time, Trial


def pooled(trials: Sequence[Trial]) -> list[Trial]:
    """Return one for each arrangement, in the order in which they were first tried."""
    rounds: dict[tuple[object, ...], list[Trial]] = {}
    for one in trials:
        rounds.setdefault(_arrangement(one), []).append(one)
    return [_pool(some) for some in rounds.values()]


def times_of(trial: Trial) -> tuple[Time, ...]:
    """Return what each time of a trial showed."""
    alone = Time(
        trial.cpu_s,
        trial.piece_s,
        trial.first_audio_s,
        trial.wait_s,
        trial.late_s,
        trial.foreign,
        trial.listeners_cpu_s,
    )
    return trial.each or (alone,)


def typical(trial: Trial, each: Sequence[Time]) -> Trial:
    """Return a trial with the medians of its times."""
    return replace(
        trial,
        times=len(each),
        each=tuple(each),
        cpu_s=median(one.cpu_s for one in each),
        piece_s=median(one.piece_s for one in each),
        first_audio_s=_typical([one.first_audio_s for one in each]),
        wait_s=_typical([one.wait_s for one in each]),
    )


def _arrangement(one: Trial) -> tuple[object, ...]:
    return one.kind, one.size, one.tls, one.lane_parts, one.edges, one.join_share, one.per_s


def _pool(some: Sequence[Trial]) -> Trial:
    good = [one for one in some if not one.void]
    if len(good) < 2:
        return good[0] if good else some[0]
    whole = replace(
        good[0],
        windows=tuple(window for one in good for window in one.windows),
        left_out=tuple(why for one in good for why in one.left_out),
        foreign=max(one.foreign for one in good),
        stolen=max(one.stolen for one in good),
    )
    return typical(whole, [time for one in good for time in times_of(one)])


def _typical(some: Sequence[Quantiles]) -> Quantiles:
    known = [one for one in some if one.of]
    if not known:
        return Quantiles()
    p50, p95 = median(one.p50 for one in known), median(one.p95 for one in known)
    curves = [one.curve for one in known]
    curve = tuple(map(median, zip(*curves, strict=True))) if all(curves) else ()
    return Quantiles(sum(one.of for one in known), p50, p95, curve)
