"""Who may send to a session's sockets: no clock, no socket."""

from __future__ import annotations

import pytest

from stentor.stage.gate import (
    KNOWN_BURST,
    KNOWN_PER_S,
    STRANGER_BURST,
    STRANGER_PER_S,
    STRANGERS_BURST,
    STRANGERS_MAX,
    STRANGERS_PER_S,
    Gate,
    Kind,
    kind_of,
)
from stentor.stage.sieve import SOURCES_MAX

S = 1_000_000_000
SPEAKER = ("192.0.2.1", 4_000)


def stranger(number: int) -> tuple[str, int]:
    return f"198.51.{number >> 8}.{number & 255}", 9


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.OTHER),
        (b"\x00" * 20, Kind.STUN),
        (b"\x03" * 20, Kind.STUN),
        (b"\x00" * 19, Kind.OTHER),  # no whole head
        (b"\x04" * 20, Kind.OTHER),
        (b"\x16", Kind.MEDIA),  # DTLS
        (b"\x40" * 20, Kind.OTHER),  # a TURN channel
        (b"\x80", Kind.MEDIA),  # RTP
        (b"\xbf", Kind.MEDIA),
        (b"\xc0", Kind.OTHER),
    ],
)
def test_datagrams_are_told_apart_by_their_first_byte(data: bytes, kind: Kind) -> None:
    assert kind_of(data) is kind


def test_media_is_taken_from_whoever_had_a_good_check_only() -> None:
    gate = Gate()
    assert not gate.lets_media(SPEAKER)
    assert gate.learn(SPEAKER)
    assert gate.lets_media(SPEAKER)
    assert not gate.lets_media((SPEAKER[0], SPEAKER[1] + 1))
    assert not gate.learn(SPEAKER)


def test_one_stranger_has_a_pace_and_earns_it_back() -> None:
    gate = Gate()
    assert sum(gate.lets_check(stranger(1), 0) for _ in range(100)) == STRANGER_BURST
    assert sum(gate.lets_check(stranger(1), S) for _ in range(100)) == STRANGER_PER_S


def test_all_strangers_together_have_a_pace_however_many_they_are() -> None:
    gate = Gate()
    passed = sum(gate.lets_check(stranger(number), 0) for number in range(10_000))
    assert passed == STRANGERS_BURST
    assert sum(gate.lets_check(stranger(n), S) for n in range(10_000)) == STRANGERS_PER_S
    assert len(gate._strangers) <= STRANGERS_MAX


def test_who_is_known_is_kept_out_by_no_number_of_strangers() -> None:
    gate = Gate()
    gate.learn(SPEAKER)
    for number in range(10_000):
        gate.lets_check(stranger(number), 0)
    assert gate.lets_media(SPEAKER)
    assert sum(gate.lets_check(SPEAKER, 0) for _ in range(10_000)) == KNOWN_BURST
    assert sum(gate.lets_check(SPEAKER, S) for _ in range(10_000)) == KNOWN_PER_S


def test_of_too_many_addresses_the_one_that_has_not_checked_for_longest_goes() -> None:
    gate = Gate()
    gate.learn(SPEAKER)
    for number in range(SOURCES_MAX - 1):
        gate.learn(stranger(number))
    gate.learn(SPEAKER)  # its consent checks go on
    gate.learn(stranger(99))
    assert len(gate.known) == SOURCES_MAX
    assert gate.lets_media(SPEAKER)
    assert not gate.lets_media(stranger(0))
