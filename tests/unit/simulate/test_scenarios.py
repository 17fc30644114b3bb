"""The scenarios that come with the project: readable, commented, and with sources."""

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from stentor.simulate.fleet.arrivals import course
from stentor.simulate.fleet.reading import check, read
from stentor.simulate.fleet.scenario import scaled

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.toml"))


def test_there_are_all_that_a_rehearsal_is_for() -> None:
    assert {path.stem for path in SCENARIOS} >= {
        "interview-on-the-hour",
        "slow-town-hall",
        "breaking-news",
        "mass-exit",
        "mass-rejoin",
        "third-of-edges-lost",
        "region-lost",
        "control-dead",
        "attack-before-at-after",
        "half-fleet",
        "august-2024",
    }


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_each_says_what_it_is_and_where_its_figures_are_from(path: Path) -> None:
    text = path.read_text()
    scenario = read(text)
    assert scenario.name == path.stem
    assert scenario.about
    assert scenario.sources
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert len(comments) >= 4
    assert "ours" in text.lower() or "Ours" in text


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
@pytest.mark.parametrize("listeners", [1, 2_000, 65_000_000])
def test_each_makes_sense_at_every_size(path: Path, listeners: int) -> None:
    check(scaled(read(path.read_text()), listeners))


def test_august_2024_has_as_many_inside_as_were_published() -> None:
    """At 20:00 about 100,000, at 21:40 the peak, of those who come and stay as it says."""
    path = next(path for path in SCENARIOS if path.stem == "august-2024")
    scenario = read(path.read_text())
    at_s, people = course(scenario.arrivals[0], scenario.event)
    seconds = np.arange(0, scenario.event.lasts_s + 1, 10)
    come = np.diff(np.interp(seconds, at_s, people), prepend=0.0)
    spread = NormalDist(math.log(scenario.staying.median_s), scenario.staying.sigma)
    stays = np.array([1 - spread.cdf(math.log(past + 5)) for past in seconds])
    inside = np.convolve(come, stays)[: len(seconds)]
    assert inside[60] == pytest.approx(100_000, rel=0.05)
    assert inside.max() == pytest.approx(1_324_994, rel=0.02)
    assert 6_300 <= seconds[inside.argmax()] <= 6_900  # around 21:40
