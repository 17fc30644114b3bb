"""Evenings of minutes and of an hour are drawn from the same ranges, but for what takes longer."""

from __future__ import annotations

import numpy as np
import pytest

from stentor.simulate.crowds import SHAPES, arrivals, lasting
from stentor.simulate.draw import AN_HOUR, HOUR_SIZES, MINUTES, Kind, draw


@pytest.mark.parametrize("shape", SHAPES)
def test_half_of_a_lasting_crowd_comes_at_any_time_of_the_event(shape: str) -> None:
    times = {"hour_s": 600.0, "end_s": 3_600.0, "sharp_s": 10.0}
    at_s = arrivals(np.random.default_rng(1), lasting(shape), 8_000, **times)
    late = float((at_s > 1_800).mean())
    assert late == pytest.approx(0.5 if shape == "even" else 0.25, abs=0.03)
    alone = arrivals(np.random.default_rng(1), shape, 8_000, **times)
    assert shape == "even" or not (alone > 1_800).any()


@pytest.mark.parametrize("kind", Kind)
def test_evening_of_an_hour_has_its_attack_and_its_end_within_it(kind: Kind) -> None:
    for n in range(12):
        event = draw(kind, n, 3, sizes=HOUR_SIZES, length=AN_HOUR)
        assert event.end_s == 3_600
        assert 240 <= event.hour_s <= 900
        assert HOUR_SIZES[0] <= event.people.n + event.people.inside
        if event.attack is not None and kind is not Kind.MIMIC:
            assert 0 < event.attack.start_s < event.attack.end_s < event.end_s


def test_length_changes_nothing_else_of_a_drawn_evening() -> None:
    short, long = (draw(Kind.QUIET, 5, 3, length=one) for one in (MINUTES, AN_HOUR))
    assert short.end_s == 100
    assert short.people.n == long.people.n
    assert short.people.population == long.people.population
    assert short.noise == long.noise
