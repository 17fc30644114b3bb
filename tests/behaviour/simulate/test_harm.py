"""Each fault and each attack does to a simulated fleet what it is named for, and only that."""

import msgspec
import numpy as np
import pytest

from stentor.rehearsal.answer import Outcome
from stentor.rehearsal.found import promises
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.plan import make_plan
from stentor.rehearsal.wording import whole
from stentor.simulate.fleet.attacking import Attacking
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.knocks import NOBODY
from stentor.simulate.fleet.people import NEVER, State
from stentor.simulate.fleet.retrying import HEAD_S
from stentor.simulate.fleet.run import Run
from stentor.simulate.fleet.scenario import (
    Arrivals,
    Attack,
    Event,
    Fault,
    Fleet,
    Programme,
    Scenario,
    Staying,
)
from support.fleet import SMALL, course, evening

AT_S = 70


@pytest.fixture(scope="module")
def quiet() -> Course:
    """The same evening, and nothing goes wrong."""
    return course(evening())


def same_until(one: Course, other: Course, second: int) -> bool:
    return all(
        np.array_equal(one.seconds[name][:second], other.seconds[name][:second])
        for name in one.seconds
    )


def cut_share(found: Course) -> float:
    return found.counts["cut"] / found.seconds["listeners"][AT_S - 1]


def test_lost_edges_cost_their_own_listeners_a_moment_and_nobody_else(quiet: Course) -> None:
    found = course(evening(Fault("edges-lost", AT_S, share=0.34)))
    assert same_until(found, quiet, AT_S)
    assert found.seconds["edges"][AT_S - 1] == 6
    assert found.seconds["edges"][AT_S + 1] == 4
    assert 0.25 < cut_share(found) < 0.42
    assert found.counts["returned"] == found.counts["cut"]
    assert found.people["back_s"].at(0.99) < 2
    assert found.seconds["listeners"][AT_S + 5] == quiet.seconds["listeners"][AT_S + 5]


def test_a_lost_region_is_noticed_by_its_silence_and_its_people_come_back_elsewhere(
    quiet: Course,
) -> None:
    late = (Arrivals("steady", 0.2, from_s=100, until_s=115),)
    found = course(evening(Fault("region-lost", AT_S, for_s=20), more=late))
    assert found.seconds["edges"][[AT_S - 1, AT_S + 5, AT_S + 25]].tolist() == [6, 4, 6]
    assert 0.25 < cut_share(found) < 0.42
    assert found.counts["returned"] == found.counts["cut"]
    # Four seconds of silence, and a quarter more than a period (0.32 s when there is time for all).
    assert 4 < found.people["back_s"].at(0.5) < 8
    assert found.people["back_s"].at(0.99) < 20
    assert found.counts["never_heard"] == 0


