"""What a trial that was tried several times says: the medians of those that nobody disturbed.

What one crowd takes is a tenth of a second of CPU, of which chance is a large part; several
together are a measure. A time that others disturbed is left out and says why, by the rules of any
trial; what its listeners saw decides nothing. Arithmetic only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from stentor.load.report import Tally
from stentor.rehearsal.pooled import times_of, typical
from stentor.rehearsal.trial import Checked, Group, Trial, Window
from stentor.trials.meter import Others
from stentor.trials.seen import seen, why_void


@dataclass(frozen=True, slots=True)
class Once:
    """One time. `piece_s` as in `Trial`."""

    tally: Tally
    groups: tuple[Group, ...]
    windows: tuple[Window, ...]
    cpu_s: float
    piece_s: float
    others: Others


def together(trial: Trial, times: Sequence[Once]) -> Trial:
    """Return the trial with what its times showed; void if most of them were disturbed."""
    each = [_alone(trial, one) for one in times]
    whys = [why_void(one) for one in each]
    good = [n for n, why in enumerate(whys) if not why]
    if 2 * len(good) < len(times):
        why = next(filter(None, whys))
        return replace(each[whys.index(why)], void=why)
    tally = Tally()
    for n in good:
        tally.merge(times[n].tally)
    alone = [each[n] for n in good]
    whole = replace(
        alone[0],
        **{**seen(tally), "checked": _checked([one.checked for one in alone])},
        windows=(*trial.windows, *(window for n in good for window in times[n].windows)),
        left_out=tuple(filter(None, whys)),
        foreign=max(one.foreign for one in alone),
        stolen=max(one.stolen for one in alone),
    )
    return typical(whole, [time for one in alone for time in times_of(one)])


def _alone(trial: Trial, one: Once) -> Trial:
    """Return what a trial would be that was tried this one time."""
    return replace(
        trial,
        **seen(one.tally),
        groups=one.groups,
        windows=(*trial.windows, *one.windows),
        cpu_s=one.cpu_s,
        piece_s=one.piece_s,
        foreign=one.others.foreign,
        stolen=one.others.stolen,
    )


def _checked(each: Sequence[Checked]) -> Checked:
    """Return what was checked in all; who came, heard and stayed are those of the least time."""

    def total(name: str) -> int:
        return sum(getattr(one, name) for one in each)

    return Checked(
        came=min(one.came for one in each),
        heard=min(one.heard for one in each),
        listening=min(one.listening for one in each),
        **{
            name: total(name)
            for name in (
                "parts", "hashed", "decoded", "broken", "stalls", "gaps", "lost", "refused",
            )
        },
    )  # fmt: skip
