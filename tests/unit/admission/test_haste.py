"""Whose network comes too fast, and who is spared."""

from __future__ import annotations

from stentor.admission.haste import Haste

PEER, OTHER = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))


def test_network_that_comes_too_fast_is_hasty_and_no_other() -> None:
    haste = Haste(1.0, 3)
    assert [haste.is_hasty(PEER, 1) for _ in range(5)] == [False] * 3 + [True] * 2
    assert not haste.is_hasty(OTHER, 1)


def test_network_where_somebody_listens_may_come_faster_while_there_is_time() -> None:
    haste = Haste(1.0, 3)
    haste.listening.take(PEER)
    for joining, spared in ((0.4, True), (0.6, False)):
        haste.tick(1, joining)
        assert any(haste.is_hasty(PEER, 1) for _ in range(10)) != spared


def test_network_where_somebody_follows_by_hls_may_come_faster_while_there_is_time() -> None:
    house = bytes.fromhex("20010db800010200") + bytes(8)
    haste = Haste(1.0, 3)
    haste.follows = {PEER, house[:6]}.__contains__
    for peer, spared in ((PEER, True), (house, True), (OTHER, False)):
        haste.tick(1, 0.4)
        assert any(haste.is_hasty(peer, 1) for _ in range(10)) != spared
        haste.tick(1, 0.6)
        assert any(haste.is_hasty(peer, 1) for _ in range(10))


def test_wrong_requests_and_connections_take_nothing_from_each_other() -> None:
    haste = Haste(1.0, 3)
    assert [haste.charge(PEER, 1) for _ in range(4)] == [True] * 3 + [False]
    assert not haste.is_hasty(PEER, 1)


def test_share_of_the_pace_holds_for_both() -> None:
    haste = Haste(1.0, 4)
    haste.share(0.5)
    assert [haste.is_hasty(PEER, 1) for _ in range(3)] == [False, False, True]
    assert [haste.charge(PEER, 1) for _ in range(3)] == [True, True, False]
