"""The fleet in miniature: people, network and cores stay in proportion; more people find less."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stentor.rehearsal.answer import Probe
from stentor.rehearsal.miniature import CROWDS, miniature, probe, share_of
from stentor.simulate.fleet.calibration import SHIPPED, Costs
from stentor.simulate.fleet.scenario import Arrivals, Event, Fleet, Scenario, Staying
from support.fleet_course import a_scenario

FLEET = Fleet(machines=48)


def _small(machines: int = 48, **fleet: float) -> tuple[Scenario, float]:
    """Return the miniature of a changed fleet, and how much dearer work is in it."""
    scenario = replace(a_scenario(), fleet=replace(FLEET, machines=machines, **fleet))
    share = share_of(a_scenario(), FLEET)
    small, costs = miniature(scenario, SHIPPED, machines, FLEET, share)
    return small, costs.tls.join_s / SHIPPED.tls.join_s


def test_people_cores_and_network_stay_in_proportion() -> None:
    small, dearer = _small()
    share = 3 / (48 * 8)
    assert small.event.listeners == round(8_000_000 * share)
    assert (small.fleet.machines, small.fleet.cores) == (3, 1)
    assert small.fleet.network_gbit_per_s * 3 == pytest.approx(480 * share)
    assert small.fleet.memory_gib * 3 == pytest.approx(48 * 32 * share)
    assert dearer == pytest.approx(1.0)


def test_machines_that_were_added_bring_network_and_make_work_take_less() -> None:
    small, dearer = _small(machines=60)
    before, _ = _small()
    assert small.event.listeners == before.event.listeners
    assert small.fleet.network_gbit_per_s / before.fleet.network_gbit_per_s == pytest.approx(1.25)
    assert dearer == pytest.approx(0.8)


def test_a_core_that_was_added_makes_work_take_less_and_brings_no_network() -> None:
    small, dearer = _small(cores=16)
    before, _ = _small()
    assert small.fleet.network_gbit_per_s == pytest.approx(before.fleet.network_gbit_per_s)
    assert dearer == pytest.approx(0.5)


def test_where_work_takes_less_all_of_it_does_and_bytes_stay_what_they_are() -> None:
    costs = Costs(
        delivery_s={1: 8e-6, 48: 60e-6}, memory_bytes=24_000.0, overhead=1.1,
        **{name: 1e-4 for name in Costs.__struct_fields__ if name.endswith("_s")
           and name != "delivery_s"},
    )  # fmt: skip
    scenario = replace(a_scenario(), fleet=replace(FLEET, cores=16))
    known = replace(SHIPPED, plain=costs, tls=costs)
    _, small = miniature(scenario, known, 48, FLEET, share_of(a_scenario(), FLEET))
    for found in (small.plain, small.tls):
        assert found.delivery_s == {1: 4e-6, 48: 30e-6}
        for name in Costs.__struct_fields__:
            if name != "delivery_s":
                less = 0.5 if name.endswith("_s") else 1.0
                assert getattr(found, name) == pytest.approx(less * getattr(costs, name)), name


def test_fleet_that_is_small_already_is_as_it_is() -> None:
    scenario = a_scenario(listeners=10_000)
    tiny = Fleet(machines=3, cores=1)
    assert share_of(scenario, tiny) == 1.0
    small, costs = miniature(replace(scenario, fleet=tiny), SHIPPED, 3, tiny, 1.0)
    assert small.event.listeners == 10_000
    assert small.fleet == tiny
    assert costs == SHIPPED


@pytest.fixture(scope="module")
def probes() -> list[Probe]:
    scenario = Scenario(
        "short",
        "",
        Event(4_000, lasts_s=60.0, hour_s=0.0),
        (Arrivals("steady", until_s=30.0),),
        staying=Staying(median_s=7_200.0),
    )
    fleet = Fleet(machines=2, regions=2, cores=1, network_gbit_per_s=0.16, memory_gib=4.0)
    return list(probe(replace(scenario, fleet=fleet), fleet, SHIPPED, 1))


def test_each_larger_crowd_is_simulated_and_the_smaller_ones_after_it(probes: list[Probe]) -> None:
    plain = [one for one in probes if not one.change]
    assert [one.crowd for one in plain] == sorted(CROWDS, reverse=True)
    assert [one.people for one in plain] == [round(4_000 * crowd) for crowd in reversed(CROWDS)]


def test_more_people_before_the_same_fleet_never_find_more_room(probes: list[Probe]) -> None:
    peaks = [one.peak for one in probes if not one.change]
    assert peaks[0] < peaks[-1]  # of three times the crowd fewer listen at once


def test_faster_interface_lets_more_listen_where_the_network_is_short(
    probes: list[Probe],
) -> None:
    found = {one.change: one for one in probes if one.change}
    (faster,) = [one for name, one in found.items() if name.startswith("an interface")]
    (as_it_is,) = [one for one in probes if not one.change and one.crowd == faster.crowd]
    assert faster.peak > as_it_is.peak
