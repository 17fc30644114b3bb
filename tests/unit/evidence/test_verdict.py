"""How signs are weighed, what a replay answers, and which word four answers come to."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from stentor.evidence.columns import read_columns, soon_of
from stentor.evidence.method import METHOD
from stentor.evidence.method_hours import HOURS
from stentor.evidence.records import Second
from stentor.evidence.replay import Course, mended, part_of, replay
from stentor.evidence.signs import SIGNS, windows
from stentor.evidence.verdict import _word, judge, method_for
from stentor.evidence.weighing import EXCESS_MAX, Method, Weight, likelihood, weigh
from stentor.evidence.words import Told, Word
from stentor.shield.facts import EdgeSecond, Load, RoomSecond
from stentor.shield.keys import EventKey
from stentor.shield.policy import Why
from stentor.shield.summary import Summary

T0_MS = 1_800_000_000_000
ONE = Method((Weight("false_rate", 1.0, 0.5, 2.0),), intercept=-3.0, low=-1.0, high=1.0)


def quiet(n: int = 60) -> list[Second]:
    """An evening in which three people a second look at the page and join."""
    summary = Summary(EventKey(bytes(32)), "edge-0")
    seconds = []
    for t in range(n):
        for who in range(3):
            peer = bytes((20, who + t // 250, t % 7, 1 + t % 250))
            summary.came(peer)
            summary.visited(peer)
            summary.asked(peer)
            summary.admitted(peer)
            summary.queued(0.01)
            summary.first_audio(0.05)
        counts = {"accepted": 6, "requests": 6, "joined": 3}
        load = Load(asked_per_s=3, join_cost_s=1e-3, delivery_cost_s=1e-3, connections=3 * t)
        edge = summary.second(T0_MS + t * 1000, counts=counts, load=load)
        seconds.append(Second(at_ms=T0_MS + t * 1000, edges=(edge,)))
    return seconds


def test_sign_counts_from_its_floor_on_and_up_to_a_cap() -> None:
    for value, adds in ((0.9, 0.0), (1.0, 0.0), (1.5, 2.0), (100.0, 2.0 * EXCESS_MAX)):
        odds, (counted,) = weigh(ONE, {"false_rate": value})
        assert counted.adds == adds
        assert odds == adds - 3.0


def test_likelihood_follows_the_log_odds_and_never_leaves_its_bounds() -> None:
    found = [likelihood(ONE, odds) for odds in (-1000.0, -1.0, 0.0, 1.0, 1000.0)]
    assert found == sorted(found)
    assert found[0] >= 0.0
    assert found[2] == 0.5
    assert found[-1] <= 1.0


def test_shipped_method_never_lets_a_sign_speak_for_innocence() -> None:
    assert [one.sign for one in METHOD.weights] == list(SIGNS)
    assert all(one.weight >= 0 and one.scale > 0 for one in METHOD.weights)
    assert METHOD.low < METHOD.high
    assert METHOD.measured, "the error rates as they were measured come along"


def test_evening_on_which_nothing_happened_is_quiet() -> None:
    found = judge(quiet())
    assert found.word is Word.QUIET
    assert [one.told for one in found.answers] == [Told.NO] * 4


def test_few_seconds_are_too_little_to_conclude_anything() -> None:
    for n in (0, 1, 20):
        found = judge(quiet(n))
        assert found.word is Word.UNTOLD
        assert {one.told for one in found.answers} == {Told.UNTOLD}


def test_forged_tickets_are_found_and_counted() -> None:
    seconds = quiet()
    for t in range(30, 50):
        summary = Summary(EventKey(bytes(32)), "edge-1")
        for n in range(60):
            peer = bytes((90, n, t, 1))
            summary.came(peer)
            summary.wrong(peer, Why.FORGED)
        counts = {"accepted": 60, "requests": 60, "answers_4xx": 60, "tickets_forged": 60}
        hostile = summary.second(seconds[t].at_ms, counts=counts)
        seconds[t] = msgspec.structs.replace(seconds[t], edges=(*seconds[t].edges, hostile))
    found = judge(seconds)
    assert found.word is Word.WITHSTOOD
    assert 900 < found.hostile_total < 1_300


def test_records_that_cannot_be_read_do_not_stop_the_verdict() -> None:
    broken = EdgeSecond("x", T0_MS, coming_clusters=b"no sketch", queue_s=b"nor this")
    seconds = [msgspec.structs.replace(one, edges=(*one.edges, broken)) for one in quiet()]
    assert judge(seconds).word is Word.QUIET


COURSE = Course(
    coming=(5.0,) * 60,
    looking=(2.0,) * 60,
    join_cost_s=(0.05,) * 60,  # ten a second
    delivery_cost_s=(1e-4,) * 60,
    cores=(1.0,) * 60,
    present=(0.0,) * 60,
    leaving=(0.0,) * 60,
    lag_s=(0.0,) * 60,
    descriptors_max=10_000.0,
)
BURST = replace(COURSE, coming=(5.0,) * 20 + (80.0,) * 20 + (5.0,) * 20)


def test_replay_fails_where_more_come_than_there_is_time_for() -> None:
    assert not replay(COURSE).failed
    assert replay(BURST).share > 0.5
    assert not replay(part_of(BURST, 0.1)).failed


def test_replay_of_what_broke_is_that_of_a_whole_machine() -> None:
    halved = replace(replace(COURSE, coming=(8.0,) * 60), join_cost_s=(0.05,) * 25 + (0.12,) * 35)
    assert replay(halved).failed
    assert not replay(mended(halved, spread=False)).failed
    late = replace(COURSE, lag_s=(0.0,) * 30 + (5.0,) * 30)
    assert replay(late).failed
    assert not replay(mended(late, spread=False)).failed
    hasty = replace(COURSE, coming=(0.0,) * 30 + (60.0,) * 5 + (0.0,) * 25)
    assert replay(hasty).failed
    assert not replay(mended(hasty, spread=True)).failed


@pytest.mark.parametrize(
    ("present", "failed", "without", "own", "vouched", "word"),
    [
        (Told.NO, False, Told.UNTOLD, Told.NO, False, Word.QUIET),
        (Told.NO, True, Told.UNTOLD, Told.NO, True, Word.CROWD),
        (Told.NO, True, Told.UNTOLD, Told.NO, False, Word.UNTOLD),
        (Told.NO, True, Told.UNTOLD, Told.YES, True, Word.OWN),
        (Told.YES, False, Told.NO, Told.NO, False, Word.WITHSTOOD),
        (Told.YES, True, Told.NO, Told.NO, True, Word.ATTACK),
        (Told.YES, True, Told.YES, Told.NO, False, Word.BOTH),
        (Told.YES, True, Told.UNTOLD, Told.NO, True, Word.UNTOLD),
        (Told.UNTOLD, True, Told.UNTOLD, Told.YES, True, Word.UNTOLD),
    ],
)
def test_word_follows_from_the_answers(
    present: Told, failed: bool, without: Told, own: Told, vouched: bool, word: Word
) -> None:
    assert _word(present, failed, without, own, vouched) is word


@pytest.mark.parametrize(
    ("without", "own", "word"),
    [
        (Told.YES, Told.NO, Word.EITHER),
        (Told.UNTOLD, Told.NO, Word.UNTOLD),
        (Told.YES, Told.YES, Word.OWN),
    ],
)
def test_where_most_waited_nobody_says_that_there_was_no_attack(
    without: Told, own: Told, word: Word
) -> None:
    assert _word(Told.UNTOLD, True, without, own, False, is_blind=True) is word


@pytest.mark.parametrize(
    ("beneath", "present", "failed", "without", "own", "word"),
    [
        (Told.YES, Told.NO, False, Told.UNTOLD, Told.NO, Word.WITHSTOOD),
        (Told.YES, Told.UNTOLD, False, Told.UNTOLD, Told.NO, Word.WITHSTOOD),
        (Told.YES, Told.NO, True, Told.YES, Told.NO, Word.BOTH),
        (Told.YES, Told.NO, True, Told.UNTOLD, Told.YES, Word.UNTOLD),
        (Told.YES, Told.YES, True, Told.NO, Told.NO, Word.ATTACK),
        (Told.UNTOLD, Told.NO, False, Told.UNTOLD, Told.NO, Word.UNTOLD),
        (Told.UNTOLD, Told.NO, True, Told.YES, Told.NO, Word.EITHER),
        (Told.UNTOLD, Told.NO, True, Told.UNTOLD, Told.YES, Word.UNTOLD),
    ],
)
def test_what_came_beneath_the_connections_no_replay_takes_out(
    beneath: Told, present: Told, failed: bool, without: Told, own: Told, word: Word
) -> None:
    vouched = without is Told.YES
    assert _word(present, failed, without, own, vouched, beneath=beneath) is word


def test_flood_of_handshakes_on_a_quiet_evening_is_an_attack_that_was_withstood() -> None:
    seconds = quiet(90)
    for t in range(30, 50):
        (edge,) = seconds[t].edges
        flooded = msgspec.structs.replace(edge, kernel={"handshakes": 6, "syn_acks_again": 900})
        seconds[t] = msgspec.structs.replace(seconds[t], edges=(flooded,))
    found = judge(seconds)
    assert found.word is Word.WITHSTOOD
    assert found.answers[0].told is Told.YES
    assert "handshakes that nobody finished" in found.answers[0].because[0]
    assert found.likelihood == judge(quiet(90)).likelihood


def test_who_leaves_with_everybody_did_not_leave_soon() -> None:
    seconds = []
    for t, (left, soon, listeners) in enumerate([(0, 0, 100), (10, 9, 100), (95, 20, 5)]):
        counts = {"left": left, "left_soon": soon}
        room = RoomSecond(listeners=listeners)
        edge = EdgeSecond("edge-0", T0_MS + t * 1000, counts=counts, rooms={"hall": room})
        seconds.append(Second(at_ms=edge.at_ms, edges=(edge,)))
    assert soon_of(read_columns(seconds)) == [0, 9, 0]


def test_columns_and_windows_are_as_long_as_the_evening() -> None:
    columns = read_columns(quiet(40))
    assert len(columns) == len(columns.strangers) == len(columns.heavy) == 40
    assert windows([1.0] * 5, 3) == [1.0, 2.0, 3.0, 3.0, 3.0]


def test_evening_that_lasts_is_judged_by_floors_of_such_evenings() -> None:
    assert [method_for(n) for n in (60, 100, 299)] == [METHOD] * 3
    assert [method_for(n) for n in (300, 3_600)] == [HOURS] * 2
    for minutes, hours in zip(METHOD.weights, HOURS.weights, strict=True):
        assert minutes.sign == hours.sign
    higher = [h.floor > m.floor for m, h in zip(METHOD.weights, HOURS.weights, strict=True)]
    assert sum(higher) > len(higher) / 2, "chance has more windows in an hour"
    assert judge(quiet(400)).measured == HOURS.measured
