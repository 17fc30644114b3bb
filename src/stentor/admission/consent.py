"""An operator's consent to a load test: for which room, how many listeners, until when. Pure.

Whoever runs the load asks the deployment with a number of its own choice (a nonce) and gets an
answer signed with the secret that the operator handed over, so it knows that this deployment's
operator agreed, to this, now. HMAC-SHA-256 (RFC 2104).
"""

import hmac

import msgspec

NONCE_CHARACTERS = 32
_PURPOSE = b"stentor load consent 1"


class Consent(msgspec.Struct, frozen=True):
    """What was agreed. `room` is empty for all rooms; times are Unix milliseconds."""

    room: str
    listeners: int
    until_ms: int


class KeptConsent(msgspec.Struct, frozen=True):
    """The same as the server keeps it, with the secret (hexadecimal)."""

    secret: str
    consent: Consent


class SignedConsent(msgspec.Struct, frozen=True):
    """The answer to a challenge."""

    consent: Consent
    now_ms: int
    signature: str


def _signature(secret: str, nonce: str, consent: Consent, now_ms: int) -> str:
    said = msgspec.json.encode([nonce, consent, now_ms])
    key = hmac.digest(secret.encode(), _PURPOSE, "sha256")
    return hmac.digest(key, said, "sha256").hex()


def is_nonce(text: str) -> bool:
    """Say whether this is a nonce: so many hexadecimal digits."""
    return len(text) == NONCE_CHARACTERS and all(one in "0123456789abcdef" for one in text)


def sign(kept: KeptConsent, nonce: str, now_ms: int) -> SignedConsent | None:
    """Return the answer to a challenge, None if there is no consent any more."""
    if now_ms >= kept.consent.until_ms or not is_nonce(nonce):
        return None
    return SignedConsent(kept.consent, now_ms, _signature(kept.secret, nonce, kept.consent, now_ms))


def verify(signed: SignedConsent, secret: str, nonce: str) -> bool:
    """Say whether an answer is the one to `nonce` from whoever holds the secret."""
    expected = _signature(secret, nonce, signed.consent, signed.now_ms)
    return hmac.compare_digest(expected, signed.signature)


def refusal(signed: SignedConsent, room: str, listeners: int, seconds: float) -> str | None:
    """Return in a sentence why a load is not what was agreed, None if it is."""
    consent = signed.consent
    left_s = (consent.until_ms - signed.now_ms) / 1000
    if consent.room not in ("", room):
        return f"The operator agreed to a load of {consent.room}, not of {room}."
    if listeners > consent.listeners:
        return f"The operator agreed to {consent.listeners} listeners, not to {listeners}."
    if seconds > left_s:
        return f"The operator's consent holds for {max(0.0, left_s):.0f} more seconds."
    return None
