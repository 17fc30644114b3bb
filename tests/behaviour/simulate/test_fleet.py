"""A simulated fleet: nobody is lost, the same seed is the same evening, and promises are kept."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from stentor.admission.ladder import Step
from stentor.admission.tickets import Kind
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.homes import BEHIND_CARRIER, NETWORKS
from stentor.simulate.fleet.lines import BEGINS_MS
from stentor.simulate.fleet.people import State
from stentor.simulate.fleet.run import Run, simulate
from stentor.simulate.fleet.scenario import (
    Arrivals,
    Event,
    Fault,
    Fleet,
    Programme,
    Scenario,
    Staying,
)

STAY = Staying(median_s=90.0, sigma=1.0, patience_s=1e4, visits=0.0)
HOUSE = Fleet(machines=1, regions=1, cores=2, edges=2, descriptors_per_process=900)
CROWD = Scenario(
    "a crowd before a small house",
    "",
    Event(3_000, lasts_s=150, hour_s=10),
    (
        Arrivals("steady", share=0.25, until_s=20),
        Arrivals("steady", share=0.75, from_s=40, until_s=90),
    ),
    staying=STAY,
    programme=Programme(tls=False),
)


def digest(course: Course) -> bytes:
    columns = [*course.seconds.values(), course.lanes, *course.percentiles.values()]
    columns += [one.counts for one in course.people.values()]
    return b"".join(column.tobytes() for column in columns) + repr(course.counts).encode()


def within(course: Course, share: float) -> float:
    """Return for how many of those who had a promise the wait was so close to it."""
    spread = course.people["wait_error"]
    middle = (spread.edges[1:] + spread.edges[:-1]) / 2
    return float(spread.counts[np.abs(middle) <= share].sum() / spread.counts.sum())


@pytest.fixture(scope="module")
def full() -> Course:
    return simulate(CROWD, HOUSE, SHIPPED, 5)


def test_everybody_is_in_exactly_one_state_at_every_second() -> None:
    broken = replace(
        CROWD,
        faults=(Fault("cut", 50, share=0.5), Fault("edges-lost", 60, for_s=20, share=0.5)),
    )
    run = Run(broken, HOUSE, SHIPPED, 5)
    seen = []

    def look(second: int, _of: int) -> None:
        scene = run.scene
        people, edges = scene.people, scene.edges
        by_state = np.bincount(people.state, minlength=len(State))
        assert by_state.sum() == len(people)
        listening = people.state == State.LISTENS
        at = people.edge[listening].astype(int) * edges.present.shape[1] + people.lane[listening]
        by_lane = np.bincount(at, minlength=edges.present.size).reshape(edges.present.shape)
        assert (by_lane == edges.present).all()
        assert (edges.present >= 0).all()
        assert (edges.present_lower <= edges.present).all()
        assert not edges.present[~edges.alive].any()
        column = run.scene.counting.seconds
        assert column["listeners"][second - 1] == by_state[State.LISTENS]
        assert column["waiting"][second - 1] == by_state[State.WAITS]
        seen.append(second)

    course = run.course(look)
    assert len(seen) == 150
    counts = course.counts
    ended = sum(n for name, n in counts.items() if name.startswith("at_end_"))
    assert ended == CROWD.event.listeners
    assert counts["returned"] > 0.7 * counts["cut"] > 100
    assert counts["returned"] + counts["at_end_lost"] <= counts["cut"]


def test_same_seed_gives_the_same_bytes_whoever_looks_on(full: Course) -> None:
    told: list[int] = []
    again = simulate(CROWD, HOUSE, SHIPPED, 5, lambda second, _of: told.append(second))
    assert digest(again) == digest(full)
    assert told == list(range(1, 151))
    assert digest(simulate(CROWD, HOUSE, SHIPPED, 6)) != digest(full)


def test_full_house_holds_a_line_and_what_it_announces(full: Course) -> None:
    seconds = full.seconds
    assert seconds["step_worst"].max() == Step.LINE
    assert seconds["waiting"].max() > 800
    assert seconds["descriptors_worst"].max() <= 1.0
    assert full.people["wait_s"].counts.sum() > 400
    assert within(full, 0.2) > 0.75
    assert full.people["served_audio_s"].at(0.5) < 3


def test_nobody_present_is_harmed_by_those_who_come(full: Course) -> None:
    assert full.counts.get("stalled", 0) == 0
    assert full.seconds["stalling"].max() == 0
    assert full.counts.get("cut", 0) == 0


def test_house_that_is_large_enough_has_no_line_and_audio_at_once() -> None:
    course = simulate(CROWD, replace(HOUSE, descriptors_per_process=9_000), SHIPPED, 5)
    assert course.counts["heard"] == 3_000
    assert course.seconds["waiting"].max() == 0
    assert course.people["first_audio_s"].at(0.95) < 0.5


def test_half_a_fleet_keeps_whom_it_has_and_lets_the_others_wait(full: Course) -> None:
    half = simulate(CROWD, replace(HOUSE, edges=1, cores=1), SHIPPED, 5)
    assert half.counts.get("stalled", 0) == 0
    assert half.seconds["waiting"].max() > full.seconds["waiting"].max()
    assert half.seconds["listeners"].max() == pytest.approx(
        full.seconds["listeners"].max() / 2, rel=0.1
    )
    assert half.counts["heard"] < 0.75 * full.counts["heard"]


def test_twice_the_people_before_twice_the_machines_fare_alike() -> None:
    crowd = replace(CROWD, event=replace(CROWD.event, listeners=6_000))
    one = simulate(crowd, replace(HOUSE, machines=2), SHIPPED, 5)
    crowd = replace(CROWD, event=replace(CROWD.event, listeners=12_000))
    two = simulate(crowd, replace(HOUSE, machines=4), SHIPPED, 5)
    for name in ("listeners", "waiting", "deliveries_cpu"):
        scale = 1 if name == "deliveries_cpu" else 2
        assert two.seconds[name].max() == pytest.approx(scale * one.seconds[name].max(), rel=0.1)
    assert two.people["wait_s"].at(0.5) == pytest.approx(one.people["wait_s"].at(0.5), rel=0.15)


def test_who_is_cut_off_is_back_at_once_though_there_is_a_line() -> None:
    cut = replace(CROWD, faults=(Fault("cut", 80, share=0.3),))
    course = simulate(cut, HOUSE, SHIPPED, 5)
    assert course.seconds["waiting"][85] > 500
    assert course.counts["cut"] > 200
    assert course.people["back_s"].counts.sum() > 0.85 * course.counts["cut"]
    assert course.people["back_s"].at(0.9) < 5


def test_slow_edge_that_cannot_deliver_in_time_is_seen_in_stalls() -> None:
    slow = replace(CROWD, faults=(Fault("slow", 60, factor=300.0),))
    course = simulate(slow, HOUSE, SHIPPED, 5)
    assert course.counts["stalled"] > 500
    assert course.people["stalled_s"].at(0.5) > 0.1
    assert course.seconds["stalling"][:60].max() == 0


def test_network_that_is_too_small_is_filled_and_no_more() -> None:
    narrow = replace(HOUSE, descriptors_per_process=9_000, network_gbit_per_s=0.03)
    course = simulate(CROWD, narrow, SHIPPED, 5)
    assert course.seconds["network_worst"].max() > 0.9
    # The ladder sees it coming, before anybody stalls: a lower bitrate, then a line.
    assert course.seconds["network_worst"].max() < 1
    assert course.counts.get("stalled", 0) == 0
    assert course.seconds["step_worst"].max() >= Step.LOWER
    assert course.seconds["listeners"].max() < 1_300


def test_who_is_given_the_lower_bitrate_gets_the_burst_of_that() -> None:
    sent = []
    for lower in (False, True):
        run = Run(CROWD, HOUSE, SHIPPED, 5)
        run.scene.edges.lower[:] = lower
        bursts = 0.0
        for tick in range(8):
            run._tick(tick)
            bursts += run._serving.welcomes_bits.sum()
        sent.append(bursts)
    programme = CROWD.programme
    assert sent[0] > 0
    assert sent[1] == pytest.approx(sent[0] * programme.lower_bits_per_s / programme.bits_per_s)


@pytest.mark.parametrize("cost", ["beside_s", "wake_s"])
def test_who_comes_to_an_idle_edge_costs_it_more_than_the_joiners_share(cost: str) -> None:
    large = replace(HOUSE, descriptors_per_process=9_000)
    dear = replace(SHIPPED, plain=replace(SHIPPED.plain, **{cost: 0.005}))
    usual, more = (simulate(CROWD, large, one, 5) for one in (SHIPPED, dear))
    cpu_s = large.cores * (more.seconds["cpu"].sum() - usual.seconds["cpu"].sum())
    assert cpu_s == pytest.approx(0.005 * usual.counts["joined"], rel=0.05)


def test_fleet_of_fewer_machines_than_regions_takes_everybody() -> None:
    course = simulate(CROWD, Fleet(machines=1, regions=3, cores=2), SHIPPED, 5)
    assert course.counts["heard"] == 3_000


def test_memory_that_is_full_makes_a_line_and_stays_as_full_as_it_is() -> None:
    small = replace(HOUSE, descriptors_per_process=9_000, memory_gib=0.5)
    large = replace(SHIPPED, plain=replace(SHIPPED.plain, memory_bytes=400_000.0))
    course = simulate(CROWD, small, large, 5)
    memory = course.seconds["memory_worst"]
    assert course.seconds["waiting"].max() > 800
    assert 0.95 < memory.max() < 1.05
    assert memory[60:].min() > 0.9


def test_conversation_that_ends_sends_all_home() -> None:
    over = replace(CROWD, event=replace(CROWD.event, ends_s=120))
    course = simulate(over, HOUSE, SHIPPED, 5)
    assert course.seconds["listeners"][122:].max() == 0
    assert course.seconds["listeners"][118] > 500


def test_present_listeners_are_moved_to_slower_lanes_by_advice() -> None:
    crowd = Scenario(
        "two waves",
        "",
        Event(12_000, lasts_s=130, hour_s=1),
        (
            Arrivals("steady", share=0.4, until_s=10),
            Arrivals("steady", share=0.6, from_s=40, until_s=60),
        ),
        staying=replace(STAY, median_s=1e4),
    )
    course = simulate(crowd, replace(HOUSE, descriptors_per_process=9_000), SHIPPED, 5)
    assert course.lanes[60, 0] > 6_000
    assert course.counts["moved"] > 5_000
    assert course.lanes[129, 0] < 1_000
    assert course.seconds["listeners"][129] == 12_000
    assert course.counts.get("stalled", 0) == 0


def test_who_comes_from_where_very_many_come_from_stands_further_back() -> None:
    slow = replace(HOUSE, door_network_per_s=1.0)
    run = Run(CROWD, slow, SHIPPED, 5)
    run.course()
    people = run.scene.people
    waits = people.state == State.WAITS
    shared = people.network < NETWORKS * BEHIND_CARRIER
    assert np.count_nonzero(waits & shared) > 50
    behind_s = (people.place_ms - people.came_ms.astype(np.int64) - BEGINS_MS) / 1000
    assert np.median(behind_s[waits & shared]) > 10
    assert np.median(behind_s[waits & ~shared]) < 5


def test_who_asked_beforehand_is_not_put_in_line() -> None:
    asked = (replace(CROWD.arrivals[0]), replace(CROWD.arrivals[1], reminded=0.05))
    run = Run(replace(CROWD, arrivals=asked), HOUSE, SHIPPED, 5)
    reminded = run.scene.people.ticket == Kind.REMINDER
    run.course()
    heard = run.scene.people.heard
    assert np.count_nonzero(reminded) > 80
    assert heard[reminded].mean() > 0.95
    assert heard[~reminded].mean() < 0.85


def test_whose_turn_it_is_waits_in_line_as_long_as_there_is_no_room() -> None:
    """Those who asked beforehand, too: what they are told counts as announced, kept or not."""
    asked = (CROWD.arrivals[0], replace(CROWD.arrivals[1], reminded=1.0))
    staying = replace(STAY, patience_s=30.0)
    course = simulate(replace(CROWD, arrivals=asked, staying=staying), HOUSE, SHIPPED, 5)
    assert course.counts["standby"] > 800
    assert course.counts["again"] < 200, "nobody is told to come in a moment, again and again"
    assert course.seconds["waiting"].max() > 800
    assert course.counts["gave_up"] > 800
    assert course.people["first_audio_s"].at(1.0) < 3
    assert course.people["wait_error"].counts.sum() > 400
