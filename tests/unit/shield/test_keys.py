"""Networks are named under a secret: the same name for the same network, and no address in it."""

from __future__ import annotations

import pytest

from stentor.shield.keys import EventKey, cluster, house

KEY, OTHER = EventKey(bytes(range(32))), EventKey(bytes(32))
V4 = b"\x0a\x00\x00\x01"
V6 = bytes.fromhex("20010db8000102030405060708090a0b")
NETWORKS = (V4, V4[:3], V6[:8], V6[:7], V6[:6])


def test_name_says_the_kind_of_network_and_nothing_else_of_it() -> None:
    kinds = [KEY.name(network).partition(":")[0] for network in NETWORKS]
    assert kinds == ["4/32", "4/24", "6/64", "6/56", "6/48"]
    for network in NETWORKS:
        assert network.hex() not in KEY.name(network)
        assert KEY.name(network) != OTHER.name(network)


def test_names_are_the_same_in_every_process_and_release() -> None:
    assert KEY.id == "272ba3f2"
    assert KEY.name(V4) == "4/32:a27c1a5ef059ecee"


def test_number_is_the_names_whether_asked_one_by_one_or_all_at_once() -> None:
    assert KEY.numbers(NETWORKS) == [KEY.number(network) for network in NETWORKS]
    for network in NETWORKS:
        assert EventKey.read(KEY.name(network)) == (len(network), KEY.number(network))
    assert KEY.numbers([]) == []


def test_ban_of_a_peer_may_go_by_any_network_that_it_is_in() -> None:
    assert KEY.names(V4) == (KEY.name(V4),)
    assert KEY.names(V6) == tuple(KEY.name(V6[:length]) for length in (8, 7, 6))


def test_house_and_cluster_of_either_family() -> None:
    assert (house(V4), cluster(V4)) == (V4, V4[:3])
    assert (house(V6), cluster(V6)) == (V6[:8], V6[:6])


@pytest.mark.parametrize("text", ["", "4/32", "4/32:", "4/16:0123456789abcdef", "4/32:xyz", "::"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        EventKey.read(text)


def test_network_of_no_known_length_cannot_be_named() -> None:
    with pytest.raises(KeyError):
        KEY.name(b"12345")
