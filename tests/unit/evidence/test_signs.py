"""Each sign is raised by the conduct that it is named for, and by no crowd of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from msgspec.structs import replace

from stentor.evidence.columns import read_columns
from stentor.evidence.method import METHOD
from stentor.evidence.records import Second
from stentor.evidence.signs import read_signs, unseen_share
from stentor.shield.facts import EdgeSecond, Load, RoomSecond
from stentor.shield.keys import EventKey
from stentor.shield.newcomers import STAYED_S
from stentor.shield.policy import Why
from stentor.shield.summary import Summary

T0_MS = 1_800_000_000_000
LASTS_S, PER_S = 120, 10
FROM_S, UNTIL_S, CROWD_S = 50, 60, 30
LOOKS_S, STAYS_S = 5, round(STAYED_S)
BOTS = 40
FLOORS = {one.sign: one.floor for one in METHOD.weights}


class Now:
    """A second while it is made."""

    def __init__(self, summary: Summary, second: int) -> None:
        self.summary = summary
        self.second = second
        self.counts = Counter[str]()

    def look(self, who: Iterable[int]) -> None:
        """Let people look at the page."""
        for peer in map(person, who):
            self.summary.came(peer)
            self.summary.visited(peer)
            self.counts.update(accepted=1, requests=1, looked=1)

    def join(self, who: Iterable[int]) -> None:
        """Let people join."""
        for peer in map(person, who):
            self.summary.came(peer)
            self.summary.asked(peer)
            self.summary.admitted(peer)
            self.summary.queued(0.01)
            self.counts.update(accepted=1, requests=1, asked=1, joined=1)

    def bots(self, addresses: int = BOTS) -> list[bytes]:
        """Let as many connections come as there are bots, from clusters of their own."""
        found = [bytes((90, self.second, n % addresses, 1)) for n in range(BOTS)]
        for peer in found:
            self.summary.came(peer)
        self.counts.update(accepted=BOTS, requests=BOTS)
        return found


def person(number: int) -> bytes:
    return bytes((20, number % 50, number >> 8 & 255, number & 255))


def coming(second: int, crowd: int) -> range:
    """Return who joins in a second: some people, and up to so many more of a crowd."""
    of_crowd = [max(0.0, 1 - abs(one - FROM_S) / CROWD_S) for one in range(second + 1)]
    before, more = (
        sum(PER_S + round(crowd * share) for share in shares)
        for shares in (of_crowd[:-1], of_crowd)
    )
    return range(before, more)


def evening(each: Callable[[Now], None] = lambda _now: None, crowd: int = 0) -> list[EdgeSecond]:
    """Return an evening on which people look at the page, join some seconds later, and stay."""
    summary, seconds = Summary(EventKey(bytes(32)), "edge-0"), []
    joining = [coming(second, crowd) for second in range(LASTS_S + LOOKS_S)]
    for second in range(LASTS_S):
        now = Now(summary, second)
        now.look(joining[second + LOOKS_S] if second else range(joining[LOOKS_S].stop))
        now.join(joining[second])
        for number in joining[second - STAYS_S] if second >= STAYS_S else ():
            summary.stayed(person(number))
        each(now)
        load = Load(asked_per_s=now.counts["asked"], join_cost_s=1e-3, delivery_cost_s=1e-4)
        listening = {"hall": RoomSecond(listeners=joining[second].stop)}
        at_ms = T0_MS + second * 1000
        seconds.append(summary.second(at_ms, counts=now.counts, rooms=listening, load=load))
    return seconds


def signs_of(seconds: list[EdgeSecond]) -> dict[str, float]:
    found = read_signs(read_columns([Second(one.at_ms, (one,)) for one in seconds]))
    return dict(zip(FLOORS, found.values(), strict=True))


def during(act: Callable[[Now], None], later_s: int = 0) -> Callable[[Now], None]:
    return lambda now: act(now) if FROM_S + later_s <= now.second < UNTIL_S + later_s else None


def forges(now: Now) -> None:
    for peer in now.bots():
        now.summary.wrong(peer, Why.FORGED)
    now.counts["answers_4xx"] += BOTS


def was_silent(now: Now) -> None:
    for n in range(BOTS):
        now.summary.wrong(bytes((90, now.second, n, 1)), Why.SILENT)


def says_nothing(now: Now) -> None:
    now.bots()
    now.counts["requests"] -= BOTS


def asks(now: Now) -> None:
    for peer in now.bots():
        now.summary.asked(peer)
    now.counts["asked"] += BOTS


def asks_much(now: Now) -> None:
    for peer in now.bots(addresses=2):
        now.summary.asked(peer)


def errs_again(now: Now) -> None:
    now.summary.wrong(bytes((90, 0, 0, 1)), Why.PROBING, 10)


def leaves(now: Now) -> None:
    now.counts.update(joined=BOTS, left=BOTS, left_soon=BOTS)


def looks(now: Now) -> None:
    for peer in now.bots():
        now.summary.visited(peer)
    now.counts["looked"] += BOTS


def looks_again(now: Now) -> None:
    now.summary.visited(now.bots(addresses=1)[0])
    now.counts.update(requests=50 * BOTS, looked=50 * BOTS)


def looks_again_later(now: Now) -> None:
    if 90 <= now.second < 95:
        looks_again(now)


def was_let_go(now: Now) -> None:
    now.counts["timed_out"] += BOTS


def reloads(now: Now) -> None:
    now.counts.update(requests=50 * BOTS, reloads=50 * BOTS)


def busts_caches(now: Now) -> None:
    now.counts["requests"] += 100 * BOTS


@pytest.mark.parametrize(
    ("act", "raised"),
    [
        (during(forges), {"false_rate", "false_share", "false_scan"}),
        (during(was_silent, later_s=10), {"mute_share", "mute_scan"}),
        (during(errs_again), {"repeaters"}),
        (during(asks_much), {"heavy_share"}),
        (
            during(asks),
            {"strangers", "stranger_score", "stranger_scan", "unproved", "unlooked"},
        ),
        (during(leaves), {"soon_share", "soon_scan"}),
        (during(looks), {"only_looked"}),
        (during(looks_again), {"looked_again"}),
        (during(says_nothing), {"unspoken"}),
        (during(was_let_go, later_s=30), {"rested"}),
        (during(reloads), {"reloads"}),
        (during(busts_caches), {"requests"}),
    ],
)
def test_sign_is_raised_by_what_it_is_named_for(
    act: Callable[[Now], None], raised: set[str]
) -> None:
    found = signs_of(evening(act))
    assert {name for name in raised if found[name] <= FLOORS[name]} == set()


def test_every_sign_is_raised_by_something_above() -> None:
    """But one, whose floor is beyond what such an evening can reach: it hardly weighs anything."""
    [mark] = test_sign_is_raised_by_what_it_is_named_for.pytestmark  # type: ignore[attr-defined]
    assert set().union(*(raised for _, raised in mark.args[1])) == set(FLOORS) - {"only_look"}


@pytest.mark.parametrize(("why", "heavy"), [(Why.HASTY, False), (Why.PROBING, True)])
def test_whom_our_own_pace_refused_is_no_bot_for_having_got_little(why: Why, heavy: bool) -> None:
    def carrier(now: Now) -> None:
        peer = bytes((100, 64, 0, 1))
        now.summary.came(peer, BOTS)
        now.summary.wrong(peer, why, BOTS - 2)
        now.summary.visited(peer)
        now.summary.admitted(peer)

    assert (signs_of(evening(during(carrier)))["heavy_share"] > 0) is heavy


def test_whom_the_kernel_turned_away_was_not_seen_either() -> None:
    seconds = evening()
    assert unseen_share(read_columns([Second(one.at_ms, (one,)) for one in seconds])) == 0
    came = sum(one.counts["accepted"] for one in seconds)
    for n in range(40, 55):  # each knocks four times, and a queue that is full stays so
        seconds[n] = replace(seconds[n], counts={}, kernel={"listen_overflows": came})
    found = unseen_share(read_columns([Second(one.at_ms, (one,)) for one in seconds]))
    heard = sum(one.counts.get("accepted", 0) for one in seconds)
    assert 0.4 < found <= 1 - heard / (heard + 15 * came / 4)


def test_ordinary_evening_raises_none() -> None:
    found = signs_of(evening())
    assert {name: one for name, one in found.items() if one > FLOORS[name]} == {}


def test_crowd_larger_than_any_sketch_raises_none_and_hides_none() -> None:
    """Of so many a sketch holds a sample: who is not in it is not strange, nor looks again."""
    found = signs_of(evening(crowd=2_000))
    assert {name: one for name, one in found.items() if one > FLOORS[name]} == {}
    assert found["strangers"] == found["stranger_scan"] == 0
    among_many = signs_of(evening(looks_again_later, crowd=2_000))["looked_again"]
    assert among_many > 0.9 * signs_of(evening(looks_again_later))["looked_again"]
