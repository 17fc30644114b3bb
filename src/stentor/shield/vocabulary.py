"""The few words that the guard understands, one to a Unix datagram, as JSON.

There is no word for a command, a file, a port of somebody else's or an address range as wide as a
country. Every ban ends by itself. Who sends from a bound socket gets an `Answer`; nobody must wait
for it.
"""

import ipaddress
from enum import StrEnum
from typing import Literal

import msgspec

from stentor.base.decoding import decode_json

WORD_BYTES_MAX = 512
ANSWER_BYTES_MAX = 4_096
SECONDS_MAX = 3600
PER_S_MAX = 1_000_000
# The prefixes that may be banned: of one address, and those by which networks are counted
# everywhere (admission.shares, shield.keys). No wider network is ever banned.
PREFIXES = {4: (32, 24), 6: (128, 64, 56, 48)}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Media(StrEnum):
    """Who may send to the stage's media ports."""

    OPEN = "open"
    VALIDATED = "validated"  # media: from where ICE had a good check; checks themselves: anybody


class Ban(msgspec.Struct, frozen=True, tag_field="do", tag="ban", forbid_unknown_fields=True):
    """Drop new connections of `network`, whose prefix is one of the family's PREFIXES.

    Of two bans of one network the one that ends later holds.
    """

    network: str
    seconds: int


class Unban(msgspec.Struct, frozen=True, tag_field="do", tag="unban", forbid_unknown_fields=True):
    """Take a ban back."""

    network: str


class Limits(msgspec.Struct, frozen=True, tag_field="do", tag="limits", forbid_unknown_fields=True):
    """Packets a second that one IPv4 address or IPv6 /64 may send at most; 0: no limit.

    `udp_per_s` holds at media ports, for those whom ICE has not validated.
    """

    syn_per_s: int = 0
    udp_per_s: int = 0
    media: Media = Media.OPEN


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
    """What the guard says: it did so, or why not; counters by name if they were asked for.

    Packets dropped: `banned`, `syn`, `udp`, `unvalidated`. How things stand: `bans`, `validated`.
    """

    ok: bool
    why: str = ""
    how: Literal["", "nftables", "xdp"] = ""
    counters: dict[str, int] = {}


def encode(message: Word | Answer) -> bytes:
    """Return a word or an answer as it travels."""
    return msgspec.json.encode(message)


def decode_word(data: bytes) -> Word:
    """Return a word; raises `msgspec.MsgspecError` on anything else."""
    word: Word = decode_json(data, Word)  # type: ignore[arg-type]
    return word


def decode_answer(data: bytes) -> Answer:
    """Return an answer; raises `msgspec.MsgspecError` on anything else."""
    return decode_json(data, Answer)


def read_network(text: str) -> Network:
    """Return a network that may be banned; raises `ValueError` for all that may not."""
    network = ipaddress.ip_network(text)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen == 128:
        return ipaddress.ip_network(mapped)
    if network.prefixlen not in PREFIXES[network.version]:
        known = ", ".join(f"/{prefix}" for prefix in PREFIXES[network.version])
        raise ValueError(f"{text} has none of the prefixes {known}")
    return network


def read_seconds(seconds: int) -> int:
    """Return how long something may hold; raises `ValueError` for what is no such time."""
    if not 1 <= seconds <= SECONDS_MAX:
        raise ValueError(f"{seconds} is not between 1 and {SECONDS_MAX} seconds")
    return seconds


def read_limits(limits: Limits) -> Limits:
    """Return limits that can be set; raises `ValueError` for others."""
    for rate in (limits.syn_per_s, limits.udp_per_s):
        if not 0 <= rate <= PER_S_MAX:
            raise ValueError(f"{rate} is not between 0 and {PER_S_MAX} a second")
    return limits


def read_address(text: str, port: int) -> tuple[Address, int]:
    """Return an address and port that may be validated; raises `ValueError` for others."""
    address = ipaddress.ip_address(text.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if not 1 <= port <= 65_535:
        raise ValueError(f"{port} is no port")
    if address.is_multicast or address.is_unspecified:
        raise ValueError(f"{text} is no host's address")
    return address, port
