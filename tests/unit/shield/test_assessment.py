"""What the operator is told of a second: people, or something that no player does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stentor.shield.assessment import TOGETHER, Assessing, Assessment, together
from stentor.shield.facts import Heavy, Load
from stentor.shield.floors import FLOORS
from stentor.shield.merge import Merged
from stentor.shield.policy import Why


def second(at_s: int, came: int = 20, **counts: int) -> Merged:
    known = {"accepted": came, "requests": came, "joined": came // 2, **counts}
    return Merged(
        at_ms=at_s * 1000, counts=known, clusters=came * 0.8, known_clusters=came * 0.6, addresses=9
    )


def told(assessing: Assessing, seconds: list[Merged]) -> list[Assessment]:
    return [assessing.look(one) for one in seconds]


def test_steady_evening_and_a_growing_crowd_raise_no_alarm() -> None:
    steady = [second(t) for t in range(40)]
    growing = [second(40 + t, came=20 + 5 * t) for t in range(40)]
    assert not any(one.attack for one in told(Assessing(), steady + growing))


def test_false_requests_are_seen_within_two_seconds_and_said_to_be_over_later() -> None:
    assessing = Assessing()
    told(assessing, [second(t) for t in range(20)])
    flood = told(assessing, [second(20 + t, came=120, answers_4xx=100) for t in range(10)])
    assert flood[1].attack
    assert flood[1].by == "false"
    assert flood[1].kinds["false"] == 100
    after = told(assessing, [second(30 + t) for t in range(30)])
    assert after[2].attack, "a moment's peace is not the end"
    assert not after[-1].attack


def test_few_addresses_that_ask_much_are_people_where_somebody_looked_at_the_page() -> None:
    def heavy(visited: bool) -> Merged:
        one = Heavy(network="4/32:00000000000000aa", asks=200, visited=visited)
        return Merged(
            at_ms=0, counts={"accepted": 220, "requests": 220}, addresses=200.0, heavy=(one,)
        )

    for visited in (True, False):
        assessing = Assessing()
        told(assessing, [second(t) for t in range(20)])
        found = told(assessing, [heavy(visited)] * 3)[-1]
        assert found.attack is not visited


@pytest.mark.parametrize("counted", ["looked", "pages_put_off"])
def test_few_addresses_that_look_again_and_again_are_seen_in_a_crush_too(counted: str) -> None:
    def looking(times: int, visitors: float) -> Merged:
        counts = {"accepted": 100, "requests": 100, "asked": 40, counted: times}
        return Merged(
            at_ms=0, counts=counts, visitors=visitors, clusters=80, known_clusters=70, addresses=40
        )

    for visitors, is_attack in ((58.0, False), (3.0, True)):
        assessing = Assessing()
        told(assessing, [looking(60, 58.0)] * 20)
        assert told(assessing, [looking(60, visitors)] * 2)[-1].attack is is_attack


def test_signs_together_count_for_more_than_each_and_for_less_than_their_sum() -> None:
    assert together((0.9,)) == pytest.approx(0.9)
    assert 1 < together((0.9, 0.9)) < 1.8
    assert together((0.9, 0.1)) == pytest.approx(0.9, abs=1e-3)
    assert together(()) == 0


def test_every_sign_has_a_floor() -> None:
    assessing = Assessing()
    assessing.look(second(0))
    assert set(assessing.signs()) == set(FLOORS) - {TOGETHER}


def test_what_is_told_of_a_crowd_when_it_is_over_is_held_against_those_who_came() -> None:
    """Bad radio is let go ten seconds later, and some leave at once: more of them of more."""
    wrongs = tuple(
        Heavy(network=f"4/32:{n:016x}", asks=1, wrongs=1, why=Why.SILENT) for n in range(30)
    )
    found = {}
    for crowd in (20, 1_000):
        assessing = Assessing()
        told(assessing, [second(t) for t in range(20)])
        told(assessing, [second(20, came=crowd), *(second(21 + t) for t in range(9))])
        told(assessing, [replace(second(30, left_soon=30), heavy=wrongs)])
        found[crowd] = assessing.signs()
    for name in ("mute 1", "mute 2", "soon 1", "soon 2"):
        assert found[1_000][name] < found[20][name] / 3, name


def test_floors_are_measured_of_signs_before_a_second_is_taken_to_be_usual() -> None:
    assessing = Assessing()
    told(assessing, [second(t) for t in range(20)])
    looked = assessing.look(second(20, came=40, answers_4xx=3))
    weighed = together(one / FLOORS[name] for name, one in assessing.signs().items())
    assert looked.excess == pytest.approx(weighed / FLOORS[TOGETHER], abs=1e-3)


def test_large_crowd_is_no_surer_to_be_of_strangers_than_its_people_are_unlike() -> None:
    def strange(times: int) -> float:
        assessing = Assessing()
        usual = Merged(
            at_ms=0, counts={"accepted": 50 * times}, clusters=40 * times, known_clusters=30 * times
        )
        told(assessing, [usual] * 20)
        assessing.look(replace(usual, known_clusters=26 * times))
        return assessing.signs()["strangers 1"]

    assert strange(100) < 2 * strange(10), "if each were drawn alone, it would be 3.2 times"


def unspoken(*, came: int, requests: int, unserved: int = 0, **counts: int) -> float:
    """Return what stands out of a second after twenty usual ones with 500 reloads each."""
    assessing = Assessing()
    told(assessing, [second(t, requests=520, reloads=500) for t in range(20)])
    counts = {"reloads": 500} | counts
    one = second(20, came=came, requests=requests + counts["reloads"], **counts)
    assessing.look(replace(one, load=Load(unserved=unserved)))
    return assessing.signs()["unspoken 1"]


def test_connections_that_ask_for_nothing_stand_out() -> None:
    assert unspoken(came=400, requests=400) == 0
    assert unspoken(came=400, requests=100) > 0.5


def test_who_waits_for_a_handshake_is_not_held_to_have_asked_for_nothing() -> None:
    assert unspoken(came=400, requests=100, unserved=300) == 0
    assert unspoken(came=400, requests=100, unserved=20) > 0.5


def test_who_begins_to_read_playlists_or_is_refused_is_not_held_to_have_asked_for_nothing() -> None:
    assert unspoken(came=400, requests=100, reloads=800) == 0
    assert unspoken(came=400, requests=100, refused_by_network=300) == 0


def test_fewer_who_wait_because_an_edge_is_gone_are_nobody_who_asked_for_nothing() -> None:
    assessing = Assessing()
    waiting = [replace(second(t), load=Load(unserved=500)) for t in range(20)]
    told(assessing, [*waiting, second(20)])
    assert assessing.signs()["unspoken 1"] == 0


def test_playlists_are_read_more_by_more_listeners_and_that_is_no_sign() -> None:
    def reading(listeners: int, reloads: int) -> float:
        assessing = Assessing()
        usual = replace(second(0, requests=420, reloads=400), listeners=2_000)
        told(assessing, [usual] * 20)
        more = second(20, came=500, requests=500 + reloads, reloads=reloads)
        assessing.look(replace(more, listeners=listeners))
        return assessing.signs()["reloads 1"]

    assert reading(6_000, 1_500) == 0
    assert reading(2_000, 1_500) > 1


def test_what_a_record_begins_with_is_no_sign_before_it_is_known_what_is_usual() -> None:
    assessing = Assessing()
    told(assessing, [second(0), second(1, came=4, answers_4xx=3)])
    assert assessing.signs()["false 1"] == 0
    told(assessing, [second(2), second(3, came=4, answers_4xx=3, left_soon=9)])
    assert assessing.signs()["false 1"] > 0.5
    assert assessing.signs()["soon 1"] == 0, "nobody knows yet how many leave soon"
