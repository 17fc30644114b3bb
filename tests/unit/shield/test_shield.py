"""What the shield wants of the edges: who is banned, who never is, and how wishes end."""

from __future__ import annotations

from itertools import pairwise

import pytest

from stentor.shield.bans import CONDUCTS_MAX, FIRST_MS, LONGEST_MS, PEOPLE_MS, Bans
from stentor.shield.facts import DoorSecond, Heavy, Load
from stentor.shield.merge import Merged
from stentor.shield.policy import (
    BANS_MAX,
    OPEN_MS,
    SHUT_MS,
    Ban,
    Policy,
    Stress,
    Why,
    keeps_out,
    shut_for_ms,
)
from stentor.shield.shield import EXPIRES_MS, Shield

FLOODER = "4/32:00000000000000aa"
CARRIER = "4/32:00000000000000bb"
CALM = Load(joining=0.1, use=0.1)
HARD = Load(joining=0.9, use=0.3)
FULL = Load(joining=1.0, use=0.3)


def seconds(
    shield: Shield, n: int, *heavy: Heavy, load: Load = CALM, start_ms: int = 0
) -> list[Policy]:
    times = range(start_ms, start_ms + n * 1000, 1000)
    return [
        shield.decide(Merged(at_ms=at_ms, heavy=heavy, load=load, key_id="k"), at_ms)
        for at_ms in times
    ]


def wrong(network: str = FLOODER, n: int = 30, why: Why = Why.FORGED, **more: int) -> Heavy:
    return Heavy(network=network, asks=n, wrongs=n, why=why, **more)


def test_who_does_only_wrong_is_banned_within_seconds_and_it_is_said_why() -> None:
    policies = seconds(Shield(), 3, wrong())
    (ban,) = policies[-1].bans
    assert (ban.network, ban.why, ban.times) == (FLOODER, Why.FORGED, 1)
    assert not ban.kernel, "the first time with a sentence"


def test_ban_ends_by_itself_and_each_is_longer_than_the_last() -> None:
    bans, now_ms, lasted = Bans(), 0, []
    for _ in range(5):
        bans.look([wrong(n=100)], now_ms)
        (ban,) = bans.now(now_ms)
        lasted.append(ban.until_ms - now_ms)
        now_ms = ban.until_ms
        assert bans.now(now_ms) == ()
    assert lasted == [FIRST_MS * 4**n for n in range(5)]
    for _ in range(5):
        bans.look([wrong(n=100)], now_ms)
        (ban,) = bans.now(now_ms)
        assert ban.until_ms - now_ms <= LONGEST_MS
        assert ban.kernel
        now_ms = ban.until_ms


