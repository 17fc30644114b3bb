"""The filter of a media socket, in the kernel: what it lets through, and what it never does."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest
from aioice import stun

from stentor.stage import sieve

UFRAG = "AbCd"
MEDIA = (b"\x80" * 100, b"\x16" * 60, b"", b"\0", b"\x00\x01" + bytes(30))


def check(user: str, kind: stun.Class = stun.Class.REQUEST, *, before: int = 0) -> bytes:
    """Return a check, as clients write them: with other attributes before the name, or without."""
    message = stun.Message(stun.Method.BINDING, kind)
    others = {"PRIORITY": 5, "SOFTWARE": "abcde", "ICE-CONTROLLING": 9}
    for name in list(others)[:before]:
        message.attributes[name] = others[name]
    message.attributes["USERNAME"] = user
    message.add_message_integrity(b"x" * 22)
    return bytes(message)


class Pair:
    """A media socket and one that sends to it."""

    def __init__(self, family: int, host: str) -> None:
        self.media = socket.socket(family, socket.SOCK_DGRAM)
        self.media.bind((host, 0))
        self.media.setblocking(False)
        self.client = socket.socket(family, socket.SOCK_DGRAM)
        self.client.bind((host, 0))

    @property
    def source(self) -> sieve.Source:
        return self.client.getsockname()[:2]

    def passes(self, data: bytes) -> bool:
        """Say whether a datagram arrives: it does, or the kernel counts that it was dropped."""
        dropped = sieve.sifted_total(self.media)
        self.client.sendto(data, self.media.getsockname())
        while True:
            if select.select([self.media], [], [], 0)[0]:
                return self.media.recv(2_000) == data
            if sieve.sifted_total(self.media) > dropped:
                return False
            time.sleep(0.001)


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    found = Pair(*request.param)
    yield found
    found.media.close()
    found.client.close()


def test_only_checks_that_know_our_name_come_from_strangers(pair: Pair) -> None:
    assert sieve.attach(pair.media, UFRAG, ())
    assert all(pair.passes(check(f"{UFRAG}:them", before=count)) for count in range(4))
    refused = [
        *MEDIA,
        check("AbCe:them"),
        check("Other:AbCd"),
        check(f"{UFRAG}:them", stun.Class.RESPONSE),
        check(f"{UFRAG}:them")[:24],
    ]
    assert not any(pair.passes(data) for data in refused)
    assert sieve.sifted_total(pair.media) == len(refused)


def test_whoever_is_known_may_send_everything_and_their_neighbour_nothing(pair: Pair) -> None:
    others = [("192.0.2.1", 9), ("2001:db8::1", 9), (pair.source[0], pair.source[1] ^ 1)]
    sieve.attach(pair.media, UFRAG, others)
    assert not any(pair.passes(data) for data in MEDIA)
    sieve.attach(pair.media, UFRAG, [*others, pair.source])
    assert all(pair.passes(data) for data in MEDIA)
    sieve.attach(pair.media, UFRAG, others)
    assert not any(pair.passes(data) for data in MEDIA)


def test_a_spray_takes_no_place_from_a_speakers_packets(pair: Pair) -> None:
    sieve.attach(pair.media, UFRAG, [pair.source])
    with socket.socket(pair.media.family, socket.SOCK_DGRAM) as stranger:
        for number in range(3_000):  # far more than the buffer holds
            stranger.sendto(b"\x80" * 1_000, pair.media.getsockname())
            while number - sieve.sifted_total(pair.media) > 500:
                time.sleep(0.001)  # loopback's own queue is short
    pair.client.sendto(b"\x80speaker", pair.media.getsockname())
    assert select.select([pair.media], [], [], 20)[0]
    assert pair.media.recv(2_000) == b"\x80speaker"


def test_a_session_with_as_many_addresses_as_may_be_fits_into_a_filter() -> None:
    sources = [(f"2001:db8::{number:x}", number + 1) for number in range(sieve.SOURCES_MAX)]
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        assert sieve.attach(sock, UFRAG, sources)
    assert all(jump < 256 for _, *jumps, _ in sieve.program(socket.AF_INET6, UFRAG, sources)
               for jump in jumps)  # fmt: skip
