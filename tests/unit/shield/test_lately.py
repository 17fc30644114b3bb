"""Who did something of late: bounded in number and in time."""

from __future__ import annotations

from stentor.shield.lately import Lately


def test_what_is_remembered_is_bounded_in_number_and_in_time() -> None:
    lately = Lately(1_000, most=100)
    for number in range(1_000):
        lately.note(number.to_bytes(4), number)
    assert len(lately) == 100
    assert not lately.did((899).to_bytes(4), 1_000)
    assert lately.did((900).to_bytes(4), 1_000)
    lately.forget(1_950)
    assert len(lately) == 49
    lately.forget(3_000)
    assert len(lately) == 0


def test_who_did_it_again_is_remembered_from_then_on() -> None:
    lately = Lately(1_000, most=2)
    for network, now_ms in ((b"a", 0), (b"b", 1), (b"a", 900), (b"c", 901)):
        lately.note(network, now_ms)
    assert lately.did(b"a", 1_899)
    assert not lately.did(b"a", 1_900), "a span is over at its end"
    assert not lately.did(b"b", 901), "who did it longest ago made room"
