"""Curves of arrival: their shape, their bounds, and who comes of a scenario."""

import numpy as np
import pytest

from stentor.simulate.fleet.arrivals import MODELS, gather, split
from stentor.simulate.fleet.scenario import Arrivals, Event, Scenario

EVENT = Event(listeners=20_000, lasts_s=3600, hour_s=600)


def moments(arrivals: Arrivals, n: int = 20_000) -> np.ndarray:
    return MODELS[arrivals.model](np.random.default_rng(5), n, arrivals, EVENT)


def group(model: str, **more: object) -> Arrivals:
    points = ((0, 0), (3600, 10)) if model == "course" else ()
    return Arrivals(model, points=points, **more)


@pytest.mark.parametrize("model", MODELS)
def test_people_come_within_the_bounds_in_order_and_all_of_them(model: str) -> None:
    at_s = moments(group(model, from_s=100, until_s=1900))
    assert len(at_s) == 20_000
    assert at_s[0] >= 100
    assert at_s[-1] <= 1900
    assert (np.diff(at_s) >= 0).all()


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_gives_the_same_bytes(model: str) -> None:
    assert moments(group(model)).tobytes() == moments(group(model)).tobytes()


def test_a_crowd_is_densest_at_the_hour_and_falls_slower_than_it_rose() -> None:
    minutes = np.bincount((moments(group("crowd")) // 60).astype(int), minlength=60)
    assert minutes.argmax() in (9, 10)
    assert minutes[9] > 2 * minutes[8] > 4 * minutes[7]
    assert minutes[10] > minutes[11] > minutes[12] > minutes[7]


def test_news_comes_from_nothing_to_its_peak_and_has_a_long_tail() -> None:
    at_s = moments(group("news", from_s=900))
    halves = np.bincount(((at_s - 900) // 30).astype(int), minlength=90)
    assert halves.argmax() <= 1
    assert halves[-10:].sum() > 100  # half an hour later
    assert at_s[0] >= 900


def test_a_ramp_holds_the_rate_that_was_published() -> None:
    # A million within 55 seconds, as 20,000 here: 1.1 million a minute.
    at_s = moments(group("ramp", from_s=600, until_s=655, spread_s=5))
    seconds = np.bincount((at_s - 600).astype(int))
    assert seconds[10:50].mean() == pytest.approx(20_000 / (55 - 2.5), rel=0.03)
    assert seconds[0] < seconds[10] / 3


def test_a_course_follows_its_points() -> None:
    one = Arrivals("course", points=((0, 0), (600, 100), (1800, 400), (3600, 500)))
    at_s = moments(one)
    for second, share in ((600, 0.2), (1800, 0.8), (2700, 0.9)):
        assert (at_s < second).mean() == pytest.approx(share, abs=0.01)


def test_a_course_between_bounds_is_that_part_of_it() -> None:
    one = Arrivals("course", from_s=600, until_s=1800, points=((0, 0), (1200, 100), (2400, 400)))
    at_s = moments(one)
    assert (at_s < 1200).mean() == pytest.approx(50 / 200, abs=0.01)


def test_shares_of_people_add_up_to_all_of_them() -> None:
    assert split(10, (0.333, 0.333, 0.334)) == [3, 3, 4]
    assert split(1, (0.5, 0.5)) == [1, 0]
    assert sum(split(7_777_777, (0.1, 0.2, 0.3, 0.4))) == 7_777_777


def test_groups_come_together_each_with_its_reminders() -> None:
    scenario = Scenario(
        "two",
        "two groups",
        EVENT,
        (
            Arrivals("steady", 0.75, until_s=600, reminded=1.0),
            Arrivals("steady", 0.25, from_s=600, reminded=0.0),
        ),
    )
    at_s, reminded = gather(np.random.default_rng(1), scenario)
    assert (np.diff(at_s) >= 0).all()
    assert reminded.sum() == 15_000
    assert reminded[at_s < 600].all()
    assert not reminded[at_s > 600].any()
