"""The plan: what a scenario needs, what binds, what it costs, and what one change would move."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from stentor.admission.ladder import BITS_LOWER, LANE_CEILINGS
from stentor.admission.lanes import LANE_PARTS, period_s
from stentor.rehearsal.demand import demand, remaining
from stentor.rehearsal.moved import carried, sensitivities
from stentor.rehearsal.plan import Part, Plan, attackers_cores, make_plan, planned_fleet
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.scenario import (
    Arrivals,
    Attack,
    Event,
    Fault,
    Fleet,
    Scenario,
    Staying,
)
from support.fleet_course import a_scenario


def _plan(scenario: Scenario, lane_parts: int | None = None) -> Plan:
    return make_plan(scenario, SHIPPED, lane_parts=lane_parts)


def _with(scenario: Scenario, **fleet: float) -> Scenario:
    return replace(scenario, fleet=replace(scenario.fleet, **fleet))


def test_everybody_who_comes_is_in_the_demand_and_stays_as_long_as_is_said() -> None:
    scenario = Scenario(
        "x", "", Event(100_000, 3600.0, 0.0), (Arrivals("steady"),), staying=Staying(60.0, 0.5)
    )
    asked = demand(scenario)
    assert asked.comes_per_s.sum() == pytest.approx(100_000)
    # Little's law: how many are there is how many come times how long they stay.
    mean_s = float(remaining(scenario.staying, 3600).sum())
    assert mean_s == pytest.approx(60 * np.exp(0.5**2 / 2), rel=0.02)
    assert asked.present[1800] == pytest.approx(100_000 / 3600 * mean_s, rel=0.01)


def test_nobody_listens_before_the_hour_or_after_the_end() -> None:
    scenario = replace(a_scenario(), event=Event(10_000, 3600.0, 600.0, 3000.0))
    asked = demand(scenario)
    assert not asked.listening[:599].any()
    assert asked.listening[601] > 0
    assert asked.present[500] > 0
    assert not asked.present[3000:].any()


def test_half_are_there_still_after_the_median_stay() -> None:
    left = remaining(Staying(median_s=300.0, sigma=1.2), 1000)
    assert left[299] == pytest.approx(0.5, abs=0.01)
    assert all(left[:-1] >= left[1:])


def test_more_listeners_never_need_fewer_machines() -> None:
    needed = [_plan(a_scenario(listeners=n)).machines for n in np.geomspace(1e3, 6.5e7, 40)]
    assert needed == sorted(needed)
    assert needed[-1] > 100 * needed[0] / 3


@pytest.mark.parametrize("thing", ["cores", "memory_gib", "network_gbit_per_s"])
def test_a_better_machine_never_needs_more_of_them(thing: str) -> None:
    scenario = a_scenario()
    better = _with(scenario, **{thing: 4 * getattr(scenario.fleet, thing)})
    for parts in LANE_PARTS:
        assert _plan(better, parts).machines <= _plan(scenario, parts).machines


@pytest.mark.parametrize(
    ("scenario", "lane", "binds"),
    [
        (a_scenario(), 48, "network"),
        (_with(a_scenario(), network_gbit_per_s=400.0), 1, "deliveries"),
        (_with(a_scenario(), network_gbit_per_s=400.0, memory_gib=1.0), 48, "memory"),
        (
            replace(
                _with(a_scenario(), network_gbit_per_s=400.0),
                arrivals=(Arrivals("ramp", from_s=600.0, until_s=630.0, spread_s=5.0),),
            ),
            48,
            "joins",
        ),
    ],
)
def test_what_is_scarce_is_what_binds(scenario: Scenario, lane: int, binds: str) -> None:
    assert _plan(scenario, lane).binds == binds


def _part(scenario: Scenario, name: str) -> Part:
    (found,) = [one for one in _plan(scenario).parts if one.name == name]
    return found


def test_joiners_have_what_the_scenario_s_settings_leave_them() -> None:
    scenario = _with(a_scenario(), network_gbit_per_s=400.0)
    cores, join_s = scenario.fleet.cores, SHIPPED.tls.join_s
    for share in (0.05, 0.5, 1.0):
        joins = _part(_with(scenario, join_share=share), "joins")
        assert joins.per_machine == pytest.approx(cores * share)
    few = _with(scenario, admissions_per_s_max=10.0)
    assert _part(few, "joins").per_machine == pytest.approx(cores * 10.0 * join_s)
    assert _plan(few).binds == "joins"
    assert _plan(few).machines >= _plan(few).peak_per_s / (cores * 10.0)
    ample = _with(scenario, admissions_per_s_max=1e6)
    assert _part(ample, "joins").per_machine == pytest.approx(cores * 0.5)


def test_a_process_uses_one_core_however_many_the_machine_has() -> None:
    whole, few = a_scenario(), _with(a_scenario(), edges=2)
    for name in ("deliveries", "joins", "cpu"):
        of_two, of_all = (_part(one, name).per_machine for one in (few, whole))
        assert of_two == pytest.approx(of_all * 2 / whole.fleet.cores), name


def test_the_network_is_counted_with_packets_up_to_where_joiners_get_a_lower_bitrate() -> None:
    scenario = a_scenario()
    plan = _plan(scenario, 3)
    (network,) = [one for one in plan.parts if one.name == "network"]
    assert network.per_machine == 10e9 * BITS_LOWER
    at_rest = plan.peak * 48_000 * SHIPPED.tls.overhead  # which is that of this lane
    assert at_rest <= network.needed <= 1.05 * at_rest  # the rest is what joiners get at once
    machines = -(-network.needed // network.per_machine)
    assert machines <= plan.machines < machines + scenario.fleet.regions
    assert plan.machines % scenario.fleet.regions == 0  # where as many people come from each


def test_deliveries_are_counted_up_to_the_ladders_ceiling_for_the_lane() -> None:
    scenario = a_scenario()
    for parts in LANE_PARTS[:-1]:
        (part,) = [one for one in _plan(scenario, parts).parts if one.name == "deliveries"]
        each_s = SHIPPED.tls.delivery_s[parts] / period_s(parts)
        assert part.per_machine == pytest.approx(scenario.fleet.cores * LANE_CEILINGS[parts])
        assert part.needed == pytest.approx(demand(scenario).peak * each_s)


def test_slower_lane_asks_for_fewer_cores() -> None:
    scenario = _with(a_scenario(), network_gbit_per_s=400.0)
    machines = [_plan(scenario, parts).machines for parts in LANE_PARTS]
    assert machines == sorted(machines, reverse=True)
    assert machines[0] > 5 * machines[-1]


def test_survivors_of_a_lost_region_carry_everybody() -> None:
    calm = a_scenario()
    struck = replace(calm, faults=(Fault("region-lost", 1200.0),))
    plan = _plan(struck)
    assert plan.lost == pytest.approx(1 / 3)
    assert plan.machines * (1 - plan.lost) >= _plan(calm).machines
    listeners, _ = carried(struck, SHIPPED, plan.machines)
    assert listeners >= demand(struck).peak


def test_listeners_cut_off_at_once_are_joins_again() -> None:
    calm = _with(a_scenario(), network_gbit_per_s=400.0)
    cut = replace(calm, faults=(Fault("cut", 1200.0),))
    joins = {
        name: next(part.needed for part in _plan(one).parts if part.name == "joins")
        for name, one in (("calm", calm), ("cut", cut))
    }
    assert joins["cut"] > 3 * joins["calm"]


def test_money_adds_up() -> None:
    scenario = replace(
        a_scenario(), prices=replace(a_scenario().prices, machine_hour=2.0, gigabyte=0.03)
    )
    plan = _plan(scenario)
    assert plan.machine_hours == plan.machines * 1.0
    assert plan.cost == pytest.approx(plan.machines * 2.0 + plan.bytes_sent / 1e9 * 0.03)
    # Everybody hears 48 kbit/s for as long as they are there.
    heard_s = float(demand(scenario).listening.sum())
    least = heard_s * 48_000 / 8
    assert 1.04 * least <= plan.bytes_sent <= 1.1 * SHIPPED.tls.overhead * least


def test_plan_that_is_followed_carries_the_crowd_and_one_machine_less_does_not() -> None:
    scenario = a_scenario()
    plan = _plan(scenario)
    assert carried(scenario, SHIPPED, plan.machines)[0] >= int(demand(scenario).peak)
    assert carried(scenario, SHIPPED, plan.machines - 1)[0] < demand(scenario).peak


def test_attackers_take_what_the_fleet_would_carry_and_are_a_figure_of_their_own() -> None:
    calm = a_scenario()
    flood = Attack("join-flood-many", 280.0, 60.0, per_s=400_000.0, waves=3)
    attacked = replace(calm, attacks=(flood,))
    plan = _plan(attacked)
    assert plan.machines == _plan(calm).machines == _plan(calm).attacked_machines
    assert plan.attacked_machines > 1.3 * plan.machines
    listeners, binds = carried(attacked, SHIPPED, plan.machines)
    assert binds == "joins"
    assert listeners < demand(attacked).peak / 1.3
    assert carried(attacked, SHIPPED, plan.attacked_machines)[0] >= int(demand(attacked).peak)
    # All of them are told their place; in the waves and at no other time.
    cores = attackers_cores(attacked, SHIPPED.tls, 600)
    assert cores.max() == pytest.approx(400_000 * SHIPPED.tls.place_s)
    assert np.count_nonzero(cores) == 30
    assert not cores[:280].any()
    more_cores = _with(attacked, cores=calm.fleet.cores * 2)
    assert _plan(more_cores).attacked_machines < plan.attacked_machines


def test_where_joins_run_out_more_of_the_cpu_for_them_moves_it_and_nothing_else_does() -> None:
    tight = _with(a_scenario(), join_share=0.05, network_gbit_per_s=400.0)
    moved = {one.change: one for one in sensitivities(tight, SHIPPED, _plan(tight).machines)}
    (share,) = [one for one in moved.values() if "for those who come" in one.change]
    assert share.moved == pytest.approx(0.5, abs=0.02)
    assert moved["64 GiB of memory each"].moved == 0
    assert not any("pace at the door" in one for one in moved)
    paced = _with(tight, admissions_per_s_max=1.0)
    moved = {one.change: one for one in sensitivities(paced, SHIPPED, 100)}
    assert moved["no fixed pace at the door"].moved > 1


def test_the_region_with_fewest_machines_decides_what_a_fleet_carries() -> None:
    """As many people come from each region, and to machines of their own."""
    scenario = a_scenario()
    two, three, five, six = (carried(scenario, SHIPPED, n)[0] for n in (2, 3, 5, 6))
    assert three == five == pytest.approx(six / 2, abs=2)
    assert two < three
    alike = _with(scenario, regions=1)
    assert carried(alike, SHIPPED, 5)[0] == pytest.approx(five * 5 / 3, abs=2)


def test_processes_are_as_many_as_descriptors_demand() -> None:
    wide = _with(a_scenario(), network_gbit_per_s=400.0, memory_gib=4096.0)
    plan = _plan(wide)
    each = plan.peak / plan.machines / plan.processes_per_machine
    assert each <= 20_000
    assert plan.processes_per_machine > wide.fleet.cores
    assert _plan(_with(wide, descriptors_per_process=1_000_000)).processes_per_machine == 8


def test_fleet_is_what_is_stated_or_a_share_of_what_is_needed() -> None:
    scenario = a_scenario()
    plan = _plan(scenario)
    assert planned_fleet(scenario, plan).machines == plan.machines
    assert planned_fleet(_with(scenario, machines=7), plan).machines == 7
    assert planned_fleet(_with(scenario, share=0.5), plan).machines == -(-plan.machines // 2)


def test_changes_move_what_binds_and_nothing_else_moves_anything() -> None:
    scenario = a_scenario()
    machines = _plan(scenario).machines
    found = {one.change: one for one in sensitivities(scenario, SHIPPED, machines)}
    assert found["an interface of 25 Gbit/s"].moved == pytest.approx(1.5, abs=0.02)
    assert found["24 instead of 48 kbit/s"].moved == pytest.approx(0.93, abs=0.03)
    assert found["6 more machines"].moved == pytest.approx(6 / machines, abs=0.01)
    assert found["one more core each"].moved == 0.0
    assert found["64 GiB of memory each"].moved == 0.0
    assert 0 < found["TLS ended by a front"].moved < 0.1
    assert found["an interface of 25 Gbit/s"].machines < _plan(scenario).machines


def test_without_room_on_the_network_cores_are_what_moves() -> None:
    scenario = replace(
        _with(a_scenario(), network_gbit_per_s=400.0, machines=40),
        programme=replace(a_scenario().programme, lane_ms_max=960),
    )
    found = {one.change: one for one in sensitivities(scenario, SHIPPED, 40)}
    assert found["one more core each"].moved == pytest.approx(1 / 8, abs=0.01)
    assert found["one more core each"].binds == "deliveries"
    assert found["costs half as much again as calibrated"].moved == pytest.approx(-1 / 3, abs=0.01)
    assert found["TLS ended by a front"].moved > 0.5


def test_plan_is_the_same_each_time() -> None:
    assert _plan(a_scenario()) == _plan(a_scenario())


def test_crowd_of_nobody_at_once_still_has_one_machine_a_region() -> None:
    scenario = replace(a_scenario(listeners=1), fleet=Fleet(regions=2))
    assert _plan(scenario).machines == 2
