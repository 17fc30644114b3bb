"""When people come: by the clock, by the news, all at once after a break, or as on any evening.

Shapes follow the literature on flash events: an exponential rise towards the moment and a slower
decay after it (Wendell and Freedman, IMC 2011; Jung et al., WWW 2002). Times are seconds.
"""

from collections.abc import Callable

import numpy as np

from stentor.simulate.world import Chance

Shape = Callable[[Chance, int, float, float, float], np.ndarray]


def _even(chance: Chance, n: int, hour_s: float, end_s: float, sharp_s: float) -> np.ndarray:
    return chance.random(n) * (end_s - 10)


def _hour(chance: Chance, n: int, hour_s: float, end_s: float, sharp_s: float) -> np.ndarray:
    """Two in five before the hour, ever more of them; the others after it, ever fewer."""
    before = chance.random(n) < 0.4
    early = hour_s - chance.exponential(sharp_s, n)
    late = hour_s + chance.exponential(2 * sharp_s, n)
    return np.where(before, early, late)


def _news(chance: Chance, n: int, hour_s: float, end_s: float, sharp_s: float) -> np.ndarray:
    """Nobody knew; then everybody does within seconds, and it goes around."""
    rises = chance.random(n) < 0.35
    first = hour_s + sharp_s / 3 * chance.random(n)
    return np.where(rises, first, hour_s + sharp_s / 3 + chance.exponential(2 * sharp_s, n))


def _waves(chance: Chance, n: int, hour_s: float, end_s: float, sharp_s: float) -> np.ndarray:
    """Three channels tell their people, one after the other."""
    wave = chance.integers(0, 3, n) * 1.5 * sharp_s
    return hour_s + wave + chance.gamma(2.0, sharp_s / 4, n)


def _doors(chance: Chance, n: int, hour_s: float, end_s: float, sharp_s: float) -> np.ndarray:
    """All have the page open and tap as the clock strikes."""
    punctual = chance.random(n) < 0.6
    return np.where(
        punctual,
        hour_s + chance.gamma(2.0, 0.8, n),
        hour_s - 10 + chance.exponential(sharp_s, n) * 2,
    )


SHAPES: dict[str, Shape] = {
    "even": _even,
    "hour": _hour,
    "news": _news,
    "waves": _waves,
    "doors": _doors,
}


_LASTING = "-lasting"


def lasting(shape: str) -> str:
    """Return the name of a shape of which half come evenly, for as long as the event goes on."""
    return shape + _LASTING


def arrivals(
    chance: Chance, shape: str, n: int, *, hour_s: float, end_s: float, sharp_s: float
) -> np.ndarray:
    """Return when each of `n` people comes first, within the event."""
    found = SHAPES[shape.removesuffix(_LASTING)](chance, n, hour_s, end_s, sharp_s)
    if shape.endswith(_LASTING):
        found = np.where(chance.random(n) < 0.5, _even(chance, n, hour_s, end_s, sharp_s), found)
    return np.clip(found, 1.0 + chance.random(n), end_s - 5.0)


def peak_per_s(at_s: np.ndarray, over_s: float = 5.0) -> float:
    """Return how many come a second in the `over_s` seconds in which most do."""
    if not len(at_s):
        return 0.0
    counted = np.bincount((at_s / over_s).astype(int))
    return float(counted.max()) / over_s
