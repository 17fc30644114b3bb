"""Fits a verdict's method to simulated evenings, and measures it. Used by `bench/verdict.py`.

Logistic regression on what each sign has beyond the harmless evenings of the training set, with
weights that cannot be negative: no sign ever speaks for innocence, as an attacker could show it.
"""

import math
from collections.abc import Sequence

import numpy as np
from msgspec import structs

from stentor.evidence.signs import SIGNS
from stentor.evidence.weighing import EXCESS_MAX, Method, Weight

_FLOOR_QUANTILE = 0.90
_SAME = 0.7  # a sign's weight, as far as training shows no other: an unseen family may need it
_L2 = 0.2
_STEPS = 3000
_RATE = 0.3
# Log-odds above all crowds of the training set, and other harmless evenings but for one of so many.
# With 0.8 one crowd of 300 was accused; the highest of two hundred is no bound of what crowds are.
_MARGIN = 2.0
_LEFT_OUT = 400
# Of harmless evenings: above it, it cannot be told. And where more went unseen than so much nobody
# says that there was no attack. Of the pairs with which not more than so many are missed, of the
# attacks of families left out by which anything is said, that with which most others are cleared.
_LOW_QUANTILES = (0.95, 0.90, 0.85, 0.80, 0.75, 0.70, 0.65, 0.60)
_UNSEEN = tuple(n / 20 for n in range(5, 20))
_MISSED_MAX = 0.05


def excess(weights: Sequence[Weight], values: np.ndarray) -> np.ndarray:
    """Return what each sign has beyond its floor."""
    floors = np.array([one.floor for one in weights])
    scales = np.array([one.scale for one in weights])
    return np.clip((values - floors) / scales, 0.0, EXCESS_MAX)


def fit(values: np.ndarray, hostile: np.ndarray) -> Method:
    """Return the weights that these evenings give; `values` has a row an evening."""
    harmless = values[~hostile]
    weights = []
    for n, sign in enumerate(SIGNS):
        floor = float(np.quantile(harmless[:, n], _FLOOR_QUANTILE))
        most = float(np.quantile(harmless[:, n], 0.995))
        spread = float(np.quantile(harmless[:, n], 0.75) - np.quantile(harmless[:, n], 0.25))
        weights.append(Weight(sign, floor, max(0.03, most - floor, spread / 2), 1.0))
    x = excess(weights, values)
    y = hostile.astype(float)
    sample = np.where(hostile, 0.5 / max(1, hostile.sum()), 0.5 / max(1, (~hostile).sum()))
    w, b = np.full(len(SIGNS), _SAME), -2.0
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(x @ w + b)))
        gap = sample * (p - y)
        w = np.maximum(0.0, w - _RATE * (x.T @ gap + _L2 * (w - _SAME) / len(SIGNS)))
        b -= _RATE * float(gap.sum())
    weights = [
        Weight(one.sign, round(one.floor, 5), round(one.scale, 5), round(float(weight), 5))
        for one, weight in zip(weights, w, strict=True)
    ]
    return Method(tuple(weights), round(b, 5), 0.0, 0.0)


def bounded(
    method: Method,
    odds: np.ndarray,
    hostile: np.ndarray,
    crowd: np.ndarray,
    unseen: np.ndarray,
) -> Method:
    """Return the method with bounds that evenings give which it was not fitted to.

    Conformal for crowds: one that is drawn as these were is above `high` less often than once in as
    many as there were, whatever the signs are (Vovk et al., 2005), and less by the margin.
    """
    harmless = ~hostile
    others = np.sort(odds[harmless & ~crowd])
    most = float(others[-1 - len(others) // _LEFT_OUT])
    high = max(most, float(odds[crowd].max())) + _MARGIN
    few = _MISSED_MAX / (1 - _MISSED_MAX) * int((hostile & (odds >= high)).sum())
    pairs = [
        (min(float(np.quantile(odds[harmless], quantile)), high), unseen_max)
        for quantile in _LOW_QUANTILES
        for unseen_max in _UNSEEN
    ]

    def counted(pair: tuple[float, float]) -> tuple[bool, int]:
        """Return whether not too many are missed, and how many are cleared; of too many, fewer."""
        said_no = (odds <= pair[0]) & (unseen <= pair[1])
        missed = int((said_no & hostile).sum())
        fits = missed <= few
        return fits, int((said_no & harmless).sum()) if fits else -missed

    low, unseen_max = max(pairs, key=counted)
    return structs.replace(method, low=round(low, 5), high=round(high, 5), unseen_max=unseen_max)


def log_odds(method: Method, values: np.ndarray) -> np.ndarray:
    """Return what the method makes of evenings, one a row."""
    w = np.array([one.weight for one in method.weights])
    found: np.ndarray = excess(method.weights, values) @ w + method.intercept
    return found


def calibrate(odds: np.ndarray, hostile: np.ndarray) -> tuple[float, float]:
    """Return slope and offset by Platt's method, from evenings that were not trained on."""
    a, b = 1.0, 0.0
    y = np.where(hostile, (hostile.sum() + 1) / (hostile.sum() + 2), 1 / ((~hostile).sum() + 2))
    x = np.clip(odds, -20, 20)
    for _ in range(4000):
        p = 1 / (1 + np.exp(-(a * x + b)))
        a = max(0.05, a - 0.02 * float(((p - y) * x).mean()))
        b -= 0.05 * float((p - y).mean())
    return round(a, 4), round(b, 4)


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927)."""
    if not n:
        return 0.0, 1.0
    p = hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)
