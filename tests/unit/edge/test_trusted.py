"""Whose word is taken for who a client is, and how far it goes."""

from __future__ import annotations

import ipaddress

import pytest

from stentor.base.errors import ConfigurationError
from stentor.edge.trusted import FORWARDED_MAX, Trusted


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


FRONTS = Trusted("10.0.0.0/8, 127.0.0.1, 2001:db8:1::/48", "forwarded_from")


def test_networks_hold_what_is_in_them() -> None:
    for inside in ("10.9.8.7", "127.0.0.1", "2001:db8:1:2::3"):
        assert packed(inside) in FRONTS
    for outside in ("11.0.0.1", "127.0.0.2", "2001:db8:2::1", "::ffff:10.0.0.1"):
        assert packed(outside) not in FRONTS
    assert b"" not in FRONTS
    assert packed("10.0.0.1") not in Trusted("", "forwarded_from")


@pytest.mark.parametrize(
    ("front", "header", "client"),
    [
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "8.8.8.8, 192.0.2.7", "192.0.2.7"),  # who writes their own is not believed
        ("10.0.0.1", "8.8.8.8,192.0.2.7, 10.0.0.2", "192.0.2.7"),  # two fronts, one behind another
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "192.0.2.7:4711", "192.0.2.7"),
        ("10.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),  # a client inside
        ("192.0.2.9", "8.8.8.8", "192.0.2.9"),  # no front
    ],
)
def test_nearest_address_that_is_no_front_is_the_client(
    front: str, header: str, client: str
) -> None:
    assert FRONTS.spoken_for(packed(front), header) == packed(client)


def test_front_that_names_no_address_is_not_understood() -> None:
    with pytest.raises(ValueError):
        FRONTS.spoken_for(packed("10.0.0.1"), "8.8.8.8, unknown")
    with pytest.raises(ValueError):
        FRONTS.spoken_for(packed("10.0.0.1"), "fe80::1%eth0x.4, -")


def test_endless_header_is_looked_at_from_its_near_end_only() -> None:
    header = ", ".join(["8.8.8.8", *["10.0.0.2"] * FORWARDED_MAX])
    assert FRONTS.spoken_for(packed("10.0.0.1"), header) == packed("10.0.0.2")


def test_setting_that_is_no_network_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="forwarded_from"):
        Trusted("10.0.0.0/8, loopback", "forwarded_from")
    with pytest.raises(ConfigurationError, match="host bits"):
        Trusted("10.0.0.1/8", "forwarded_from")
