"""A chart over time as SVG: lines and areas, marked moments, shaded spans. Deterministic.

Colours come from the page's custom properties, so one chart serves light and dark. Long courses are
thinned to what a screen shows, keeping each column's least and most: a spike is never lost.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stentor.charts.frame import HEIGHT, WIDTH, Frame, Moment, Span, captioned
from stentor.charts.scale import figure

__all__ = ["HEIGHT", "WIDTH", "Moment", "Series", "Span", "Timeline"]
_COLUMNS_MAX = 480


@dataclass(frozen=True, slots=True)
class Series:
    """A course: moments (Unix seconds, rising) and values; a value that is not finite is a gap.

    `ink` is 1 to 6: the page's colours `--ink-1` to `--ink-6`.
    """

    name: str
    at_s: Sequence[float]
    values: Sequence[float]
    ink: int = 1
    filled: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """One chart. `unit` names the vertical axis; `most` fixes its end, else the data do."""

    title: str
    unit: str
    series: Sequence[Series]
    spans: Sequence[Span] = ()
    moments: Sequence[Moment] = ()
    most: float | None = None
    first_s: float | None = None
    last_s: float | None = None

    def svg(self) -> str:
        """Return the chart; its text alternative is its title and each series' range."""
        first_s, last_s = self._times()
        most = self.most or max(
            (value for one in self.series for value in one.values if math.isfinite(value)),
            default=1.0,
        )
        frame = Frame(first_s, last_s, most)
        drawn = [line for one in self.series for line in _drawn(one, frame)]
        return frame.svg(self._said(), drawn, self.spans, self.moments)

    def html(self) -> str:
        """Return the chart as a figure with its title, unit and legend."""
        legend = [
            (f"ink-{one.ink}{' dashed' if one.dashed else ''}", one.name)
            for one in self.series
            if one.name
        ]
        return captioned(self.title, self.unit, legend, self.spans, self.svg())

    def _times(self) -> tuple[float, float]:
        every = [at_s for one in self.series for at_s in (*one.at_s[:1], *one.at_s[-1:])]
        first_s = self.first_s if self.first_s is not None else min(every, default=0.0)
        last_s = self.last_s if self.last_s is not None else max(every, default=1.0)
        return first_s, max(last_s, first_s + 1e-6)

    def _said(self) -> str:
        ranges = []
        for one in self.series:
            finite = [value for value in one.values if math.isfinite(value)]
            if finite:
                ranges.append(f"{one.name} {figure(min(finite))} to {figure(max(finite))}")
        return f"{self.title}, {self.unit}: {'; '.join(ranges) or 'nothing'}"


def thinned(one: Series) -> list[tuple[float, float]]:
    """Return the points to draw: all, or of each column the least and the most, in their order."""
    points = list(zip(one.at_s, one.values, strict=True))
    if len(points) <= 2 * _COLUMNS_MAX:
        return points
    kept: list[tuple[float, float]] = []
    step = len(points) / _COLUMNS_MAX
    for column in range(_COLUMNS_MAX):
        some = points[int(column * step) : int((column + 1) * step)]
        finite = [point for point in some if math.isfinite(point[1])]
        if len(finite) < len(some):
            kept.append((some[0][0], math.nan))
        if finite:
            ends = {min(finite, key=lambda p: p[1]), max(finite, key=lambda p: p[1])}
            kept += sorted(ends)
    return kept


def _drawn(one: Series, frame: Frame) -> list[str]:
    x, y = frame.x, frame.y
    runs: list[list[str]] = [[]]
    ends: list[tuple[float, float]] = []
    for at_s, value in thinned(one):
        if not math.isfinite(value):
            runs.append([])
            continue
        if not runs[-1]:
            ends.append((x(at_s), x(at_s)))
        ends[-1] = (ends[-1][0], x(at_s))
        runs[-1].append(f"{x(at_s):.1f},{y(max(0.0, value)):.1f}")
    kind = f"ink-{one.ink}{' dashed' if one.dashed else ''}"
    lines = []
    for run, (left, right) in zip([run for run in runs if run], ends, strict=True):
        if one.filled:
            base = f"{y(0):.1f}"
            lines.append(
                f'<polygon class="area {kind}" points="{left:.1f},{base} {" ".join(run)}'
                f' {right:.1f},{base}"/>'
            )
        lines.append(f'<polyline class="line {kind}" points="{" ".join(run)}"/>')
    return lines
