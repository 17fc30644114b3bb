"""What makes no connection is told by the kernel's counters, and no crowd is taken for it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stentor.evidence.beneath import Beneath, look_beneath
from stentor.evidence.records import Second
from stentor.evidence.words import Told
from stentor.shield.facts import StageSecond
from stentor.shield.merge import Merged

CALM = {"handshakes": 14}


def looked(
    kernel: Sequence[dict[str, int]],
    guard: Sequence[dict[str, int]] | None = None,
    stages: Sequence[StageSecond | None] | None = None,
) -> Beneath:
    seconds = [
        Second(
            at_ms=1_000 * n,
            guard=guard[n] if guard else {},
            stages=(one,) if stages and (one := stages[n]) else (),
        )
        for n in range(len(kernel))
    ]
    return look_beneath(seconds, [Merged(kernel=one) for one in kernel])


def sprayed(datagrams: int, speakers: int = 1, seconds: int = 10) -> Beneath:
    quiet = StageSecond("stage", 0, speakers)
    loud = StageSecond("stage", 0, speakers, sifted=datagrams - 3, foreign=3)
    return looked([CALM] * (20 + seconds), stages=[quiet] * 20 + [loud] * seconds)


def test_evening_without_such_packets_has_none_of_them() -> None:
    assert looked([CALM] * 60) == Beneath()
    assert looked([]) == Beneath()


def test_handshakes_that_nobody_finishes_are_an_attack_while_others_come_as_before() -> None:
    # As `bench/evenings` records it: 480 SYNs a second for 18 s.
    flood = [{"handshakes": 13, "syn_acks_again": 960}] * 18
    found = looked([CALM] * 25 + flood + [CALM] * 25)
    assert found.told is Told.YES
    assert found.unfinished == pytest.approx(18 * 960 / 5)
    assert found.because == ("about 3,456 handshakes that nobody finished",)


def test_cookies_that_nobody_sends_back_are_an_attack_and_those_of_a_crowd_are_none() -> None:
    flood = [{"handshakes": 13, "syn_cookies": 2_000, "syn_cookies_good": 10}] * 10
    assert looked([CALM] * 25 + flood).told is Told.YES
    crowd = [{"handshakes": 1_900, "syn_cookies": 1_000, "syn_cookies_good": 950}] * 10
    assert looked([CALM] * 25 + crowd) == Beneath(unfinished=500.0)


def test_crowd_on_bad_radio_is_no_attack_beneath_the_connections() -> None:
    rush = [{"handshakes": 3_000, "syn_acks_again": 600, "listen_drops": 0}] * 30
    assert looked([CALM] * 25 + rush).told is Told.NO


def test_crowd_that_overflows_the_accept_queue_is_no_attack_beneath_the_connections() -> None:
    """Its drops are overflows; the answers that hang are said to be of nobody knows whom."""
    overflow = {"handshakes": 800, "listen_overflows": 5_000, "listen_drops": 5_000}
    assert looked([CALM] * 25 + [overflow] * 30).told is Told.NO
    hanging = {**overflow, "syn_acks_again": 2_000}
    assert looked([CALM] * 25 + [hanging] * 30).told is Told.UNTOLD


def test_network_that_loses_our_answers_is_not_called_an_attack() -> None:
    came = [{"handshakes": 200}] * 40
    lost = [{"handshakes": 20, "syn_acks_again": 900}] * 20
    found = looked(came + lost)
    assert found.told is Told.UNTOLD
    assert "fewer than before finished theirs" in found.because[0]


def test_syns_that_a_full_queue_drops_may_be_peoples() -> None:
    full = [{"handshakes": 2, "listen_drops": 3_000}] * 20
    assert looked([CALM] * 25 + full).told is Told.UNTOLD


def test_syns_that_the_guards_limit_drops_may_be_peoples() -> None:
    guard: list[dict[str, int]] = [{}] * 25 + [{"syn": 5_000}] * 10
    assert looked([CALM] * 35, guard).told is Told.UNTOLD


@pytest.mark.parametrize(
    ("datagrams", "speakers", "seconds", "told"),
    [
        (400, 1, 10, Told.YES),
        (20_000, 1, 2, Told.NO),  # too short to be anything
        (290, 1, 10, Told.NO),
        (1_000, 10, 60, Told.NO),  # ten browsers that send to where ICE was before
        (1_300, 10, 60, Told.YES),
    ],
)
def test_media_ports_that_are_sent_more_than_all_speakers_could_send_are_sprayed(
    datagrams: int, speakers: int, seconds: int, told: Told
) -> None:
    found = sprayed(datagrams, speakers, seconds)
    assert found.told is told
    assert found.strays == datagrams * seconds
    assert bool(found.because) is (told is Told.YES)


def test_speakers_who_left_a_moment_ago_may_still_send() -> None:
    there, gone = StageSecond("stage", 0, 10), StageSecond("stage", 0, 0, sifted=600)
    assert looked([CALM] * 30, stages=[there] * 10 + [gone] * 20).told is Told.NO
