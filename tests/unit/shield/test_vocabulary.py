"""The guard's words: what a network, an address and a limit may be, and how they travel."""

from __future__ import annotations

import ipaddress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.admission.shares import levels
from stentor.shield.vocabulary import (
    PREFIXES,
    WORD_BYTES_MAX,
    Ban,
    Counters,
    Limits,
    Media,
    Unban,
    Validated,
    Word,
    decode_word,
    encode,
    read_address,
    read_network,
)


@pytest.mark.parametrize(
    "word",
    [
        Ban("2001:db8:ffff::/48", 3_600),
        Unban("198.51.100.7"),
        Limits(1_000_000, 1_000_000, Media.VALIDATED),
        Counters(),
        Validated("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 65_535, 3_600),
    ],
)
def test_every_word_comes_back_as_it_was_and_fits_into_a_datagram(word: Word) -> None:
    assert decode_word(encode(word)) == word
    assert len(encode(word)) <= WORD_BYTES_MAX // 2


@given(st.binary(max_size=200))
def test_any_bytes_are_a_word_or_one_kind_of_error(data: bytes) -> None:
    try:
        decode_word(data)
    except msgspec.MsgspecError:
        return


@given(st.ip_addresses())
def test_every_network_that_is_counted_can_be_banned(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    for packed in levels(address.packed):
        whole = packed.ljust(len(address.packed), b"\0")
        network = ipaddress.ip_network((whole, len(packed) * 8))
        assert read_network(str(network)) == network


@given(st.integers(0, 128))
def test_no_other_width_can(prefix: int) -> None:
    for version, any_address in ((4, "0.0.0.0"), (6, "::")):
        if prefix > (32 if version == 4 else 128) or prefix in PREFIXES[version]:
            continue
        with pytest.raises(ValueError, match="prefixes"):
            read_network(f"{any_address}/{prefix}")


def test_an_ipv4_address_in_ipv6_clothes_is_taken_as_what_it_is() -> None:
    assert str(read_network("::ffff:198.51.100.7")) == "198.51.100.7/32"
    assert read_address("::ffff:198.51.100.7", 9) == (ipaddress.ip_address("198.51.100.7"), 9)
    assert str(read_address("fe80::1%eth0", 9)[0]) == "fe80::1"
