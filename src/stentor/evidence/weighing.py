"""How signs are weighed: what goes beyond any harmless evening seen, added up as log-odds. Pure.

A sign counts from a floor on that harmless evenings stay below, in units of how far they vary, up
to a cap: no single figure decides everything. The method's figures are measured by the bench
(`bench/verdict.py`) and committed with its seed; nothing learns while an event goes on.
"""

from math import exp, fsum

import msgspec

EXCESS_MAX = 6.0


class Weight(msgspec.Struct, frozen=True):
    """How one sign counts."""

    sign: str
    floor: float
    scale: float
    weight: float  # log-odds for each unit beyond the floor

    def excess(self, value: float) -> float:
        """Return by how much a figure goes beyond the ordinary."""
        return min(EXCESS_MAX, max(0.0, (value - self.floor) / self.scale))


class Method(msgspec.Struct, frozen=True):
    """All that a verdict's figures come from. Thresholds are log-odds."""

    weights: tuple[Weight, ...]
    intercept: float
    low: float  # below: no evidence of an attack
    high: float  # above: there was one; between: it cannot be told
    unseen_max: float = 1.0  # of `signs.unseen_share`: beyond it nobody says that there was none
    slope: float = 1.0  # of the calibration: log-odds as weighed to log-odds as measured
    offset: float = 0.0
    measured: dict[str, str] = {}  # how it was made, and its error rates as the bench found them


class Counted(msgspec.Struct, frozen=True):
    """One sign as it was found, and what it adds to the log-odds."""

    sign: str
    value: float
    adds: float


def weigh(method: Method, signs: dict[str, float]) -> tuple[float, tuple[Counted, ...]]:
    """Return the log-odds that attack traffic was there, and what each sign adds to them."""
    counted = tuple(
        Counted(
            one.sign,
            round(signs[one.sign], 4),
            round(one.weight * one.excess(signs[one.sign]), 4),
        )
        for one in method.weights
    )
    return method.intercept + fsum(one.adds for one in counted), counted


def likelihood(method: Method, log_odds: float) -> float:
    """Return the calibrated likelihood of attack traffic, 0 to 1."""
    x = method.slope * log_odds + method.offset
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
