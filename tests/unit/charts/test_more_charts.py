"""Stacked areas, shares of people, and tables with bars: what is more is drawn as more."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from stentor.charts.bars import Bar, Beside, bars, besides
from stentor.charts.frame import Moment, Span
from stentor.charts.scale import short
from stentor.charts.shares import Shares
from stentor.charts.stacked import Stacked
from stentor.charts.timeline import Series, Timeline

NASTY = '"><script>alert(1)</script>'


def _points(element: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = [pair.split(",") for pair in element.get("points", "").split()]
    return [(float(x), float(y)) for x, y in pairs]


def _layers(chart: Stacked) -> list[list[tuple[float, float]]]:
    return [_points(one) for one in ElementTree.fromstring(chart.svg()).iter("polygon")]


def test_layers_stand_on_each_other_and_add_up() -> None:
    below, above = _layers(Stacked("x", "n", [0, 1, 2], [("a", [1, 2, 3]), ("b", [3, 2, 1])]))
    top_of_first = below[:3]
    bottom_of_second = list(reversed(above[3:]))
    assert top_of_first == bottom_of_second
    assert len({y for _, y in above[:3]}) == 1  # 4 in all, at each moment


def test_layer_of_nobody_is_not_drawn_but_named() -> None:
    chart = Stacked("x", "n", [0, 1], [("a", [1, 2]), ("nobody", [0, 0])])
    assert len(_layers(chart)) == 1
    assert "nobody" in chart.html()


def test_long_stack_is_thinned_and_keeps_its_fullest_second() -> None:
    values = [1.0] * 20_000
    values[7_777] = 10.0
    (layer,) = _layers(Stacked("x", "n", list(range(20_000)), [("a", values)]))
    upper = layer[: len(layer) // 2]
    assert len(upper) < 1_000
    highest = min(y for _, y in upper)
    assert sum(y == highest for _, y in upper) == 1


def _line(chart: Shares) -> list[tuple[float, float]]:
    (line,) = ElementTree.fromstring(chart.svg()).iter("polyline")
    return _points(line)


def test_share_rises_to_the_right_and_is_told_in_words() -> None:
    chart = Shares("wait", "s", [("all", 1, [0.1, 1.0, 10.0, 100.0], [0.2, 0.5, 0.95, 1.0])])
    line = _line(chart)
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert [y for _, y in line] == sorted((y for _, y in line), reverse=True)
    assert "half within 1, 95 of 100 within 10" in chart.svg()


def test_decades_are_equally_wide() -> None:
    line = _line(Shares("wait", "s", [("all", 1, [0.1, 1.0, 10.0], [0.2, 0.5, 1.0])]))
    assert line[1][0] - line[0][0] == pytest.approx(line[2][0] - line[1][0], abs=0.2)


def test_no_lines_are_a_chart_that_says_nothing() -> None:
    assert "nothing" in Shares("wait", "s", []).svg()


def _widths(table: str) -> list[float]:
    return [float(one) for one in re.findall(r"width:([\d.]+)%", table)]


def test_longest_bar_is_the_greatest_value_and_half_is_half() -> None:
    found = _widths(bars("c", ("a", "b"), [Bar("x", 2, "2"), Bar("y", 4, "4")]))
    assert found == [50.0, 100.0]


def test_less_than_nothing_goes_to_the_left_of_the_middle() -> None:
    table = bars("c", ("a", "b"), [Bar("x", -1, "-1"), Bar("y", 1, "+1")])
    assert re.findall(r"left:([\d.]+)%;width:([\d.]+)%", table) == [
        ("0.0", "50.0"),
        ("50.0", "50.0"),
    ]


def test_logarithmic_bars_differ_by_orders() -> None:
    found = _widths(bars("c", ("a", "b"), [Bar("x", 10, ""), Bar("y", 1000, "")], log=True))
    assert found == pytest.approx([33.3, 100.0], abs=0.1)


def test_prediction_stands_where_its_ratio_is_and_the_band_around_what_was_measured() -> None:
    rows = [Beside("low", 5, 10), Beside("same", 10, 10), Beside("high", 100, 10)]
    table = besides("c", ("a", "b"), rows, (0.5, 2.0))
    dots = [float(one) for one in re.findall(r"<i style=\"left:([\d.]+)%\">", table)]
    assert dots == [0.0, 50.0, 100.0]  # far off is put on the border
    assert _widths(table) == [100.0] * 3
    assert "-50%" in table
    assert "+900%" in table


def test_each_cell_says_what_it_is_where_the_head_is_not_shown() -> None:
    table = bars("c", ("a", "b", "machines"), [Bar("x", 1, "1", ("7",))])
    assert '<td class="number" data-head="machines">7</td>' in table
    with pytest.raises(ValueError, match="zip"):
        bars("c", ("a", "b"), [Bar("x", 1, "1", ("7",))])


def test_what_is_shaded_is_named_in_the_legend_once() -> None:
    spans = [Span(0, 1, "attack"), Span(2, 3, "attack")]
    found = Timeline("x", "n", [Series("x", [0, 3], [0, 1])], spans).html()
    assert found.count("</i>attack</li>") == 1


def test_names_cannot_break_out_of_any_of_them() -> None:
    spans, moments = [Span(0, 1, NASTY)], [Moment(0.5, NASTY)]
    found = [
        Stacked(NASTY, NASTY, [0, 1], [(NASTY, [1, 2])], spans, moments).html(),
        Shares(NASTY, NASTY, [(NASTY, 1, [1.0], [1.0])], [(1.0, NASTY)]).html(),
        bars(NASTY, (NASTY, NASTY, NASTY), [Bar(NASTY, 1, NASTY, (NASTY,))]),
        besides(NASTY, (NASTY, NASTY, NASTY), [Beside(NASTY, 1, 1, (NASTY,))], (0.9, 1.1)),
    ]
    assert "<script" not in "".join(found)


@pytest.mark.parametrize(
    ("value", "text"), [(8e6, "8 M"), (1.5e9, "1.5 G"), (999_999, "999,999"), (0, "0")]
)
def test_axis_writes_millions_by_their_letter(value: float, text: str) -> None:
    assert short(value) == text
