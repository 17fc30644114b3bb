"""How many people had no more than so much: cumulative shares over a logarithmic axis, as SVG.

One line a quantity, so that whole spreads can be compared and not only their percentiles.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from stentor.charts.frame import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, captioned
from stentor.charts.scale import figure

_MARKS = (0.0, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Shares:
    """One chart. A line is a name, an ink, upper ends (rising) and shares up to there (0 to 1)."""

    title: str
    unit: str
    lines: Sequence[tuple[str, int, Sequence[float], Sequence[float]]]
    limits: Sequence[tuple[float, str]] = ()

    def svg(self) -> str:
        """Return the chart; its text alternative is each line's median and 95th percentile."""
        first, last = self._decades()

        def x(value: float) -> float:
            share = (math.log10(max(value, 10.0**first)) - first) / (last - first)
            return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

        def y(share: float) -> float:
            return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

        out = [
            f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-label="{escape(self._said(), quote=True)}">'
        ]
        out += [
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(share):.1f}"'
            f' y2="{y(share):.1f}"/><text x="{LEFT - 6}" y="{y(share) + 4:.1f}"'
            f' text-anchor="end">{share:.0%}</text>'
            for share in _MARKS
        ]
        for decade in range(first, last + 1):
            at, anchor = x(10.0**decade), "end" if decade == last else "middle"
            out.append(
                f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}"'
                f' y2="{HEIGHT - BOTTOM}"/><text x="{at:.1f}" y="{HEIGHT - 8}"'
                f' text-anchor="{anchor}">{figure(10.0**decade)}</text>'
            )
        for _, ink, ends, shares in self.lines:
            points = " ".join(
                f"{x(end):.1f},{y(share):.1f}"
                for end, share in zip(ends, shares, strict=True)
                if end >= 10.0**first
            )
            out.append(f'<polyline class="line ink-{ink}" points="{points}"/>')
        for value, name in self.limits:
            at = x(value)
            out.append(
                f'<line class="moment" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}"'
                f' y2="{HEIGHT - BOTTOM}"/><text class="moment" x="{at + 4:.1f}"'
                f' y="{HEIGHT - BOTTOM - 6}">{escape(name)}</text>'
            )
        return "".join([*out, "</svg>"])

    def html(self) -> str:
        """Return the chart as a figure with its title, unit and legend."""
        legend = [(f"ink-{ink}", name) for name, ink, _, _ in self.lines]
        return captioned(self.title, self.unit, legend, (), self.svg())

    def _decades(self) -> tuple[int, int]:
        """Return the powers of ten between which nearly everybody is."""
        low, high = [], []
        for _, _, ends, shares in self.lines:
            low += [end for end, share in zip(ends, shares, strict=True) if share >= 0.01][:1]
            high += [end for end, share in zip(ends, shares, strict=True) if share >= 0.999][:1]
        first = math.floor(math.log10(max(1e-3, min(low, default=0.1))))
        last = math.ceil(math.log10(max(1e-2, *high, *(at for at, _ in self.limits), 0.1)) - 1e-9)
        return first, max(last, first + 1)

    def _said(self) -> str:
        said = []
        for name, _, ends, shares in self.lines:
            pairs = list(zip(ends, shares, strict=True))
            at = [next((end for end, s in pairs if s >= one), math.nan) for one in (0.5, 0.95)]
            said.append(f"{name}: half within {figure(at[0])}, 95 of 100 within {figure(at[1])}")
        return f"{self.title}, {self.unit}: {'; '.join(said) or 'nothing'}"
