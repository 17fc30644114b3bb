"""A scenario from TOML, or one sentence about what is wrong with it; never anything else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.base.errors import UsageError
from stentor.simulate.fleet.limits import LIMITS
from stentor.simulate.fleet.reading import read
from stentor.simulate.fleet.scenario import Scenario, scaled

GOOD = """
name = "two-groups"
about = "some by the clock, some by the news"

[event]
listeners = 100_000
lasts_s = 1800
hour_s = 300

[[arrivals]]
model = "crowd"
share = 0.8
reminded = 0.3

[[arrivals]]
model = "course"
share = 0.2
points = [[0, 0], [900, 50], [1800, 60]]

[fleet]
machines = 6

[[faults]]
kind = "edges-lost"
at_s = 400
share = 0.34

[[attacks]]
family = "join-flood-many"
from_s = 200
for_s = 300
per_s = 40_000
waves = 3
"""


def refused(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(text)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 600
    return said


def test_a_good_scenario_is_read_as_it_stands() -> None:
    scenario = read(GOOD)
    assert scenario.event.listeners == 100_000
    assert [one.model for one in scenario.arrivals] == ["crowd", "course"]
    assert scenario.attacks[0].waves == 3
    assert scenario.faults[0].share == 0.34


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("listeners =", "listners =", "did you mean listeners?"),
        ("[fleet]", "[fleets]", "did you mean fleet?"),
        ("share = 0.8", "shard = 0.8", "'arrivals[1].shard'"),
        ("listeners = 100_000", "listeners = -5", "must be 1 to 100,000,000"),
        ("listeners = 100_000", "listeners = 8_000_000_000", "100,000,000"),
        ("listeners = 100_000", 'listeners = "many"', "a whole number"),
        ("listeners = 100_000", "", "event lacks listeners"),
        ("lasts_s = 1800", "lasts_s = 90_000", "10 to 86,400"),
        ("lasts_s = 1800", "lasts_s = inf", "10 to 86,400"),
        ("lasts_s = 1800", "lasts_s = nan", "10 to 86,400"),
        ("hour_s = 300", "hour_s = 1800", "all is over"),
        ("hour_s = 300", "hour_s = 300\nends_s = 100", "after hour_s"),
        ('model = "crowd"', 'model = "crowds"', "did you mean crowd?"),
        ("share = 0.8", "share = 0.7", "add up to 0.9"),
        ("share = 0.8", "share = 0.8\nfrom_s = 400\nuntil_s = 399", "a second at least"),
        ("share = 0.8", "share = 0.8\npoints = [[0, 0], [1, 1]]", "belong to the model course"),
        ("[[0, 0], [900, 50], [1800, 60]]", "[[0, 0]]", "2 to 1,000"),
        ("[[0, 0], [900, 50], [1800, 60]]", "[[0, 9], [900, 5]]", "un-come"),
        ("[[0, 0], [900, 50], [1800, 60]]", "[[0, 5], [900, 5]]", "nobody comes"),
        ("[[0, 0], [900, 50], [1800, 60]]", "[[0, 5], [900, inf]]", "endless"),
        ("[[0, 0], [900, 50], [1800, 60]]", "[[0, 5], [9]]", "points[2]"),
        ("machines = 6", "machines = 2", "3 regions"),
        ("machines = 6", "machines = 60_000\ncores = 500", "65,535 cores"),
        ('"edges-lost"', '"edge-lost"', "did you mean edges-lost?"),
        ('"edges-lost"', '"flood"', "there are control-dead, cut"),
        ("at_s = 400", "at_s = 1900", "all is over"),
        ("at_s = 400", "at_s = 400\nfor_s = 1500", "all is over"),
        ("share = 0.34", "share = 1.5", "0.0001 to 1"),
        ('"join-flood-many"', '"syn-flood"', "does not exist"),
        ('"join-flood-many"', '"perfect-mimic"', "are people"),
        ('"join-flood-many"', '"malformed"', "is called malformed-flood now."),
        ('"join-flood-many"', '"mimic-with-audio"', "is called mimic now."),
        ("per_s = 40_000", "per_s = 1e12", "0.001 to 100,000,000"),
        ("per_s = 40_000", "per_s = 0", "0.001 to"),
        ("waves = 3", "waves = 5_000", "a wave takes a second"),
        ('name = "two-groups"', 'name = " "', "name is empty"),
        ("name =", "name 3", "not TOML"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in refused(GOOD.replace(old, new, 1))


def test_a_scenario_without_arrivals_says_what_to_write() -> None:
    text = 'name = "x"\nabout = "y"\narrivals = []\n[event]\nlisteners = 5\n'
    assert "[[arrivals]]" in refused(text)


def test_nesting_without_end_is_refused() -> None:
    assert "not TOML" in refused("a = " + "[" * 20_000)


def test_a_text_without_end_is_refused() -> None:
    assert "characters" in refused("#" * 100_000)


def test_every_figure_of_a_scenario_has_limits() -> None:
    for kind, limits in LIMITS.items():
        figures = {
            name
            for name, hint in kind.__annotations__.items()
            if hint in (int, float, float | None)
        }
        assert set(limits) == figures, kind


VALUES = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.text(max_size=8).map(lambda text: repr(text.encode("unicode_escape").decode())),
    st.sampled_from(["[]", "[[]]", "{}", "[1]", '"crowd"', "1979-05-27", "1e400", "-0.0"]),
)
LINES = GOOD.splitlines()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), VALUES), min_size=1, max_size=3))
def test_a_scenario_with_any_values_is_read_or_refused(changes: list) -> None:
    lines = LINES.copy()
    for at, value in changes:
        key, equals, _ = lines[at].partition(" = ")
        lines[at] = f"{key} = {str(value).lower()}" if equals else lines[at] + str(value)
    read_or_refused("\n".join(lines))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="[]{}=\"'\n.,#-_ aesn019\u00e9\x00", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refused(text)
    read_or_refused(GOOD + text)
    read_or_refused(text + GOOD)


def read_or_refused(text: str) -> None:
    said = None
    try:
        scenario = read(text)
    except UsageError as error:
        said = str(error)
    if said is None:
        assert isinstance(scenario, Scenario)
    else:
        assert "\n" not in said
        assert 10 < len(said) < 2_500


def test_a_scaled_scenario_keeps_its_shape() -> None:
    small = scaled(read(GOOD), 10_000)
    assert small.event.listeners == 10_000
    assert small.attacks[0].per_s == 4_000
    assert small.attacks[0].addresses == 1_000
    assert small.fleet.machines == 3  # one in each region, though a tenth of six would be one
    assert small.arrivals == read(GOOD).arrivals
    large = scaled(read(GOOD), 1_000_000)
    assert large.fleet.machines == 60
