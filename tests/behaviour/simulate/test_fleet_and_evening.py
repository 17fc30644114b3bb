"""Two models of the same evening, made apart from each other, come to the same waits.

`simulate.evening` has an object for each person and a heap of events; the fleet has arrays and a
queue by Lindley's recursion. Costs are those of an `events.Machine`; where they are so high that a
second's chance matters, evenings are taken together.
"""

from __future__ import annotations

from dataclasses import replace as changed

import numpy as np
import pytest
from msgspec.structs import replace

from stentor.simulate.costs import COST, JOIN_SHARE
from stentor.simulate.evening import Evening
from stentor.simulate.events import Event as SmallEvent
from stentor.simulate.events import Machine, Noise, People
from stentor.simulate.fleet.arrivals import crowd
from stentor.simulate.fleet.calibration import SHIPPED, Costs
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.run import simulate
from stentor.simulate.fleet.scenario import Arrivals, Event, Fleet, Programme, Scenario, Staying
from stentor.simulate.scene import Person

HOUR_S, ENDS_S, SHARP_S = 35.0, 100.0, 10.0
SEEDS = (1, 2, 3)
NOT_IN_A_HURRY_S = 1e6
# No network comes too often, and nobody is moved to another lane: the small evening knows no moves.
MACHINE = Machine(
    edges=2,
    joins_per_s=40,
    listeners_max=2_000_000,
    network_per_s=1e6,
    network_burst=1e6,
    network_joins_per_s=1e5,
    joins_burst=100_000,
    queue_s=1e6,  # the fleet knows no queue that is full
)


def small(n: int, machine: Machine) -> list[Person]:
    """Return the people of a few small evenings."""
    people = People(
        n,
        "hour",
        SHARP_S,
        reminded=0,
        bad_radio=0,
        visits=0,
        patience_s=NOT_IN_A_HURRY_S,
        stays_s=NOT_IN_A_HURRY_S,
    )
    found = []
    for seed in SEEDS:
        event = SmallEvent(
            seed, "crowd", people, machine, Noise(0, 0, 0), hour_s=HOUR_S, end_s=ENDS_S
        )
        found += Evening(event, shielded=False).run().people
    return found


def large(n: int, machine: Machine) -> list[Course]:
    """Return the courses of the same evenings before a fleet of one machine."""
    join_s = machine.edges * JOIN_SHARE / machine.joins_per_s
    delivery_s = 0.84 * 15.36 * machine.edges / machine.listeners_max
    costs = Costs(
        delivery_s={1: delivery_s, 48: delivery_s},
        join_s=join_s,
        place_s=COST["place"] * join_s,
        page_s=COST["page"] * join_s,
        memory_bytes=1000,
        overhead=1.1,
        notice_s=COST["notice"] * join_s,
    )
    calibration = replace(SHIPPED, plain=costs, edge_s=0.0, first_audio_s=0.0)
    curve = crowd(Arrivals("crowd", spread_s=SHARP_S), Event(n, lasts_s=ENDS_S, hour_s=HOUR_S))
    points = tuple(zip(*(one.tolist() for one in curve), strict=True))
    scenario = Scenario(
        "the same evening",
        "",
        Event(n, lasts_s=ENDS_S, hour_s=0),
        (Arrivals("course", points=points),),
        programme=Programme(tls=False),
        staying=Staying(NOT_IN_A_HURRY_S, 0.1, NOT_IN_A_HURRY_S, visits=0.0),
    )
    fleet = Fleet(
        machines=1,
        regions=1,
        cores=machine.edges,
        edges=machine.edges,
        network_gbit_per_s=1000,
        descriptors_per_process=machine.descriptors // machine.edges + 500,
        door_network_per_s=0,
    )
    return [simulate(scenario, fleet, calibration, seed) for seed in SEEDS]


def spread(courses: list[Course], name: str, share: float) -> float:
    """Return a quantile of all courses together."""
    first = courses[0].people[name]
    counts = np.sum([one.people[name].counts for one in courses], axis=0)
    at = int(np.searchsorted(np.cumsum(counts), share * counts.sum()))
    return float(first.edges[at + 1])


def test_crowd_that_comes_faster_than_it_is_looked_at_waits_as_long_in_both() -> None:
    people, courses = small(2_000, MACHINE), large(2_000, MACHINE)
    audio_s = [one.audio_s - one.first_s for one in people if one.audio_s >= 0]
    heard = sum(one.counts["heard"] for one in courses)
    assert heard == pytest.approx(len(audio_s), rel=0.03)
    for share in (0.75, 0.9, 0.95):
        expected = np.quantile(audio_s, share)
        assert spread(courses, "first_audio_s", share) == pytest.approx(expected, rel=0.25)


def test_full_house_lets_as_many_in_and_the_others_wait_in_both() -> None:
    machine = changed(MACHINE, descriptors=1_000)
    people, courses = small(2_000, machine), large(2_000, machine)
    heard = sum(one.audio_s >= 0 for one in people)
    # To the fleet, who waits to be looked at holds a descriptor already.
    assert sum(one.counts["heard"] for one in courses) == pytest.approx(heard, rel=0.1)
    # A page of the fleet gives up on an answer after 6 s, one of the small evening after 8.
    told = sum(one.told_s >= 0 for one in people)
    assert sum(one.counts["places"] for one in courses) == pytest.approx(told, rel=0.2)


def test_crowd_that_fits_is_heard_at_once_in_both() -> None:
    people, courses = small(600, MACHINE), large(600, MACHINE)
    audio_s = [one.audio_s - one.first_s for one in people]
    assert sum(one.counts["heard"] for one in courses) == len(audio_s) == 600 * len(SEEDS)
    assert np.quantile(audio_s, 0.9) < 0.15
    assert spread(courses, "first_audio_s", 0.9) < 0.15
