"""The table of a scenario's keys is whole, and the guide to rehearsing has it as it is."""

from pathlib import Path

import msgspec

from stentor.simulate.fleet.keys import ABOUT, markdown
from stentor.simulate.fleet.reading import read
from stentor.simulate.fleet.scenario import Scenario

GUIDE = Path(__file__).parents[3] / "docs/rehearsing.md"


def test_every_key_is_told() -> None:
    tables = {field.name for field in msgspec.structs.fields(Scenario)} - set(ABOUT[Scenario])
    assert tables == {
        "event", "arrivals", "staying", "programme", "fleet", "faults", "attacks", "prices",
    }  # fmt: skip
    for kind, about in ABOUT.items():
        if kind is not Scenario:
            assert set(about) == {field.name for field in msgspec.structs.fields(kind)}, kind


def test_the_guide_to_rehearsing_has_this_table() -> None:
    assert markdown() in GUIDE.read_text(), "put keys.markdown() into docs/rehearsing.md, Scenarios"


def test_the_guide_s_example_is_a_scenario() -> None:
    example = GUIDE.read_text().partition("### Writing one")[2].partition("```toml\n")[2]
    scenario = read(example.partition("```")[0])
    assert len(scenario.arrivals) == 2
    assert scenario.faults[0].kind == "edges-lost"
