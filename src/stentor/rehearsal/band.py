"""How far a prediction may be from what was measured before it is refuted (issue 5, witnesses).

One rule for whoever compares and for whoever checks the comparison later. Less than was measured
is the better side in every figure that is compared: CPU, waits, times to first audio.
"""

APART_MAX = 0.15  # of what was measured
OPTIMISTIC_MAX = 0.10  # of it, to the better side: too little CPU, too short a wait
# Two times that differ by less are the same for whoever waits, and for this method: the kernel's
# and the listeners' own turns are of that order.
RESOLUTION_S = 0.02


def off_by(predicted: float, measured: float) -> float:
    """Return how far off a prediction is, as a share of what was measured; 0 if that is nothing."""
    return (predicted - measured) / measured if measured > 0 else 0.0


def is_borne_out(predicted: float, measured: float, resolution: float = 0.0) -> bool:
    """Say whether what was measured bears a prediction out. Neither may be below zero, or NaN."""
    if not (predicted >= 0.0 and measured >= 0.0):
        return False
    if abs(predicted - measured) <= resolution:
        return True
    return measured > 0.0 and -OPTIMISTIC_MAX <= off_by(predicted, measured) <= APART_MAX
