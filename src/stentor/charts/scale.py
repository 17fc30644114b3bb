"""Round numbers for axes, and figures as a person reads them. Decides no colours and no layout."""

import math
from datetime import UTC, datetime

_STEPS = (1, 2, 5)
_CLOCK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)


def ticks(most: float, about: int = 4) -> list[float]:
    """Return round numbers from 0 to at least `most`, some `about` of them."""
    if not math.isfinite(most) or most <= 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(most / about))
    step = next(size * one for one in (*_STEPS, 10) if size * one * about >= most * 0.999)
    return [step * n for n in range(math.ceil(most / step - 1e-9) + 1)]


def clock_ticks(first_s: float, last_s: float, about: int = 6) -> list[float]:
    """Return round moments between two of Unix time."""
    span_s = max(1.0, last_s - first_s)
    step = next((one for one in _CLOCK_STEPS_S if span_s / one <= about), _CLOCK_STEPS_S[-1])
    begin = math.ceil(first_s / step)
    return [step * n * 1.0 for n in range(begin, math.floor(last_s / step) + 1)]


def clock(at_s: float, *, seconds: bool = False) -> str:
    """Return a moment of Unix time as hours and minutes, UTC."""
    form = "%H:%M:%S" if seconds else "%H:%M"
    return datetime.fromtimestamp(at_s, UTC).strftime(form)


def short(value: float) -> str:
    """Return a number for an axis: millions and more by their letter."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{figure(value / size)} {letter}"
    return figure(value)


def figure(value: float) -> str:
    """Return a number with three digits that matter, thousands apart."""
    if not math.isfinite(value):
        return "–"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(6, digits)}f}".rstrip("0").rstrip(".")
