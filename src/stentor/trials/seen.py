"""What a trial's listeners saw, as its facts have it, and whether that is worth anything.

Arithmetic only.
"""

from stentor.load.report import Histogram, Tally
from stentor.rehearsal.trial import TWENTIETHS, Checked, Kind, Quantiles, Trial

# Beyond these a trial says more of the machine's other work than of the edges.
FOREIGN_MAX, STOLEN_MAX, LATE_S_MAX, HEARD_MIN = 0.05, 0.02, 0.1, 0.99


def why_void(trial: Trial) -> str:
    """Say why a trial's figures are worth nothing; empty if they are."""
    if trial.apart and trial.foreign > FOREIGN_MAX:
        return f"other programs took {trial.foreign:.0%} of the edges' cores"
    if trial.stolen > STOLEN_MAX:
        return f"the host took {trial.stolen:.0%} of the edges' cores away"
    if trial.late_s.p95 > LATE_S_MAX:
        return f"the listeners themselves were {trial.late_s.p95:.2f} s late to come (p95)"
    if trial.kind is not Kind.TOLD and trial.checked.heard < HEARD_MIN * trial.checked.came:
        return f"only {trial.checked.heard:,} of {trial.checked.came:,} heard anything"
    return ""


def seen(tally: Tally) -> dict[str, object]:
    """Return what listeners saw, by the names of a trial's fields."""
    return {
        "first_audio_s": _quantiles(tally.first_audio_s),
        "served_audio_s": _quantiles(tally.served_audio_s),
        "wait_s": _quantiles(tally.wait_s),
        "told_s": _quantiles(tally.told_s),
        "late_s": _quantiles(tally.late_s),
        "listeners_cpu_s": tally.cpu_s,
        "announced": tally.waits_within_20 / max(1, tally.promised),
        "checked": Checked(
            came=tally.wanted,
            heard=tally.heard,
            listening=tally.listeners,
            parts=tally.parts,
            hashed=tally.sampled_parts,
            decoded=tally.decoded_parts,
            broken=tally.differing_parts + tally.undecodable_parts + tally.broken,
            stalls=tally.stalls,
            gaps=tally.gaps,
            lost=tally.lost,
            refused=tally.refused,
        ),
    }


def _quantiles(found: Histogram) -> Quantiles:
    curve = found.quantiles(TWENTIETHS)
    return (
        Quantiles(sum(found.bins.values()), curve[9], curve[18], tuple(curve))
        if curve
        else Quantiles()
    )
