"""Charts and pages: numbers in, the same text out each time."""

import math
from xml.etree import ElementTree

import pytest

from stentor.charts.page import page, table
from stentor.charts.scale import clock_ticks, figure, ticks
from stentor.charts.timeline import Moment, Series, Span, Timeline


def _parsed(chart: Timeline) -> ElementTree.Element:
    return ElementTree.fromstring(chart.svg())


def _lines(svg: ElementTree.Element) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, pair.split(","))) for pair in one.get("points", "").split()]  # type: ignore[misc]
        for one in svg.iter("polyline")
    ]


@pytest.mark.parametrize(("most", "last"), [(0.0, 1.0), (1.0, 1.0), (7.3, 8.0), (84_000, 100_000)])
def test_axis_ends_on_a_round_number_at_or_above_the_most(most: float, last: float) -> None:
    assert ticks(most)[0] == 0
    assert ticks(most)[-1] == pytest.approx(last)


def test_clock_is_marked_at_round_moments_only() -> None:
    assert clock_ticks(1_000_003, 1_000_063) == [1_000_010 + 10 * n for n in range(6)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123, "0.0123"), (1.5, "1.5"), (123.4, "123"), (12_345, "12,345")],
)
def test_figure_shows_three_digits_that_matter(value: float, text: str) -> None:
    assert figure(value) == text


def test_higher_values_are_drawn_higher_and_later_ones_to_the_right() -> None:
    chart = Timeline("Listeners", "people", [Series("in", [0, 10, 20], [0, 5, 10])])
    (line,) = _lines(_parsed(chart))
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert [y for _, y in line] == sorted((y for _, y in line), reverse=True)


def test_gap_in_the_course_is_a_gap_in_the_line() -> None:
    chart = Timeline("x", "s", [Series("x", [0, 1, 2, 3, 4], [1, 2, math.nan, 3, 4])])
    assert [len(line) for line in _lines(_parsed(chart))] == [2, 2]


def test_spike_of_one_second_is_not_lost_in_a_long_course() -> None:
    values = [1.0] * 20_000
    values[12_345] = 50.0
    chart = Timeline("x", "s", [Series("x", range(20_000), values)])
    (line,) = _lines(_parsed(chart))
    assert len(line) < 1_000
    assert sum(y == min(y for _, y in line) for _, y in line) == 1


def test_names_cannot_break_out_of_the_chart_or_the_page() -> None:
    nasty = '"><script>alert(1)</script>'
    chart = Timeline(
        nasty,
        nasty,
        [Series(nasty, [0, 1], [0, 1])],
        spans=[Span(0, 1, nasty)],
        moments=[Moment(0.5, nasty)],
    )
    whole = page(nasty, [chart.html(), table([nasty], [[nasty]])])
    assert "<script" not in whole


def test_page_asks_for_nothing_from_elsewhere() -> None:
    whole = page("Report", [Timeline("x", "s", [Series("x", [0, 1], [0, 1])]).html()])
    assert "http:" not in whole
    assert "https:" not in whole
    assert "default-src 'none'" in whole
