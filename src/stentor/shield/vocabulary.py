"""The few words that the guard understands, over a Unix datagram or stream socket, as JSON.

There is no word for a command, a file, a port of somebody else's or an address range as wide as a
country. Every ban ends by itself.
"""

import ipaddress
from typing import Literal

import msgspec

WORD_BYTES_MAX = 512
SECONDS_MAX = 3600
NARROWEST = {4: 24, 6: 48}  # no wider network is ever banned: prefix bits by family


class Ban(msgspec.Struct, frozen=True, tag_field="do", tag="ban", forbid_unknown_fields=True):
    """Drop new connections of `network` (an address or a range of the family's NARROWEST)."""

    network: str
    seconds: int


class Unban(msgspec.Struct, frozen=True, tag_field="do", tag="unban", forbid_unknown_fields=True):
    """Take a ban back."""

    network: str


class Limits(msgspec.Struct, frozen=True, tag_field="do", tag="limits", forbid_unknown_fields=True):
    """Packets a second that one address may send at most; 0: no limit of that kind."""

    syn_per_s: int = 0
    udp_per_s: int = 0


class Counters(
    msgspec.Struct, frozen=True, tag_field="do", tag="counters", forbid_unknown_fields=True
):
    """Tell what was dropped so far."""


class Validated(
    msgspec.Struct, frozen=True, tag_field="do", tag="validated", forbid_unknown_fields=True
):
    """An address and port from which ICE has had a good check: its media may pass for a while."""

    address: str
    port: int
    seconds: int


Word = Ban | Unban | Limits | Counters | Validated


class Answer(msgspec.Struct, frozen=True):
    """What the guard says: it did so, or why not; counters by name if they were asked for."""

    ok: bool
    why: str = ""
    how: Literal["", "nftables", "xdp"] = ""
    counters: dict[str, int] = {}


def read_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return a network that may be banned; raises `ValueError` for all that may not."""
    network = ipaddress.ip_network(text)
    if network.prefixlen < NARROWEST[network.version]:
        raise ValueError(f"{text} is wider than /{NARROWEST[network.version]}")
    return network
