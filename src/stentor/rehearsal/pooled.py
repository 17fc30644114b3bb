"""Trials that were the same but for the processes that ran them, as one: a better measure. Pure.

What is void counts only where nothing else is there. Times are means of the rounds' own, weighted
by how many people they are of: each round is a whole crowd's.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from stentor.rehearsal.trial import Quantiles, Trial

_TIMES = ("first_audio_s", "served_audio_s", "wait_s", "told_s", "late_s")


def pooled(trials: Sequence[Trial]) -> list[Trial]:
    """Return one for each arrangement, in the order in which they were first tried."""
    rounds: dict[tuple[object, ...], list[Trial]] = {}
    for one in trials:
        rounds.setdefault(_arrangement(one), []).append(one)
    return [_pool(some) for some in rounds.values()]


def _arrangement(one: Trial) -> tuple[object, ...]:
    return one.kind, one.size, one.tls, one.lane_parts, one.edges, one.join_share, one.per_s


def _pool(some: Sequence[Trial]) -> Trial:
    good = [one for one in some if not one.void]
    if len(good) < 2:
        return good[0] if good else some[0]
    times = sum(one.times for one in good)

    def mean(name: str) -> float:
        return sum(float(getattr(one, name)) * one.times for one in good) / times

    return replace(
        good[0],
        windows=tuple(window for one in good for window in one.windows),
        times=times,
        left_out=tuple(why for one in good for why in one.left_out),
        cpu_s=mean("cpu_s"),
        piece_s=mean("piece_s"),
        foreign=max(one.foreign for one in good),
        stolen=max(one.stolen for one in good),
        **{name: _mean([getattr(one, name) for one in good]) for name in _TIMES},
    )


def _mean(some: Sequence[Quantiles]) -> Quantiles:
    of = sum(one.of for one in some)
    if not of:
        return Quantiles()
    return Quantiles(
        of,
        sum(one.p50 * one.of for one in some) / of,
        sum(one.p95 * one.of for one in some) / of,
    )
