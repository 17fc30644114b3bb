"""A proof of work holds for one ticket and one time, and ALTCHA's own library can find it."""

from __future__ import annotations

import base64
import json
from typing import Any

import altcha
import pytest

from stentor.edge.counts import Counts
from stentor.edge.proofs import VALID_S, Proofs

NOW_MS = 1_700_000_000_000
TICKET, OTHER = "T" * 64, "U" * 64


def asking(cost: int = 200, key: bytes = b"k" * 32, chance: float = 0.4) -> Proofs:
    proofs = Proofs(key, Counts(), lambda: chance)
    proofs.cost = cost
    return proofs


def solved(challenge: dict[str, Any], **changes: Any) -> str:
    """Solve as a client does, and return what it sends."""
    found = altcha.solve_challenge_v1(
        challenge["challenge"],
        challenge["salt"],
        challenge["algorithm"],
        challenge["maxNumber"],
        0,
    )
    assert found is not None
    payload = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return packed({**payload, "number": found.number, **changes})


def packed(payload: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")


def ask(proofs: Proofs, ticket: str = TICKET) -> dict[str, Any]:
    challenge = proofs.ask(ticket, NOW_MS)
    assert challenge is not None
    return challenge


def test_solution_that_the_library_finds_is_good_for_its_ticket_alone() -> None:
    proofs = asking()
    proof = solved(ask(proofs))
    assert proofs.is_good(proof, TICKET, NOW_MS)
    assert not proofs.is_good(proof, OTHER, NOW_MS)
    counts = proofs._counts
    assert (counts.proofs_asked, counts.proofs_good, counts.proofs_false) == (1, 1, 1)


def test_proof_ends_with_its_challenge() -> None:
    proofs = asking()
    proof = solved(ask(proofs))
    assert proofs.is_good(proof, TICKET, NOW_MS + (VALID_S - 1) * 1000)
    assert not proofs.is_good(proof, TICKET, NOW_MS + VALID_S * 1000)


def test_nothing_is_asked_while_there_is_no_stress() -> None:
    assert asking(cost=0).ask(TICKET, NOW_MS) is None


def test_every_edge_of_the_deployment_takes_it_and_nobody_elses() -> None:
    proof = solved(ask(asking()))
    assert asking(chance=0.9).is_good(proof, TICKET, NOW_MS)
    assert not asking(key=b"o" * 32).is_good(proof, TICKET, NOW_MS)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 1 << 60},
        {"number": -1},
        {"number": "80"},
        {"signature": "0" * 64},
        {"algorithm": "SHA-1"},
        {"algorithm": "MD5"},
        {"salt": "?expires=9999999999&"},
        {"verified": True},
    ],
)
def test_changed_proof_proves_nothing(changes: dict[str, Any]) -> None:
    proofs = asking()
    assert not proofs.is_good(solved(ask(proofs), **changes), TICKET, NOW_MS)


def test_longer_life_cannot_be_written_into_it() -> None:
    proofs = asking()
    challenge = ask(proofs)
    later = challenge["salt"].replace("expires=", "expires=9999999999&expires=")
    assert not proofs.is_good(solved(challenge, salt=later), TICKET, NOW_MS)
    spliced = challenge["salt"] + "expires=9999999999&"
    assert not proofs.is_good(solved(challenge, salt=spliced), TICKET, NOW_MS)


@pytest.mark.parametrize(
    "proof", ["", "=", "%%%", "A" * 5_000, packed([]), packed({}), packed("x"), "_w"]
)
def test_garbage_proves_nothing(proof: str) -> None:
    assert not asking().is_good(proof, TICKET, NOW_MS)
