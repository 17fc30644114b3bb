"""A policy is read again each second, and costs little where nothing but its time is new."""

from __future__ import annotations

import msgspec
import pytest

from stentor.shield.policy import (
    Ban,
    Policy,
    PolicyReader,
    Stress,
    Why,
    decode_policy,
    encode_policy,
)

BANS = tuple(Ban(f"4/32:{n:016x}", 1_000 + n, Why.FORGED, kernel=n % 2 == 0) for n in range(5))
FIRST = Policy(1, 5, 10_005, "key", Stress.SIEGE, 0.4, 50_000, 15_000, BANS)


def test_reader_reads_what_was_written() -> None:
    reader = PolicyReader()
    for policy in (FIRST, Policy(), FIRST, msgspec.structs.replace(FIRST, bans=BANS[:1])):
        assert reader.read(encode_policy(policy)) == policy
        assert decode_policy(encode_policy(policy)) == policy
    assert reader.read(b"{}") == Policy()


def test_bans_of_a_renewed_policy_are_the_same_object() -> None:
    reader = PolicyReader()
    first = reader.read(encode_policy(FIRST))
    renewed = reader.read(encode_policy(msgspec.structs.replace(FIRST, number=2, at_ms=1_005)))
    assert renewed.number == 2
    assert renewed.bans is first.bans


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"[]", b'{"bans":1}', b'{"bans":[1]}', b'{"bans":[{}]}', b'{"number":"a"}'],
)
def test_what_is_no_policy_is_refused_and_forgotten(data: bytes) -> None:
    reader = PolicyReader()
    with pytest.raises(msgspec.MsgspecError):
        reader.read(data)
    assert reader.read(encode_policy(FIRST)) == FIRST
