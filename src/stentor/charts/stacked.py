"""Stacked areas over time as SVG: parts of a whole that have an order, dark to light.

Long courses are thinned to one second a column, each column's fullest, so that parts still add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stentor.charts.frame import Frame, Moment, Span, captioned
from stentor.charts.scale import figure

_COLUMNS_MAX = 360
LAYERS_MAX = 6  # shades of one ink that can be told apart


@dataclass(frozen=True, slots=True)
class Stacked:
    """One chart: layers from the ground up, each a name and its values at `at_s` (seconds)."""

    title: str
    unit: str
    at_s: Sequence[float]
    layers: Sequence[tuple[str, Sequence[float]]]
    spans: Sequence[Span] = ()
    moments: Sequence[Moment] = ()

    def svg(self) -> str:
        """Return the chart; its text alternative is its title and each layer's most."""
        columns = self._columns()
        sums = [[0.0] * len(columns)]
        for _, values in self.layers:
            below = sums[-1]
            sums.append(
                [low + max(0.0, values[at]) for low, at in zip(below, columns, strict=True)]
            )
        first_s = self.at_s[0] if self.at_s else 0.0
        last_s = self.at_s[-1] if self.at_s else 1.0
        frame = Frame(first_s, max(last_s, first_s + 1e-6), max(sums[-1], default=0.0) or 1.0)
        at = [f"{frame.x(self.at_s[column]):.1f}" for column in columns]
        drawn = []
        for n, (low, high) in enumerate(pairwise(sums)):
            if low == high:
                continue
            over = [f"{x},{frame.y(value):.1f}" for x, value in zip(at, high, strict=True)]
            under = [f"{x},{frame.y(value):.1f}" for x, value in zip(at, low, strict=True)]
            points = " ".join([*over, *reversed(under)])
            drawn.append(f'<polygon class="layer layer-{n + 1}" points="{points}"/>')
        return frame.svg(self._said(), drawn, self.spans, self.moments)

    def html(self) -> str:
        """Return the chart as a figure with its title, unit and legend."""
        legend = [
            (f"shade layer-{n + 1}", name) for n, (name, _) in enumerate(self.layers[:LAYERS_MAX])
        ]
        return captioned(self.title, self.unit, legend, self.spans, self.svg())

    def _columns(self) -> list[int]:
        n = len(self.at_s)
        if n <= _COLUMNS_MAX:
            return list(range(n))
        whole = [sum(values[at] for _, values in self.layers) for at in range(n)]
        step = n / _COLUMNS_MAX
        spans = [(int(c * step), int((c + 1) * step)) for c in range(_COLUMNS_MAX)]
        return [max(range(first, last), key=lambda at: whole[at]) for first, last in spans]

    def _said(self) -> str:
        most = [f"{name} up to {figure(max(values, default=0.0))}" for name, values in self.layers]
        return f"{self.title}, {self.unit}: {'; '.join(most) or 'nothing'}"
