"""The scenarios that come with the project: readable, commented, and with sources."""

from pathlib import Path

import pytest

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
