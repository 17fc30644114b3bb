"""How fast the machine was in each trial: a shared host's cores are a quarter slower for minutes.

Beside each trial the edges' cores do always the same small work (`trials.awake`), and what a piece
of it takes is measured like everything else. Costs are fitted as if each trial had been at one
speed, and a trial is predicted for its own. That is no look at the figure that is predicted: the
piece of work knows nothing of edges or listeners. Pure.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from stentor.rehearsal.trial import Kind, Trial


def usual_piece_s(trials: Sequence[Trial]) -> float:
    """Return what a piece of work takes as a mean of the trials with people; 0 if none says."""
    known = [one.piece_s for one in trials if one.kind is not Kind.DELIVERIES and one.piece_s > 0]
    return sum(known) / len(known) if known else 0.0


def slower(piece_s: float, usual_s: float) -> float:
    """Return how many times as much everything costs where a piece takes this; 1 if unknown."""
    return piece_s / usual_s if piece_s > 0 and usual_s > 0 else 1.0


def at_speed(trial: Trial, usual_s: float) -> Trial:
    """Return a trial whose stretches took what they would have where a piece takes `usual_s`."""
    windows = []
    for one in trial.windows:
        times = slower(one.piece_s, usual_s)
        windows.append(replace(one, cpu_s=one.cpu_s / times, asked_s=one.asked_s / times))
    return replace(trial, windows=tuple(windows))
