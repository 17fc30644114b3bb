"""Simulated evenings before the production core: who is let in, who is banned, what is concluded.

A small, fixed part of what `bench/verdict.py` measures on hundreds of evenings a class.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import msgspec
import pytest

from stentor.evidence.columns import read_columns
from stentor.evidence.hostile import Hostile
from stentor.evidence.replay import people_course
from stentor.evidence.verdict import Verdict, judge
from stentor.evidence.words import Told, Word
from stentor.shield import sketches
from stentor.simulate.attackers import Attack, Family
from stentor.simulate.draw import SMALL, Kind, draw
from stentor.simulate.evening import Evening
from stentor.simulate.events import Event, Fault, Machine, People
from stentor.simulate.scene import Outcome
from stentor.simulate.truth import SOON_S, Truth, fared, truth
from stentor.simulate.world import Population

ACCUSED = (Word.ATTACK, Word.BOTH, Word.WITHSTOOD)
PEOPLE = People(
    n=500,
    inside=200,
    population=Population(clusters=300, carriers=1, behind_carrier=0.15),
    reminded=0.5,
    bad_radio=0.03,
)
AMPLE = Event(seed=7, kind="test", people=PEOPLE, machine=Machine(joins_per_s=120))


@cache
def evening(event: Event) -> tuple[Outcome, Verdict]:
    outcome = Evening(event).run()
    return outcome, judge(outcome.seconds)


def attack(family: Family, per_s: float, addresses: int = 20) -> Event:
    return replace(
        AMPLE, attack=Attack(family, start_s=34, lasts_s=25, per_s=per_s, addresses=addresses)
    )


def test_same_evening_gives_the_same_records_and_the_same_verdict_bit_for_bit() -> None:
    event = attack(Family.FLOOD_MANY, 60, 500)
    first, second = Evening(event).run().seconds, Evening(event).run().seconds
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert msgspec.json.encode(judge(first)) == msgspec.json.encode(judge(second))


@pytest.mark.parametrize("kind", [Kind.QUIET, Kind.CROWD, Kind.OWN])
def test_no_harmless_evening_is_called_an_attack(kind: Kind) -> None:
    for n in range(6):
        outcome = Evening(draw(kind, n, 2, sizes=SMALL)).run()
        found = judge(outcome.seconds)
        assert found.word not in ACCUSED, f"{kind} {n}: {found.word}, {found.answers[0].because}"


@pytest.mark.parametrize(
    ("family", "addresses"),
    [
        (Family.FLOOD_FEW, 10),
        (Family.FLOOD_MANY, 800),
        (Family.SLOW_HEADERS, 10),
        (Family.CACHE_BUSTING, 10),
        (Family.FORGERY, 300),
        (Family.MALFORMED, 300),
    ],
)
def test_attack_of_more_than_people_ask_for_is_found(family: Family, addresses: int) -> None:
    outcome, found = evening(attack(family, 150, addresses))
    assert found.answers[0].told is Told.YES
    assert found.answers[0].because, "and it is said why"
    # Who is banned costs nothing, and is not counted among connections.
    assert 0.1 * outcome.bots < found.hostile_total < 1.7 * outcome.bots
    assert found.likelihood > 0.9


def test_mimic_as_numerous_as_people_cannot_be_told_and_people_fare_as_its_bots_do() -> None:
    event = replace(
        AMPLE,
        machine=Machine(joins_per_s=30),
        attack=Attack(Family.PERFECT, start_s=35, lasts_s=30, per_s=25),
    )
    outcome, found = evening(event)
    assert fared(outcome, event.end_s).failed
    assert not fared(evening(event.without_attack)[0], event.end_s).failed, "an attack did it"
    assert found.word is Word.UNTOLD
    came = [one for one in outcome.people if one.first_s > 0]
    served = {
        human: sum(one.audio_s >= 0 for one in came if one.human is human)
        / sum(one.human is human for one in came)
        for human in (True, False)
    }
    assert served[True] >= served[False] - 0.05


def test_people_were_too_many_by_themselves_where_those_with_reminders_were() -> None:
    event = replace(AMPLE, machine=Machine(joins_per_s=4, tls=True))
    outcome, found = evening(replace(event, people=replace(PEOPLE, reminded=0.9)))
    assert fared(outcome, event.end_s).failed
    assert found.word is Word.EITHER, "while most wait, a small attack leaves no sign"
    assert found.answers[2].told is Told.YES, "it would have failed without an attack"
    # Of five joins a second even a quarter of all who came would have been too many.
    larger = replace(event, machine=Machine(joins_per_s=6, tls=True))
    _, untold = evening(replace(larger, people=replace(PEOPLE, reminded=0.0)))
    assert untold.word is Word.UNTOLD, "nobody can be vouched for"


@pytest.mark.parametrize("tls", [False, True])
def test_crowd_that_has_to_wait_is_seen_to_though_the_kernels_queue_is_short(tls: bool) -> None:
    event = replace(AMPLE, machine=Machine(joins_per_s=10, tls=tls))
    outcome, found = evening(event)
    assert fared(outcome, event.end_s).share > 0.2
    assert found.failed_share > 0.2
    waits_s = [sketches.Times.read(e.queue_s) for one in outcome.seconds for e in one.edges]
    longest_s = max(one.quantile(1.0) for one in waits_s if one.counts)
    shared = sum(e.counts.get("line_shared", 0) for one in outcome.seconds for e in one.edges)
    assert longest_s < 6, "nobody is left to wait until they have given up"
    assert not shared if tls else shared > 50


@pytest.mark.parametrize("tls", [False, True])
def test_who_comes_again_and_again_in_an_overload_is_counted_about_once(tls: bool) -> None:
    people = replace(PEOPLE, n=2_000, patience_s=600.0)
    outcome, _ = evening(replace(AMPLE, people=people, machine=Machine(joins_per_s=20, tls=tls)))
    columns = read_columns(outcome.seconds)
    nobody = Hostile((0.0,) * len(columns), (0.0,) * len(columns))
    came = sum(one.first_s > 0 for one in outcome.people)
    assert 0.8 < sum(people_course(columns, nobody).coming) / came < 1.25


def test_by_tls_people_are_late_by_what_the_kernel_dropped_though_who_is_heard_waited_little() -> (
    None
):
    event = replace(AMPLE, machine=Machine(joins_per_s=20, tls=True))
    outcome, found = evening(event)
    assert fared(outcome, event.end_s).failed
    waits_s = [sketches.Times.read(e.queue_s) for one in outcome.seconds for e in one.edges]
    assert max(one.quantile(1.0) for one in waits_s if one.counts) < SOON_S
    assert found.failed_share > 0.05
    assert found.word is not Word.QUIET


def test_what_the_kernel_has_no_room_for_is_heard_of_by_its_counter_only() -> None:
    event = replace(attack(Family.ONE_EACH, 300), machine=Machine(joins_per_s=10))
    outcome, _ = evening(event)
    edges = [edge for one in outcome.seconds for edge in one.edges]
    heard = sum(edge.counts.get("accepted", 0) for edge in edges)
    dropped = sum(edge.kernel.get("listen_overflows", 0) for edge in edges)
    assert outcome.bots > 5_000 > heard
    assert dropped > outcome.bots, "each comes again by itself"


def test_crowd_is_called_one_where_a_quarter_of_it_would_have_been_too_many() -> None:
    event = replace(
        AMPLE,
        machine=Machine(joins_per_s=120, listeners_max=250),
        people=replace(PEOPLE, reminded=0.0),
    )
    outcome, found = evening(event)
    assert fared(outcome, event.end_s).failed
    assert found.word is Word.CROWD
    assert "quarter" in found.answers[2].because[0]


@pytest.mark.parametrize("fault", [Fault.HALVED, Fault.SLOW_DISK])
def test_what_we_broke_ourselves_is_our_own_fault(fault: Fault) -> None:
    whole = Machine(joins_per_s=120)
    if fault is Fault.HALVED:  # costs can be compared: what is left has lanes about as long
        whole = Machine(joins_per_s=32, listeners_max=3_000)
    event = replace(AMPLE, machine=whole, fault=fault, fault_s=35)
    outcome, found = evening(event)
    was, _ = truth(event, outcome, evening(event.without_fault)[0])
    assert was is Truth.OWN
    assert found.word is Word.OWN
    assert found.answers[3].because


def test_flood_of_garbage_is_banned_within_seconds_and_no_person_ever_is() -> None:
    outcome, _ = evening(attack(Family.MALFORMED, 150, 10))
    banned = [len(second.policy.bans) if second.policy else 0 for second in outcome.seconds]
    assert max(banned[:33]) == 0, "nobody before it begins"
    assert max(banned[34:40]) >= 8
    assert sum(one.banned for one in outcome.people) == 0
    bare = Evening(attack(Family.MALFORMED, 150, 10), shielded=False).run()
    wrongs = [
        sum(edge.counts.get("answers_4xx", 0) for second in one.seconds for edge in second.edges)
        for one in (outcome, bare)
    ]
    assert wrongs[0] < 0.6 * wrongs[1], "what is banned costs no answer"


def test_carriers_people_are_served_as_others_are_though_one_in_a_hundred_is_a_bot() -> None:
    event = replace(
        AMPLE,
        people=replace(PEOPLE, population=Population(clusters=300, carriers=1, behind_carrier=0.4)),
        attack=Attack(Family.FORGERY, start_s=30, lasts_s=40, per_s=8, behind=True),
    )
    outcome, _ = evening(event)
    refused = {
        shared: sum(one.refused + one.banned for one in outcome.people if one.shared is shared)
        / sum(one.shared is shared for one in outcome.people)
        for shared in (True, False)
    }
    assert refused[True] <= 1.1 * refused[False] + 0.01


def test_verdict_names_no_network() -> None:
    outcome, found = evening(attack(Family.FLOOD_FEW, 150, 10))
    names = {
        heavy.network for second in outcome.seconds for edge in second.edges for heavy in edge.heavy
    }
    said = msgspec.json.encode(found).decode()
    assert names
    assert not any(name in said or name.partition(":")[2] in said for name in names)


def test_people_of_an_evening_are_the_same_without_its_attack() -> None:
    event = attack(Family.ONE_EACH, 60)
    there, gone = Evening(event), Evening(event.without_attack)
    with_, without = there.run().people, gone.run().people
    assert [one.peer for one in with_] == [one.peer for one in without]
    assert [one.patience_s for one in with_] == [one.patience_s for one in without]
