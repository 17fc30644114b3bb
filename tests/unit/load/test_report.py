"""Histograms that processes add up, and the figures made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.load.report import Histogram, Tally, figures, sum_tallies


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_percentiles_are_within_a_bin_of_the_truth(values: list[float]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    found = histogram.figures()
    assert found is not None
    ordered = sorted(values)
    exact = ordered[max(0, -(-len(values) * 95 // 100) - 1)]
    assert found["p95"] == pytest.approx(exact, abs=0.006)
    assert found["p50"] <= found["p95"] <= found["p99"]


def test_processes_figures_add_up() -> None:
    one, other = Tally(listeners=2, stalls=1), Tally(listeners=3)
    one.first_audio_s.add(0.1)
    other.first_audio_s.add(0.3)
    total = figures(sum_tallies([one, other]))
    assert (total["listeners"], total["stalls"]) == (5, 1)
    assert total["first_audio_s"] == pytest.approx(
        {"p50": 0.105, "p95": 0.305, "p99": 0.305, "max": 0.3}, abs=0.006
    )


def test_bins_counted_elsewhere_are_the_same_figures() -> None:
    histogram, other = Histogram(), Histogram()
    for value in (0.001, 0.012, 0.012, 0.5):
        histogram.add(value)
    other.add_bins([1, 0, 2, *[0] * 97, 1])
    assert histogram.bins == other.bins


def test_who_was_answered_has_audio_or_a_place_within_three_seconds() -> None:
    tally = Tally(wanted=4)
    tally.first_audio_s.add(0.2)
    tally.first_audio_s.add(3.2)
    tally.told_s.add(2.9)
    assert figures(tally)["answered_within_3_s"] == 0.5
