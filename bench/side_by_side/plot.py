"""The plot of a run as SVG: a row a server, what a listener-second costs and how far behind live.

Legible on light and dark: text takes the reader's colours. Nothing is measured here.
"""

from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Any

from side_by_side.table import costs

_ROW = 34
_BAR = 16
_TOP = 62
_NAMES = 230
_PANEL = 300
_GAP = 60
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 11px; fill: #59636e }
.ours { fill: #0969da } .peer { fill: #bc6c25 }
.axis { stroke: #59636e; stroke-width: 1 } .grid { stroke: #59636e; opacity: .25 }
.range { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .ours { fill: #4493f8 } .peer { fill: #e0a458 }
  .axis, .grid { stroke: #9198a1 } .range { stroke: #e6edf3 }
}
"""


@dataclass(frozen=True, slots=True)
class _Bar:
    middle: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    unit: str
    digits: int
    bars: tuple[_Bar, ...]


def _bar(values: list[float]) -> _Bar:
    return _Bar(median(values), min(values), max(values))


def _step(most: float) -> float:
    """Return a round distance between grid lines, three to six of them."""
    size = 10.0 ** len(str(int(most)))
    return next(size / part for part in (1, 2, 5, 10, 20, 50, 100) if most / (size / part) >= 3)


def _panel_lines(panel: _Panel, left: int, ours: list[bool]) -> list[str]:
    most = max([bar.most for bar in panel.bars] + [1e-9]) * 1.02
    bottom = _TOP + _ROW * len(ours)
    step = _step(most)
    lines = [f'<text x="{left}" y="{_TOP - 14}">{escape(panel.title)}</text>']
    for number in range(int(most / step) + 1):
        x = left + number * step / most * _PANEL
        lines.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        lines.append(
            f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{number * step:g}</text>"
        )
    lines.append(
        f'<text class="small" x="{left + _PANEL / 2:.0f}" y="{bottom + 34}"'
        f' text-anchor="middle">{escape(panel.unit)}</text>'
    )
    lines.append(f'<line class="axis" x1="{left}" y1="{_TOP}" x2="{left}" y2="{bottom}"/>')
    for row, (bar, mine) in enumerate(zip(panel.bars, ours, strict=True)):
        y = _TOP + row * _ROW + (_ROW - _BAR) / 2
        width, least, most_x = (
            value / most * _PANEL for value in (bar.middle, bar.least, bar.most)
        )
        kind = "ours" if mine else "peer"
        lines.append(
            f'<rect class="{kind}" x="{left}" y="{y:.1f}" width="{width:.1f}" height="{_BAR}"/>'
        )
        middle = y + _BAR / 2
        lines.append(
            f'<line class="range" x1="{left + least:.1f}" y1="{middle:.1f}"'
            f' x2="{left + most_x:.1f}" y2="{middle:.1f}"/>'
        )
        lines.append(
            f'<text class="small" x="{left + most_x + 6:.1f}" y="{middle + 4:.1f}">'
            f"{bar.middle:.{panel.digits}f}</text>"
        )
    return lines


def svg(found: dict[str, Any]) -> str:
    """Return the plot: bars are medians of the rounds, lines their least and most."""
    servers = found["servers"]
    ours = [name.startswith("stentor") for name in servers]
    behind = [[one["behind_p50_s"] for one in server["rounds"]] for server in servers.values()]
    panels = (
        _Panel(
            "Server CPU of one listener",
            "µs of CPU a listener-second (less is better)",
            1,
            tuple(_bar(costs(server)) for server in servers.values()),
        ),
        _Panel("Behind live", "seconds (less is better)", 1, tuple(map(_bar, behind))),
    )
    width = _NAMES + (_PANEL + _GAP) * len(panels)
    height = _TOP + _ROW * len(ours) + 48
    title = f"{found['listeners']} listeners a server, 48 kbit/s, {found['rounds']} rounds"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<text x="8" y="18">{escape(title)}</text>',
    ]
    for row, server in enumerate(servers.values()):
        y = _TOP + row * _ROW + _ROW / 2 + 4
        lines.append(
            f'<text x="{_NAMES - 10}" y="{y}" text-anchor="end">{escape(server["label"])}</text>'
        )
    for number, panel in enumerate(panels):
        lines += _panel_lines(panel, _NAMES + number * (_PANEL + _GAP), ours)
    return "\n".join([*lines, "</svg>", ""])