@pytest.mark.parametrize("people", [{"admitted": 1}, {"tickets": 1}, {"listening": 1}])
def test_carrier_is_not_banned_for_the_sins_of_a_few(people: dict[str, int]) -> None:
    bans = Bans()
    bans.look([Heavy(network=CARRIER, asks=5, **people)], 0)
    for second in range(1, PEOPLE_MS // 1000):
        bans.look([wrong(CARRIER, 500)], second * 1000)
    assert bans.now(PEOPLE_MS - 1000) == ()


def test_who_is_let_in_only_to_take_nothing_is_nobodys_carrier() -> None:
    bans = Bans()
    for second in range(20):
        taken = {"admitted": 10, "present": 10, "listening": 10}
        slow = Heavy(network=FLOODER, asks=10, wrongs=10, why=Why.SLOW, **taken)
        bans.look([slow], second * 1000)
    assert [ban.why for ban in bans.now(19_000)] == [Why.SLOW]


def test_hundreds_who_listen_are_a_carriers_people_though_a_few_read_slowly_all_evening() -> None:
    bans = Bans()
    for second in range(3 * PEOPLE_MS // 1000):
        few = Heavy(network=CARRIER, asks=6, wrongs=5, why=Why.SLOW, admitted=1, listening=400)
        bans.look([few], second * 1000)
        assert bans.now(second * 1000) == ()


def test_slow_readers_are_banned_again_although_those_who_are_there_listen_as_it_were() -> None:
    bans, banned = Bans(), []
    for second in range(3 * PEOPLE_MS // 1000):
        at_once = {"admitted": 10, "present": 450, "listening": 450}
        bans.look(
            [Heavy(network=FLOODER, asks=10, wrongs=10, why=Why.SLOW, **at_once)], second * 1000
        )
        banned += [ban.times for ban in bans.now(second * 1000)]
    assert max(banned) >= 3


def test_much_is_no_reason_for_a_ban() -> None:
    policies = seconds(Shield(), 30, Heavy(network=FLOODER, asks=5_000), load=FULL)
    assert policies[-1].bans == ()
    few_wrongs = Heavy(network=CARRIER, asks=1_000, wrongs=100, why=Why.MALFORMED)
    assert seconds(Shield(), 30, few_wrongs)[-1].bans == ()


def test_operators_pardon_holds_for_an_hour() -> None:
    shield = Shield()
    seconds(shield, 3, wrong())
    assert shield.pardon(FLOODER, 3_000)
    assert not shield.pardon(FLOODER, 3_000), "it was taken back already"
    assert seconds(shield, 60, wrong(), start_ms=4_000)[-1].bans == ()


def cut_off(n: int = 100) -> tuple[Bans, int]:
    """Return bans of which one is for the kernel, and when it was made."""
    bans, now_ms = Bans(), 0
    while not any(ban.kernel for ban in bans.now(now_ms)):
        assert now_ms < 60_000
        now_ms += 1000
        bans.look([wrong(n=n)], now_ms)
    return bans, now_ms


def test_few_wrong_requests_are_answered_however_long_they_go_on() -> None:
    bans = Bans()
    for second in range(3600):
        bans.look([wrong(CARRIER, 4)], second * 1000)
        assert not any(ban.kernel for ban in bans.now(second * 1000))
    assert bans.now(3_599_000)


def test_ban_that_cuts_off_opens_in_every_ten_seconds() -> None:
    ban = Ban(FLOODER, 40_000, Why.FORGED, 2, kernel=True)
    shut = [shut_for_ms(ban, now_ms) > 0 for now_ms in range(0, 40_000, 100)]
    assert shut == ([True] * (SHUT_MS // 100) + [False] * (OPEN_MS // 100)) * 4
    assert shut_for_ms(ban, 1_000) == SHUT_MS - 1_000
    assert shut_for_ms(ban, 41_000) == 0
    assert [keeps_out(ban, 0, now_ms) for now_ms in (1_000, 9_000)] == [True, False]
    assert keeps_out(ban, 5, 9_000), "while others wait, who is banned waits behind them"


@pytest.mark.parametrize("people", [{"admitted": 1}, {"tickets": 1}, {"listening": 1}])
def test_who_shows_a_ticket_while_a_ban_is_open_has_their_network_cut_off_no_more(
    people: dict[str, int],
) -> None:
    bans, now_ms = cut_off()
    bans.look([Heavy(network=FLOODER, asks=500, wrongs=400, why=Why.FORGED, **people)], now_ms)
    assert not any(ban.kernel for ban in bans.now(now_ms))


def test_carriers_people_end_the_ban_that_a_few_brought_on_it() -> None:
    bans, now_ms = cut_off(15)
    for second in range(1, 2 * (SHUT_MS + OPEN_MS) // 1000):
        now_ms += 1000
        (ban,) = bans.now(now_ms) or (None,)
        if ban is None:
            return
        shut = shut_for_ms(ban, now_ms) > 0 or shut_for_ms(ban, now_ms - 1000) > 0
        # While it is shut, edges count who comes and hear nothing of them.
        seen = Heavy(network=FLOODER, asks=300, wrongs=0 if shut else 15, why=Why.FORGED)
        bans.look([seen], now_ms)
        assert second < 12, "two seconds of listening are enough"


def test_who_is_not_listened_to_is_not_taken_for_right() -> None:
    bans, now_ms = cut_off()
    for _ in range(SHUT_MS // 1000 - 1):
        now_ms += 1000
        bans.look([Heavy(network=FLOODER, asks=500)], now_ms)
        assert bans.now(now_ms)


def test_who_keeps_silent_for_ten_seconds_is_right_in_none_of_them() -> None:
    """What was begun while a ban was open is known to be wrong only when it is shut again."""
    bans, late_s, came = Bans(), 13, dict[int, int]()
    for second in range(120):
        (ban,) = bans.now(second * 1000) or (None,)
        shut = ban is not None and shut_for_ms(ban, second * 1000) > 0
        came[second] = 0 if shut else 60
        silent = {"asks": came[second], "wrongs": came.get(second - late_s, 0)}
        bans.look([Heavy(network=FLOODER, why=Why.SILENT, **silent)], second * 1000)
        assert second < 40 or bans.now(second * 1000), f"let go at {second} s"


def test_shield_that_begins_again_goes_on_cutting_off() -> None:
    bans, now_ms = cut_off()
    anew = Bans()
    anew.resume(bans.now(now_ms))
    assert [ban.kernel for ban in anew.now(now_ms)] == [True]


def test_names_that_merely_ask_have_no_ban_forgotten() -> None:
    bans = Bans()
    for second in range(3):
        bans.look([wrong()], second * 1000)
    assert bans.now(2_000)
    for second in range(3, 3 + 2 * CONDUCTS_MAX // 256):
        asking = [Heavy(network=f"4/32:{second:08x}{n:08x}", asks=5) for n in range(256)]
        bans.look(asking, second)
    assert [ban.network for ban in bans.now(3_000)] == [FLOODER]
    assert bans.forgotten > 0


def test_bans_beyond_what_a_policy_holds_are_counted() -> None:
    bans = Bans()
    bans.look([wrong(f"4/32:{n:016x}", 50) for n in range(BANS_MAX + 7)], 0)
    assert len(bans.now(0)) == BANS_MAX
    assert bans.unheld == 7


def test_bans_are_bounded_and_the_most_recent_are_kept() -> None:
    bans = Bans()
    for n in range(0, 12_000, 200):
        bans.look([wrong(f"4/32:{at:016x}", 50) for at in range(n, n + 200)], n)
    found = bans.now(11_800)
    assert len(found) <= 4_096
    assert bans.forgotten > 0


def test_stress_tightens_shares_gradually_and_lets_go_late() -> None:
    shield = Shield()
    calm = seconds(shield, 5)
    assert {one.stress for one in calm} == {Stress.CALM}
    assert calm[-1].network_share == 1.0
    hard = seconds(shield, 40, load=HARD, start_ms=5_000)
    shares = [one.network_share for one in hard]
    assert hard[-1].stress is Stress.STRAINED
    assert shares == sorted(shares, reverse=True)
    assert min(b / a for a, b in pairwise(shares)) > 0.9
    assert 0.5 < shares[-1] < 1.0
    eased = seconds(shield, 60, start_ms=45_000)
    assert eased[5].stress is Stress.STRAINED, "a second's relief is no relief"
    assert eased[-1].stress is Stress.CALM
    assert eased[-1].network_share == 1.0


def test_proof_of_work_is_asked_under_siege_only() -> None:
    shield = Shield()
    assert all(one.proof_cost == 0 for one in seconds(shield, 20, load=HARD))
    siege = seconds(shield, 5, load=FULL, start_ms=20_000)[-1]
    assert siege.stress is Stress.SIEGE
    assert siege.proof_cost > 0
    assert siege.proof_advance_ms > 0


def test_line_in_which_people_wait_is_stress_whoever_they_are() -> None:
    shield = Shield()
    door = DoorSecond(step="line", line=True, waiting=6_000, per_s=10)
    for n in range(5):
        policy = shield.decide(Merged(at_ms=n * 1000, door=door, load=CALM), n * 1000)
    assert policy.stress is Stress.SIEGE


def test_every_policy_expires_and_its_number_changes_with_what_it_says_only() -> None:
    shield = Shield()
    policies = seconds(shield, 10)
    assert all(one.until_ms == one.at_ms + EXPIRES_MS for one in policies)
    assert len({one.number for one in policies}) == 1
    banned = seconds(shield, 3, wrong(), start_ms=10_000)[-1]
    assert banned.number > policies[-1].number


def test_shield_that_begins_again_does_not_count_from_the_start() -> None:
    old = seconds(Shield(), 5, start_ms=1_000_000)[-1]
    new = seconds(Shield(), 1, start_ms=1_010_000)[-1]
    assert new.number > old.number


@pytest.mark.parametrize("people", [{"visited": True}, {"present": 8}])
def test_haste_is_forgiven_where_somebody_looked_at_the_page_or_listens(
    people: dict[str, int],
) -> None:
    bans = Bans()
    for second in range(20):
        hasty = Heavy(network=CARRIER, asks=300, wrongs=280, why=Why.HASTY, **people)  # type: ignore[arg-type]
        bans.look([hasty], second * 1000)
    assert bans.now(19_000) == ()
    bans.look([Heavy(network=FLOODER, asks=300, wrongs=280, why=Why.HASTY)], 20_000)
    assert [ban.why for ban in bans.now(20_000)] == [Why.HASTY]
