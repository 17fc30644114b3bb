"""What a simulation needs is known before it begins, and is what it takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stentor.base.errors import UsageError
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.need import Need, check_fits, need
from stentor.simulate.fleet.scenario import Arrivals, Attack, Event, Fleet, Scenario

_RUN = """
from pathlib import Path
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.run import simulate
from stentor.simulate.fleet.scenario import Arrivals, Event, Fleet, Scenario
groups = (Arrivals("steady", share=0.5, until_s=12), Arrivals("crowd", share=0.5))
scenario = Scenario("a", "b", Event({n}, lasts_s=12, hour_s=1), groups)
simulate(scenario, Fleet(machines=60), SHIPPED, 1)
# Not ru_maxrss: that begins with what the process had that started this one.
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) * 1024)
"""


def a_scenario(n: int, *, attacked: bool = False) -> Scenario:
    groups = (Arrivals("steady", share=0.5, until_s=12), Arrivals("crowd", share=0.5))
    attacks = (Attack("join-flood-many", 1, 2, 1000),) if attacked else ()
    return Scenario("a", "b", Event(n, lasts_s=12, hour_s=1), groups, attacks=attacks)


def test_simulation_takes_the_memory_that_was_expected() -> None:
    n = 1_000_000
    expected = need(a_scenario(n), Fleet(machines=60), SHIPPED).memory_bytes
    ran = subprocess.run(
        [sys.executable, "-c", _RUN.format(n=n)], capture_output=True, text=True, check=True
    )
    assert 0.6 < int(ran.stdout) / expected < 1.1


def test_need_grows_with_people_edges_and_time() -> None:
    small = need(a_scenario(1_000), Fleet(machines=1), SHIPPED)
    people = need(a_scenario(1_000_000), Fleet(machines=1, edges=8), SHIPPED)
    edges = need(a_scenario(1_000), Fleet(machines=100), SHIPPED)
    attacked = need(a_scenario(1_000, attacked=True), Fleet(machines=1), SHIPPED)
    for larger in (people, edges, attacked):
        assert larger.memory_bytes > small.memory_bytes
        assert larger.cpu_s > small.cpu_s


def test_who_has_too_little_memory_is_told_how_much_would_be_needed() -> None:
    check_fits(Need(4e9, 1.0), 5e9)
    with pytest.raises(UsageError, match=r"about 9\.5 GB of memory, and 5\.0 GB are there"):
        check_fits(Need(9.5e9, 1.0), 5e9)
