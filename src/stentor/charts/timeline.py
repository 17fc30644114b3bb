"""A chart over time as SVG: lines and areas, marked moments, shaded spans. Deterministic.

Colours come from the page's custom properties, so one chart serves light and dark. Long courses are
thinned to what a screen shows, keeping each column's least and most: a spike is never lost.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from stentor.charts.scale import clock, clock_ticks, figure, ticks

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 12, 26
_COLUMNS_MAX = 480

_Place = Callable[[float], float]


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
class Span:
    """A stretch of time that is shaded and named."""

    first_s: float
    last_s: float
    name: str
    ink: int = 6


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant that is marked by a line."""

    at_s: float
    name: str


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
        levels = ticks(most)
        top = levels[-1]

        def x(at_s: float) -> float:
            share = (at_s - first_s) / max(1e-9, last_s - first_s)
            return _LEFT + min(1.0, max(0.0, share)) * (WIDTH - _LEFT - _RIGHT)

        def y(value: float) -> float:
            return HEIGHT - _BOTTOM - min(1.0, value / top) * (HEIGHT - _TOP - _BOTTOM)

        lines = [
            f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-label="{escape(self._said(), quote=True)}">'
        ]
        lines += [_shaded(span, x) for span in self.spans]
        lines += [_level(level, y) for level in levels]
        seconds = last_s - first_s < 300
        lines += [
            f'<text x="{x(at_s):.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
            f"{clock(at_s, seconds=seconds)}</text>"
            for at_s in clock_ticks(first_s, last_s)
        ]
        for one in self.series:
            lines += _drawn(one, x, y)
        inside = [one for one in self.moments if first_s <= one.at_s <= last_s]
        lines += [_marked(moment, x) for moment in inside]
        return "".join([*lines, "</svg>"])

    def html(self) -> str:
        """Return the chart as a figure with its title, unit and legend."""
        named = [one for one in self.series if one.name]
        legend = "".join(
            f'<li><i class="ink-{one.ink}{" dashed" if one.dashed else ""}"></i>'
            f"{escape(one.name)}</li>"
            for one in named
        )
        return (
            f"<figure><figcaption><b>{escape(self.title)}</b> <span>{escape(self.unit)}</span>"
            f"<ul>{legend}</ul></figcaption>{self.svg()}</figure>"
        )

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


def _shaded(span: Span, x: _Place) -> str:
    left, right = x(span.first_s), x(span.last_s)
    return (
        f'<rect class="span ink-{span.ink}" x="{left:.1f}" y="{_TOP}"'
        f' width="{max(1.0, right - left):.1f}" height="{HEIGHT - _TOP - _BOTTOM}">'
        f"<title>{escape(span.name)}</title></rect>"
    )


def _level(level: float, y: _Place) -> str:
    at = f"{y(level):.1f}"
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>'
        f'<text x="{_LEFT - 6}" y="{y(level) + 4:.1f}" text-anchor="end">'
        f"{escape(figure(level))}</text>"
    )


def _marked(moment: Moment, x: _Place) -> str:
    at = f"{x(moment.at_s):.1f}"
    return (
        f'<line class="moment" x1="{at}" x2="{at}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        f'<text class="moment" x="{x(moment.at_s) + 4:.1f}" y="{_TOP + 11}">'
        f"{escape(moment.name)}</text>"
    )


def _thinned(one: Series) -> list[tuple[float, float]]:
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


def _drawn(one: Series, x: _Place, y: _Place) -> list[str]:
    runs: list[list[str]] = [[]]
    ends: list[tuple[float, float]] = []
    for at_s, value in _thinned(one):
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
