"""What all charts over time share: the frame, its axes, shaded spans and marked moments, as SVG.

Coordinates and text only. Deterministic; colours come from the page's custom properties.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from stentor.charts.scale import clock, clock_ticks, short, ticks

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 26


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
class Frame:
    """From when to when, and from zero up to the axis's end at or above `most`."""

    first_s: float
    last_s: float
    most: float

    @property
    def top(self) -> float:
        """The value at the axis's end."""
        return ticks(self.most)[-1]

    def x(self, at_s: float) -> float:
        """Return where a moment is; what is outside is put on the border."""
        share = (at_s - self.first_s) / max(1e-9, self.last_s - self.first_s)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return where a value is."""
        return HEIGHT - BOTTOM - min(1.0, value / self.top) * (HEIGHT - TOP - BOTTOM)

    def svg(
        self, said: str, drawn: Sequence[str], spans: Sequence[Span], moments: Sequence[Moment]
    ) -> str:
        """Return the chart around what is drawn in it; `said` is its text alternative."""
        inside = [one for one in moments if self.first_s <= one.at_s <= self.last_s]
        seconds = self.last_s - self.first_s < 300
        lines = [
            f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-label="{escape(said, quote=True)}">',
            *(self._shaded(span) for span in spans),
            *(self._level(level) for level in ticks(self.most)),
            *(
                f'<text x="{self.x(at_s):.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
                f"{clock(at_s, seconds=seconds)}</text>"
                for at_s in clock_ticks(self.first_s, self.last_s)
            ),
            *drawn,
            *(self._marked(moment) for moment in inside),
            "</svg>",
        ]
        return "".join(lines)

    def _shaded(self, span: Span) -> str:
        left, right = self.x(span.first_s), self.x(span.last_s)
        return (
            f'<rect class="span ink-{span.ink}" x="{left:.1f}" y="{TOP}"'
            f' width="{max(1.0, right - left):.1f}" height="{HEIGHT - TOP - BOTTOM}">'
            f"<title>{escape(span.name)}</title></rect>"
        )

    def _level(self, level: float) -> str:
        at = f"{self.y(level):.1f}"
        return (
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
            f'<text x="{LEFT - 6}" y="{self.y(level) + 4:.1f}" text-anchor="end">'
            f"{escape(short(level))}</text>"
        )

    def _marked(self, moment: Moment) -> str:
        at = f"{self.x(moment.at_s):.1f}"
        return (
            f'<line class="moment" x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            f'<text class="moment" x="{self.x(moment.at_s) + 4:.1f}" y="{TOP + 11}">'
            f"{escape(moment.name)}</text>"
        )


def captioned(
    title: str, unit: str, legend: Sequence[tuple[str, str]], spans: Sequence[Span], svg: str
) -> str:
    """Return a figure; its legend is (class of the ink, name), and then what is shaded."""
    shades = dict.fromkeys((f"shade ink-{one.ink}", one.name) for one in spans if one.name)
    items = "".join(f'<li><i class="{kind}"></i>{escape(name)}</li>' for kind, name in legend)
    items += "".join(f'<li><i class="{kind}"></i>{escape(name)}</li>' for kind, name in shades)
    return (
        f"<figure><figcaption><b>{escape(title)}</b> <span>{escape(unit)}</span>"
        f"<ul>{items}</ul></figcaption>{svg}</figure>"
    )
