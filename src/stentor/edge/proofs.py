"""Proofs of work that move a place in line forward: asked under stress, worth nothing else.

The scheme is ALTCHA's (version 1: find the number whose SHA-256 with the salt is the challenge), by
its own library. Nothing is kept: the challenge is signed, bound to one ticket and ends soon. Who
sends none, or a false one, stands where they stood.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec
from altcha.v1 import create_challenge, extract_params, verify_solution

from stentor.edge.counts import Counts

PROOF_CHARACTERS_MAX = 1_024
VALID_S = 120
_BOUND_DIGITS = 24


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends back, as ALTCHA has it."""

    algorithm: str
    challenge: str
    number: int
    salt: str
    signature: str


class Proofs:
    """Asks for proofs and checks them. `cost` is how many hashes one takes on average; 0: none."""

    def __init__(self, door_key: bytes, counts: Counts, chance: Callable[[], float]) -> None:
        self._key = hmac.digest(door_key, b"stentor proof 1", "sha256")
        self._counts = counts
        self._chance = chance
        self.cost = 0
        self.advance_ms = 0

    def ask(self, ticket: str, now_ms: int) -> dict[str, Any] | None:
        """Return the challenge for a ticket, None while none is asked."""
        if not self.cost:
            return None
        self._counts.proofs_asked += 1
        most = 2 * self.cost
        challenge = create_challenge(
            algorithm="SHA-256",
            max_number=most,
            number=int(self._chance() * most),
            salt=f"{_bound(ticket)}?expires={now_ms // 1000 + VALID_S}",
            salt_length=_BOUND_DIGITS // 2,
            hmac_key=self._key,
            expires=None,
            params=None,
        )
        return challenge.to_dict()

    def is_good(self, proof: str, ticket: str, now_ms: int) -> bool:
        """Say whether a proof is one for this ticket, and still in time; counts it."""
        good = len(proof) <= PROOF_CHARACTERS_MAX and self._holds(proof, ticket, now_ms)
        if good:
            self._counts.proofs_good += 1
        else:
            self._counts.proofs_false += 1
        return good

    def _holds(self, proof: str, ticket: str, now_ms: int) -> bool:
        try:
            data = base64.urlsafe_b64decode(proof + "=" * (-len(proof) % 4))
            payload = msgspec.json.decode(data, type=_Payload)
        except (binascii.Error, ValueError):
            return False
        if not payload.salt.startswith(f"{_bound(ticket)}?"):
            return False
        told: Any = msgspec.structs.asdict(payload)
        try:
            expires_s = int(extract_params(told)["expires"][0])
        except (KeyError, IndexError, ValueError):
            return False
        return expires_s * 1000 > now_ms and verify_solution(told, self._key, False)[0]


def _bound(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()[:_BOUND_DIGITS]
