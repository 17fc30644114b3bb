"""Tables whose rows carry a bar: readable as text, by a screen reader, and on a phone.

A bar shows one value of its row against the greatest of all, or a value against a band.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log2, log10


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: its name, the bar's value, what is said of it, and more cells of plain text."""

    name: str
    value: float
    said: str
    more: Sequence[str] = ()
    ink: int = 1


def bars(caption: str, head: Sequence[str], rows: Sequence[Bar], *, log: bool = False) -> str:
    """Return a table of bars from zero; values below zero go to the left of the middle.

    `head` names the row, the bar with what is said, and the cells after it. `log`: bars by the
    logarithm, for values that are orders apart; then none may be below one.
    """
    sizes = [log10(max(1.0, one.value)) if log else one.value for one in rows]
    most = max((abs(one) for one in sizes), default=1.0) or 1.0
    negative = any(one < 0 for one in sizes)
    lines = []
    for row, size in zip(rows, sizes, strict=True):
        width = abs(size) / most * (50 if negative else 100)
        left = (50 - width if size < 0 else 50) if negative else 0
        drawn = (
            f'<span class="bar ink-{row.ink}" aria-hidden="true">'
            f'<i style="left:{left:.1f}%;width:{width:.1f}%"></i></span>'
        )
        lines.append(_row(row.name, drawn + escape(row.said), row.more, head[2:]))
    return _table(caption, head, lines)


@dataclass(frozen=True, slots=True)
class Beside:
    """A row: something predicted beside the same measured; `ink` says how it is to be seen."""

    name: str
    predicted: float
    measured: float
    more: Sequence[str] = ()
    ink: int = 1


def besides(
    caption: str, head: Sequence[str], rows: Sequence[Beside], band: tuple[float, float]
) -> str:
    """Return a table with predicted against measured as a dot on a scale from half to twice.

    `band` is what is allowed, as ratios; it is shaded. The middle is what was measured.
    """

    def place(ratio: float) -> float:
        return 50 + 50 * min(1.0, max(-1.0, log2(max(ratio, 1e-9))))

    low, high = (place(one) for one in band)
    lines = []
    for row in rows:
        ratio = row.predicted / row.measured if row.measured else 1.0
        drawn = (
            f'<span class="scale ink-{row.ink}" aria-hidden="true">'
            f'<b style="left:{low:.1f}%;width:{high - low:.1f}%"></b>'
            f'<i style="left:{place(ratio):.1f}%"></i></span>'
        )
        lines.append(_row(row.name, f"{drawn}{ratio - 1:+.0%}", row.more, head[2:]))
    return _table(caption, head, lines)


def _row(name: str, drawn: str, more: Sequence[str], head: Sequence[str]) -> str:
    # On a phone rows stand below each other, and each cell says what it is.
    cells = "".join(
        f'<td class="number" data-head="{escape(about, quote=True)}">{escape(one)}</td>'
        for one, about in zip(more, head, strict=True)
    )
    return f'<tr><th scope="row">{escape(name)}</th><td class="drawn">{drawn}</td>{cells}</tr>'


def _table(caption: str, head: Sequence[str], lines: Sequence[str]) -> str:
    cells = "".join(
        f'<th scope="col"{" class=number" * (column > 1)}>{escape(one)}</th>'
        for column, one in enumerate(head)
    )
    return (
        f'<div class="wide"><table class="bars"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
