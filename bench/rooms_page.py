"""The page and the plot of `bench/rooms.py`: what was measured beside what was fitted to it."""

from functools import partial
from html import escape
from typing import Any

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 48, 56
_COLOURS = ("ours", "peer", "third")
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 11px; fill: #59636e }
.ours { fill: #0969da; stroke: #0969da } .peer { fill: #bc6c25; stroke: #bc6c25 }
.third { fill: #1a7f37; stroke: #1a7f37 } text.ours, text.peer, text.third { stroke: none }
polyline.ours, polyline.peer, polyline.third { fill: none; stroke-width: 1.5; opacity: .7 }
.axis { stroke: #59636e; stroke-width: 1 } .grid { stroke: #59636e; opacity: .25 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .ours { fill: #4493f8; stroke: #4493f8 } .peer { fill: #e0a458; stroke: #e0a458 }
  .third { fill: #3fb950; stroke: #3fb950 } .axis, .grid { stroke: #9198a1 }
}
"""


def _step(most: float, least_steps: int = 4) -> float:
    """Return a round distance between grid lines."""
    size = 10.0 ** len(str(int(most)))
    parts = (1, 2, 5, 10, 20, 50, 100)
    return next(size / part for part in parts if most / (size / part) >= least_steps)


def expected_of(fit: dict[str, float], point: dict[str, float]) -> float:
    """Return the share of a core that the fitted sum says."""
    return 1e-6 * (
        fit["alone_us_per_s"]
        + sum(fit[f"{name}_us_per_s"] * point[f"{name}s"] for name in ("room", "listener"))
        + fit["heard_us_per_s"] * point["heard"]
    )


def plot(told: dict[str, Any]) -> str:
    """Return the plot: points as measured, lines as fitted; zero listeners are the crosses."""
    points, expected = told["points"], partial(expected_of, told["fit"])
    listeners_max = max(one["listeners"] for one in points) or 1
    percent_max = 105 * max(one["cpu_share"] for one in points)

    def at(listeners: float, percent: float) -> tuple[float, float]:
        x = _LEFT + listeners / listeners_max * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - percent / percent_max * (_HEIGHT - _TOP - _BOTTOM)
        return round(x, 1), round(y, 1)

    title = f"CPU of {told['edges']} edges, {told['lane_ms'] / 1000:g} s lane"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<text x="8" y="18">{escape(title)}, % of one core by listeners</text>',
    ]
    step = _step(percent_max)
    for number in range(int(percent_max / step) + 1):
        x, y = at(0, number * step)
        lines.append(f'<line class="grid" x1="{x}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}"/>')
        lines.append(
            f'<text class="small" x="{x - 8}" y="{y + 4}" text-anchor="end">'
            f"{number * step:g}</text>"
        )
    step = _step(listeners_max)
    for number in range(int(listeners_max / step) + 1):
        x, y = at(number * step, 0)
        lines.append(
            f'<text class="small" x="{x}" y="{y + 18}" text-anchor="middle">'
            f"{number * step:,.0f}</text>"
        )
    (x, y), (x2, _) = at(0, 0), at(listeners_max, 0)
    lines.append(f'<line class="axis" x1="{x}" y1="{y}" x2="{x2}" y2="{y}"/>')
    rooms_of = sorted({one["rooms"] for one in points})
    for place, rooms in enumerate(rooms_of):
        kind = _COLOURS[place % len(_COLOURS)]
        of_rooms = [one for one in points if one["rooms"] == rooms]
        fitted = [at(one["listeners"], 100 * expected(one)) for one in of_rooms]
        path = " ".join(f"{x},{y}" for x, y in fitted)
        lines.append(f'<polyline class="{kind}" points="{path}"/>')
        for one in of_rooms:
            x, y = at(one["listeners"], 100 * one["cpu_share"])
            lines.append(f'<circle class="{kind}" cx="{x}" cy="{y}" r="4"/>')
        named = f"{rooms:,} room{'s' if rooms > 1 else ''}"
        y = 38
        lines.append(f'<text class="{kind}" x="{_LEFT + 110 * place}" y="{y}">● {named}</text>')
    return "\n".join([*lines, "</svg>", ""])


def page(told: dict[str, Any], command: str) -> str:
    """Return the page, with the table and what was fitted."""
    fit = told["fit"]
    delivered_per_s = 1000 / told["lane_ms"]
    rows = [
        f"| {one['rooms']:,} | {one['listeners']:,} | {one['deliveries_per_s']:,.0f}"
        f" | {one['cpu_share']:.1%}"
        f" | {expected_of(fit, one):.1%} |"
        for one in told["points"]
    ]
    rooms, listeners = (max(one[name] for one in told["points"]) for name in ("rooms", "listeners"))
    return "\n".join(
        [
            "# What a listener costs, and what a room",
            "",
            f"Written by `{command}`.",
            f"{told['machine']}; {told['edges']} edges, one rendition, {told['lane_ms']} ms a"
            f" delivery, {told['seconds']:g} s a point; CPU of all edges, receiving on the same"
            " machine included.",
            "",
            "![CPU by listeners, in one room and in many](rooms.svg)",
            "",
            "| rooms | listeners | deliveries a second | CPU of a core, measured | fitted |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "| fitted by least squares | µs of CPU a second |",
            "|---|---|",
            f"| a listener | {fit['listener_us_per_s']:.2f}"
            f" ({fit['listener_us_per_s'] / delivered_per_s:.1f} µs a delivery) |",
            f"| a room on the air, listened to or not | {fit['room_us_per_s']:.1f} |",
            f"| … and one that is listened to at an edge, however many do"
            f" | {fit['heard_us_per_s']:.1f} |",
            f"| the edges themselves | {fit['alone_us_per_s']:.0f} |",
            "",
            f"The fit explains {fit['r2']:.2%} of the variance; its root mean square error is"
            f" {fit['off_rms_us_per_s'] / 1e4:.2f} % of a core, at most"
            f" {fit['off_max_us_per_s'] / 1e4:.2f} %. With a fifth term, rooms × listeners, that"
            f" term is {fit['product_us_per_s'] * 1e3:+.2f} ±"
            f" {fit['product_error_us_per_s'] * 1e3:.2f} ns a second (one standard error):"
            f" {fit['product_share']:+.1%} of the cost of"
            f" {listeners:,} listeners in {rooms:,} rooms.",
            "",
            *_counted(told.get("counts", [])),
            f"Memory: each edge keeps the last 38 s of each room in all renditions, listened to or"
            f" not, {told['window_bytes'] / 1e6:.1f} MB a room and edge.",
            "",
        ]
    )


def _counted(counts: list[dict[str, int]]) -> list[str]:
    """Return what one delivery was counted to take, and what a listener more takes in it."""
    if not counts:
        return []
    rows = [
        f"| {one['rooms']:,} | {one['listeners']:,} | {one['sends']:,} | {one['calls']:,}"
        f" | {one['opcodes']:,} |"
        for one in counts
    ]
    told = []
    for rooms in sorted({one["rooms"] for one in counts}):
        of_rooms = [one for one in counts if one["rooms"] == rooms]
        least, most = of_rooms[0], of_rooms[-1]
        more = most["listeners"] - least["listeners"]
        each = [(most[name] - least[name]) / more for name in ("sends", "calls", "opcodes")]
        told.append(
            f"with {rooms:,} room{'s' if rooms > 1 else ''} a listener more is {each[0]:g} send,"
            f" {each[1]:g} call and {each[2]:g} bytecodes a delivery"
        )
    return [
        "## The same work, counted",
        "",
        "What one delivery to all of them takes at one edge, counted by the interpreter itself"
        " (`tests/support/steps.py`, 0.32 s lane): no clock is in it, so it is exact and the same"
        " on every machine. `tests/unit/edge/test_rooms_times_listeners.py` holds it.",
        "",
        "| rooms | listeners | system calls that send | calls of C, those included | bytecodes |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"So {'; '.join(told)}: rooms times listeners adds nothing to the work. Where the fit of"
        " measured CPU has such a term, it is chance, or the same work that took longer; these"
        " counts cannot say which.",
        "",
    ]
