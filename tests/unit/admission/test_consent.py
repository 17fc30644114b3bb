"""An operator's consent to a load: signed, for this much, until then."""

from __future__ import annotations

import msgspec
import pytest

from stentor.admission.consent import Consent, KeptConsent, refusal, sign, verify

NONCE = "0123456789abcdef" * 2
SECRET = "ab" * 32
KEPT = KeptConsent(SECRET, Consent("hall", 1000, 60_000))


def test_answer_to_the_own_nonce_by_the_same_secret_is_proof() -> None:
    signed = sign(KEPT, NONCE, 1000)
    assert signed is not None
    assert verify(signed, SECRET, NONCE)


@pytest.mark.parametrize("change", ["nonce", "secret", "listeners", "until", "now", "room"])
def test_whatever_is_changed_is_no_proof(change: str) -> None:
    signed = sign(KEPT, NONCE, 1000)
    assert signed is not None
    nonce, secret, consent = NONCE, SECRET, signed.consent
    match change:
        case "nonce":
            nonce = NONCE[::-1]
        case "secret":
            secret = "cd" * 32
        case "listeners":
            consent = msgspec.structs.replace(consent, listeners=9_000_000)
        case "until":
            consent = msgspec.structs.replace(consent, until_ms=9_000_000)
        case "room":
            consent = msgspec.structs.replace(consent, room="")
    now_ms = 5 if change == "now" else signed.now_ms
    altered = msgspec.structs.replace(signed, consent=consent, now_ms=now_ms)
    assert not verify(altered, secret, nonce)


@pytest.mark.parametrize("nonce", ["", "00", NONCE + "0", NONCE.upper(), "g" * 32, "é" * 32])
def test_what_is_no_nonce_is_not_signed(nonce: str) -> None:
    assert sign(KEPT, nonce, 1000) is None


def test_consent_ends() -> None:
    assert sign(KEPT, NONCE, 59_999) is not None
    assert sign(KEPT, NONCE, 60_000) is None


def test_load_is_held_to_what_was_agreed() -> None:
    signed = sign(KEPT, NONCE, 10_000)
    assert signed is not None
    assert refusal(signed, "hall", 1000, 50.0) is None
    assert "of hall, not of attic" in (refusal(signed, "attic", 10, 10) or "")
    assert "1000 listeners" in (refusal(signed, "hall", 1001, 10) or "")
    assert "50 more seconds" in (refusal(signed, "hall", 10, 50.1) or "")
    every = msgspec.structs.replace(
        signed, consent=msgspec.structs.replace(signed.consent, room="")
    )
    assert refusal(every, "attic", 10, 10) is None
