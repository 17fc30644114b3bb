"""How figures of `bench/verdict.py` depend on how large evenings are, and on what kind they are of.

A simulated machine that some hundred people overload lets in a few a second, where a real core lets
in thousands: what holds a second's worth is coarser there, and so later. Runs nothing.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from verdict_events import Row
from verdict_measure import Judged, presence, ratio_of

from stentor.simulate.attackers import FAMILIES, Family
from stentor.simulate.draw import Kind

_IN_TIME_S = 2.0
_JOINS_PER_S = ((0, 30), (30, 100), (100, 400), (400, 1_600), (1_600, 1_000_000))
_PEOPLE = ((0, 10_000), (10_000, 20_000), (20_000, 1_000_000))

Each = Sequence[tuple[Row, float | None, float]]  # its delay, and how long half of who came waited


def _people(row: Row) -> int:
    return row.event.people.n + row.event.people.inside


def _joins_per_s(row: Row) -> float:
    return row.event.machine.joins_per_s


def _named(low: int, high: int, of: str) -> str:
    if not low:
        return f"fewer than {high:,} {of}"
    return f"{low:,} {of} and more" if high >= 1_000_000 else f"{low:,} to {high:,} {of}"


def late_lines(each: Each) -> list[tuple[str, int, int, str, str, int]]:
    """Return, by size and kind, how attacks of people's demand or more were seen.

    A name, how many there were, how many were seen, p50, p95, and how many within two seconds.
    """
    large = [one for one in each if ratio_of(one[0]) >= 1]
    heard = [None if one is None else max(0.0, one - waited_s) for _, one, waited_s in large]

    def late(name: str, is_of: Callable[[Row], bool]) -> tuple[str, int, int, str, str, int]:
        return _late(name, [delay_s for row, delay_s, _ in large if is_of(row)])

    return [
        _late("all, less what half of those waited who were looked at in that second", heard),
        late("people alone fit", lambda row: row.kind is Kind.ATTACK),
        late("people alone are too many", lambda row: row.kind is Kind.BOTH),
        late("edges speak TLS", lambda row: row.event.machine.tls),
        late("without TLS", lambda row: not row.event.machine.tls),
        *(
            late(_named(*span, "joins a second fit"), partial(_is_within, span, _joins_per_s))
            for span in _JOINS_PER_S
        ),
        *(late(_named(*span, "people"), partial(_is_within, span, _people)) for span in _PEOPLE),
        *(late(one.value, partial(_is_of, one)) for one in FAMILIES),
    ]


def _is_within(span: tuple[int, int], size_of: Callable[[Row], float], row: Row) -> bool:
    return span[0] <= size_of(row) < span[1]


def _is_of(family: Family, row: Row) -> bool:
    return row.family is family


def _late(name: str, delays: Sequence[float | None]) -> tuple[str, int, int, str, str, int]:
    seen = [one for one in delays if one is not None]
    p50, p95 = (f"{np.percentile(seen, at):.1f} s" if seen else "–" for at in (50, 95))
    return name, len(delays), len(seen), p50, p95, sum(one <= _IN_TIME_S for one in seen)


def told_lines(judged: Sequence[Judged]) -> list[tuple[str, str, str, str, str]]:
    """Return, by size, how well attacks were told: a name, balanced accuracy, and the counts."""
    return [
        told_line(_named(*span, of), [one for one in judged if _is_within(span, size_of, one.row)])
        for spans, size_of, of in (
            (_PEOPLE, _people, "people"),
            (_JOINS_PER_S, _joins_per_s, "joins a second fit"),
        )
        for span in spans
    ]


def told_line(name: str, judged: Sequence[Judged]) -> tuple[str, str, str, str, str]:
    """Return how well attacks were told in these evenings."""
    there = presence(judged)
    hostile = f"{there['found']}, {there['untold_attacks']}, {there['missed']}"
    harmless = f"{there['accused']}, {there['untold_harmless']}, {there['cleared']}"
    said = f"{there['balanced']:.3f}" if len(judged) >= 20 else "–"
    return name, str(len(judged)), said, hostile, harmless
