"""Every scenario of the project runs, at small size and within minutes."""

from pathlib import Path

import pytest

from stentor.simulate.fleet.reading import check, read
from stentor.simulate.fleet.scenario import scaled
from support.fleet import SMALL, course, hurried

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.toml"))
LISTENERS, LASTS_S = 800, 150


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_runs_and_everybody_is_accounted_for(path: Path) -> None:
    scenario = scaled(read(path.read_text()), LISTENERS)
    scenario = hurried(scenario, scenario.event.lasts_s / LASTS_S)
    check(scenario)
    found = course(scenario, SMALL)
    counts = found.counts
    ended = {name: n for name, n in counts.items() if name.startswith("at_end_")}
    assert sum(ended.values()) == LISTENERS
    assert counts["people"] + counts.get("late", 0) + ended["at_end_away"] == LISTENERS
    assert counts["heard"] + counts["never_heard"] == counts["people"]
    # A fleet with room to spare lets everybody hear, whatever is done to it.
    assert counts["never_heard"] <= LISTENERS // 100
    assert (counts.get("bots", 0) > 0) is bool(scenario.attacks)
    assert (counts.get("cut", 0) > 0) is any(
        one.kind in ("edges-lost", "region-lost", "cut") for one in scenario.faults
    )