def test_who_waits_at_a_machine_that_dies_takes_their_place_to_another() -> None:
    full = msgspec.structs.replace(SMALL, edges=2, descriptors_per_process=700)
    run = Run(evening(Fault("region-lost", AT_S), listeners=2_000), full, SHIPPED, 7)
    found = run.course()
    assert found.seconds["waiting"][AT_S - 1] > 300
    people, edges = run.scene.people, run.scene.edges
    waits = people.state == State.WAITS
    assert np.count_nonzero(waits) > 300
    assert edges.alive[people.edge[waits]].all()
    early = waits & (people.place_ms > run.scene.lines[1].sheet.serving_ms)
    assert (people.called_ms[early & (people.edge // edges.per_machine == 1)] == NEVER).all()


def test_notices_are_looked_up_at_edges_that_live() -> None:
    full = msgspec.structs.replace(SMALL, edges=2, descriptors_per_process=700)
    run = Run(evening(Fault("edges-lost", AT_S, share=0.5), listeners=2_000), full, SHIPPED, 7)
    found = run.course()
    assert found.counts["looks"] > 1_000
    assert not run.scene.knocks.by_edge(6)[~run.scene.edges.alive].any()


def test_who_finds_no_edge_at_all_gives_up_when_their_patience_is_over() -> None:
    scenario = evening(Fault("edges-lost", AT_S, share=1.0))
    staying = msgspec.structs.replace(scenario.staying, patience_s=5.0)
    found = course(msgspec.structs.replace(scenario, staying=staying))
    assert found.seconds["edges"][-1] == 0
    assert found.counts["gave_up"] > 0.9 * found.counts["cut"] > 1_000


def test_control_s_death_changes_no_figure_at_all(quiet: Course) -> None:
    found = course(evening(Fault("control-dead", 15, for_s=60)))
    assert same_until(found, quiet, 10_000)
    assert found.counts == quiet.counts
    for name, spread in found.people.items():
        assert np.array_equal(spread.counts, quiet.people[name].counts)


def test_who_is_cut_comes_back_by_the_player_s_rule(quiet: Course) -> None:
    found = course(evening(Fault("cut", AT_S, share=0.5)))
    assert same_until(found, quiet, AT_S)
    assert 0.42 < cut_share(found) < 0.58
    assert found.counts["returned"] == found.counts["cut"]
    assert found.people["back_s"].at(0.9) < 1  # a tenth of a second, and to be looked at
    assert found.seconds["edges"].min() == 6


def test_all_leave_when_it_is_over_and_some_look_at_the_page_again(quiet: Course) -> None:
    found = course(evening(ends_s=AT_S))
    assert same_until(found, quiet, AT_S)
    listened = found.seconds["listeners"][AT_S - 1]
    assert found.seconds["listeners"][AT_S + 1] == 0
    assert found.counts["pages_again"] == pytest.approx(0.3 * listened, rel=0.1)
    assert found.seconds["cpu"][AT_S + 2] > 1.1 * found.seconds["cpu"][-1]


def test_an_exit_of_a_share_leaves_the_others(quiet: Course) -> None:
    found = course(evening(Fault("exit", AT_S, share=0.4)))
    before, after = found.seconds["listeners"][[AT_S - 1, AT_S + 2]]
    assert 0.5 < after / before < 0.7
    assert "cut" not in found.counts


def test_slow_edges_take_so_many_times_the_cpu_and_are_well_again(quiet: Course) -> None:
    found = course(evening(Fault("slow", AT_S, for_s=20, factor=3.0)))
    assert same_until(found, quiet, AT_S)
    use, calm = found.seconds["deliveries_cpu"], quiet.seconds["deliveries_cpu"]
    assert use[AT_S + 2 : AT_S + 9].mean() == pytest.approx(
        3 * calm[AT_S + 2 : AT_S + 9].mean(), rel=0.1
    )
    assert use[-1] <= calm[-1] * 1.05


FLOOD = Attack("join-flood-many", AT_S, 20, per_s=1_200, addresses=20_000)


@pytest.fixture(scope="module")
def flooded() -> Course:
    """A join flood of half of what the fleet's joiners' time is worth, and some who come in it."""
    late = (Arrivals("steady", 0.2, from_s=AT_S, until_s=AT_S + 20),)
    return course(evening(attacks=(FLOOD,), more=late))


def test_a_flood_takes_what_joiners_may_have_and_harms_nobody_who_listens(
    flooded: Course,
) -> None:
    assert flooded.counts["bots"] == pytest.approx(24_000, rel=0.05)
    during = flooded.seconds["cpu"][AT_S + 3 : AT_S + 18].mean()
    assert during > 3 * flooded.seconds["cpu"][AT_S - 5]
    assert "cut" not in flooded.counts
    assert "stalled" not in flooded.counts
    assert "left" not in flooded.counts


def test_what_a_join_flood_is_given_at_once_is_on_the_wire_and_ladders_see_it() -> None:
    run = Run(evening(attacks=(FLOOD,)), SMALL, SHIPPED, 7)
    edges, seen = run.scene.edges, []

    def look(_second: int, _of: int) -> None:
        facts = run._ladders.told[0]
        listeners = np.array(list(facts.listeners.values())) @ edges.bits
        most = edges.machine_bits / edges.per_machine
        seen.append((facts.bits * most - listeners) * len(edges))

    found = run.course(look)
    fastest = edges.burst_bits[0, 0]
    assert found.lanes[AT_S + 15, 0] == found.lanes[AT_S + 15].sum()
    at = slice(AT_S + 3, AT_S + 18)
    assert np.mean(seen[at]) == pytest.approx(FLOOD.per_s * fastest, rel=0.1)
    assert np.abs(seen[AT_S - 10 : AT_S]).max() < 0.01 * FLOOD.per_s * fastest
    each = fastest + edges.bits[0]  # and a second of listening
    sent = found.seconds["bits_per_s"]
    assert (sent[at] - sent[AT_S - 5]).mean() == pytest.approx(FLOOD.per_s * each, rel=0.1)


def test_people_get_in_during_a_flood(flooded: Course) -> None:
    assert flooded.counts["never_heard"] == 0
    assert flooded.people["first_audio_s"].at(0.95) < 3


def test_what_bots_hold_is_let_go_of_when_the_attack_is_over(flooded: Course) -> None:
    held = flooded.seconds["descriptors_worst"]
    assert held[AT_S + 10] > held[AT_S - 1]
    assert held[-1] <= held[AT_S - 1] * 1.5
    assert flooded.seconds["bots"][AT_S + 22 :].sum() == 0


def test_what_attackers_get_is_counted(flooded: Course) -> None:
    counts = flooded.counts
    assert counts["bots_let_in"] <= counts["bots"]
    # Each is told or let in, at 0.6 ms with its handshake; who is let in stays for a second.
    assert counts["bots_cpu_s"] == pytest.approx(24_000 * 0.00063, rel=0.1)
    assert 1_000 < counts["bots_descriptors_most"] < 4_000


def test_without_the_attack_it_is_the_same_evening() -> None:
    late = (Arrivals("steady", 0.2, from_s=AT_S, until_s=AT_S + 20),)
    calm = course(evening(more=late))
    found = course(evening(attacks=(FLOOD,), more=late))
    assert same_until(found, calm, AT_S)
    # The same people come at the same moments; they may be let in a little later.
    assert np.array_equal(found.seconds["came"], calm.seconds["came"])
    off = np.abs(found.seconds["listeners"] - calm.seconds["listeners"])
    assert off.max() <= 0.03 * calm.seconds["listeners"].max()


def test_people_come_to_their_own_region_while_it_is_there() -> None:
    run = Run(evening(), SMALL, SHIPPED, 7)
    run.course()
    people, edges = run.scene.people, run.scene.edges
    listens = people.state == State.LISTENS
    theirs = edges.region[edges.machine(people.edge[listens])]
    assert np.array_equal(theirs, people.region[listens])


def test_bots_have_no_more_of_an_edge_than_its_descriptors() -> None:
    attack = Attack("slow-headers", AT_S, 20, per_s=1_200, addresses=20_000)
    small = msgspec.structs.replace(SMALL, edges=2, descriptors_per_process=1_500)
    found = course(evening(attacks=(attack,)), small)
    assert found.seconds["descriptors_worst"].max() < 1.1
    assert found.counts["bots_unseen"] > 3_000


def test_silence_takes_descriptors_and_next_to_no_cpu(quiet: Course) -> None:
    attack = Attack("slow-headers", AT_S, 20, per_s=1_200, addresses=20_000)
    found = course(evening(attacks=(attack,)))
    at = slice(AT_S + 9, AT_S + 18)
    held = 1_200 * 8 / 6  # eight seconds each, on six edges
    more = (found.seconds["descriptors_worst"] - quiet.seconds["descriptors_worst"])[at]
    assert more.mean() * 19_500 == pytest.approx(held, rel=0.3)
    assert found.seconds["cpu"][at].mean() < quiet.seconds["cpu"][at].mean() + 0.05


def test_a_few_addresses_that_forge_are_banned_and_cost_less_then() -> None:
    attack = Attack("ticket-forgery", AT_S, 40, per_s=900, addresses=30)
    found = course(evening(attacks=(attack,)))
    assert found.seconds["banned"][AT_S : AT_S + 40].max() >= 25
    first, last = found.seconds["cpu"][AT_S + 1], found.seconds["cpu"][AT_S + 30 : AT_S + 38].mean()
    assert last < 0.7 * first
    assert found.counts["never_heard"] == 0


def test_the_guard_spares_the_edges_what_a_banned_connection_costs() -> None:
    attack = Attack("ticket-forgery", AT_S, 40, per_s=900, addresses=30)
    closed = course(evening(attacks=(attack,)))
    guarded = msgspec.structs.replace(SMALL, guard=True)
    dropped = course(msgspec.structs.replace(evening(attacks=(attack,)), fleet=guarded))
    at = slice(AT_S + 30, AT_S + 38)
    assert dropped.seconds["cpu"][at].mean() < closed.seconds["cpu"][at].mean()


def test_people_behind_a_carrier_s_address_do_not_pay_for_the_bots_there() -> None:
    late = (Arrivals("steady", 0.3, from_s=AT_S + 10, until_s=AT_S + 40),)
    attack = Attack("ticket-forgery", AT_S, 45, per_s=300, addresses=100, behind=1.0)
    found = course(evening(attacks=(attack,), more=late))
    assert found.counts["watched_people"] > 50
    assert found.counts.get("barred", 0) <= 0.01 * found.counts["people"]
    assert found.counts["never_heard"] == 0


def test_a_flood_beyond_capacity_is_told_its_place_and_the_line_moves_on() -> None:
    late = (Arrivals("steady", 0.3, from_s=AT_S, until_s=AT_S + 20),)
    # Six edges look at 4,800 a second; half a thousand people come with them.
    attack = Attack("join-flood-many", AT_S - 5, 30, per_s=6_500, addresses=200_000)
    found = course(evening(attacks=(attack,), more=late, lasts_s=150))
    assert found.seconds["cpu_worst"].max() <= 1.0
    assert "cut" not in found.counts
    assert found.counts["never_heard"] <= 0.02 * found.counts["people"]


def test_who_gets_nothing_counts_among_those_who_are_promised_audio() -> None:
    """The few who get in do so at once: their times alone would say that all is well."""
    late = (Arrivals("steady", 0.3, from_s=AT_S, until_s=AT_S + 40),)
    attack = Attack("join-flood-many", AT_S - 10, 55, per_s=1_000, addresses=1_000_000)
    scenario = evening(attacks=(attack,), more=late)
    staying = msgspec.structs.replace(scenario.staying, patience_s=10.0)
    # A hundredth of a core for those who come: a hundred a second in all.
    weak = msgspec.structs.replace(SMALL, join_share=0.01)
    found = course(msgspec.structs.replace(scenario, staying=staying), weak)
    counts = found.counts
    assert counts["unheard"] > 0.05 * counts["people"]
    assert counts["unheard"] <= counts["never_heard"]
    audio, keeps, *_ = promises(found)
    assert not audio.kept
    assert audio.found is not None
    assert audio.found > 5  # as long as the least patient wait
    assert keeps.kept
    answer = make_answer(found, make_plan(scenario, SHIPPED))
    assert answer.outcome is Outcome.FAILS
    assert f"{whole(counts['never_heard'])} never hear any" in answer.sentence
    assert any("neither audio nor a place" in one for one in answer.because)


def test_who_asks_in_vain_until_all_is_over_counts_among_them_too() -> None:
    """They come again after six seconds without an answer, and then there is nothing any more."""
    weak = Fleet(machines=1, regions=1, cores=1, join_share=0.02)
    scenario = Scenario(
        name="too few",
        about="people come to a machine that lets in thirty a second",
        event=Event(listeners=600, lasts_s=20.0, hour_s=0.0, ends_s=10.0),
        arrivals=(Arrivals("steady", from_s=5.0, until_s=6.0),),
        programme=Programme(tls=True),
        staying=Staying(median_s=3600.0, sigma=0.0, patience_s=3600.0, visits=0.0),
        fleet=weak,
    )
    counts = course(scenario, weak).counts
    assert counts["late"] > 100
    assert counts["unheard"] == counts["never_heard"] > 100


def test_a_flood_waits_no_longer_than_players_do_and_doors_obey_the_shield_in_it() -> None:
    attack = Attack("join-flood-many", AT_S, 30, per_s=6_500, addresses=200_000)
    run = Run(evening(attacks=(attack,), lasts_s=110), SMALL, SHIPPED, 7)
    [attacking] = run.harms
    assert isinstance(attacking, Attacking)
    waited_s, shares, paces = [], [], []

    def look(_second: int, _of: int) -> None:
        scene = run.scene
        scene.knocks.sort()
        batch = scene.knocks.batch(len(scene.edges), len(scene.knocks))
        bots = batch.came_ms[batch.rows < NOBODY]
        waited_s.append((scene.now_ms - int(bots.min(initial=scene.now_ms))) / 1000)
        shares.append(attacking.lookout.watched.policy.network_share)
        ms, _burst_ms = scene.doors.places[0]._costs[4]
        paces.append(1000 * scene.edges.per_machine / ms / scene.edges.network_per_s)

    run.course(look)
    assert HEAD_S - 1 < max(waited_s) <= HEAD_S + 0.25
    assert min(shares) < 0.9
    assert paces == pytest.approx(shares)


def test_the_same_seed_gives_the_same_bytes_with_faults_and_attacks() -> None:
    scenario = evening(Fault("cut", AT_S, share=0.3), attacks=(FLOOD,))
    one, other = course(scenario), course(scenario)
    assert same_until(one, other, 10_000)
    assert one.counts == other.counts


def test_mimics_take_their_turn_in_line_and_people_theirs() -> None:
    """A line that lets in few: bots who wait for it stand among the people who do."""
    late = (Arrivals("steady", 0.3, from_s=AT_S, until_s=AT_S + 10),)
    slow = msgspec.structs.replace(SMALL, admissions_per_s_max=5.0)
    attack = Attack("mimic", AT_S, 20, per_s=60, addresses=1)
    quiet = course(evening(more=late, listeners=800, lasts_s=150), slow)
    found = course(evening(attacks=(attack,), more=late, listeners=800, lasts_s=150), slow)
    assert found.counts["bots_placed"] > 500
    assert found.counts["bots_let_in"] > 300
    assert found.people["wait_s"].at(0.5) > quiet.people["wait_s"].at(0.5)
    assert found.counts["never_heard"] <= 0.05 * found.counts["people"]
