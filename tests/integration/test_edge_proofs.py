"""Work buys a place further in front over real sockets: once, never past who is served already."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altcha
import pytest

from stentor.base.paths import DataFolder
from support.edge import Client, RunningEdge, edge_running, eventually
from support.seconds import HeardWatch, watch_of

ADVANCE_MS = 20_000


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[HeardWatch]:
    with watch_of(DataFolder(tmp_path / "data")) as watch:
        yield watch


@pytest.fixture
def on_edge(tmp_path: Path, watch: HeardWatch) -> Iterator[RunningEdge]:
    """An edge whose line hardly moves, and whose places are ten seconds apart for one address."""
    with edge_running(
        tmp_path,
        edge_network_exempt="",
        edge_admissions_per_s_max=0.01,
        door_network_per_s=0.1,
        door_network_burst=1,
    ) as running:
        eventually(lambda: running.edge.door.sheet.line, 20)
        yield running.on_air(3)


def ask(edge: RunningEdge, ticket: str = "", proof: str = "") -> dict[str, Any]:
    query = "&".join(f"{k}={v}" for k, v in (("ticket", ticket), ("proof", proof)) if v)
    with Client(edge.port, source="127.9.9.9") as client:
        client.socket.settimeout(20)
        response = client.get(f"/r/{edge.programme.room}/live.mp4?{query}").response()
    assert response.status == 503
    said: dict[str, Any] = response.json()
    return said


def far_back(edge: RunningEdge) -> dict[str, Any]:
    """Return a place in line that is more than a minute behind."""
    for _ in range(40):
        with Client(edge.port, source="127.9.9.9") as client:
            client.get(f"/r/{edge.programme.room}/live.mp4")
            if client.head()[0] == 200:
                continue
        said = ask(edge)
        if said["place_ms"] > edge.edge.door.sheet.serving_ms + 3 * ADVANCE_MS:
            return said
    raise AssertionError("no place was far back")


def prove(challenge: dict[str, Any]) -> str:
    found = altcha.solve_challenge_v1(
        challenge["challenge"], challenge["salt"], "SHA-256", challenge["maxNumber"], 0
    )
    assert found is not None
    kept = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
    data = json.dumps({**kept, "number": found.number}).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def stressed(watch: HeardWatch, advance_ms: int) -> None:
    policy = watch.decree(proof_cost=500, proof_advance_ms=advance_ms)
    watch.until(lambda second: second.policy == policy.number)


def test_proof_moves_a_place_forward_once_and_nobody_needs_one(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    assert "altcha" not in far_back(on_edge)
    stressed(watch, ADVANCE_MS)
    said = far_back(on_edge)
    proof = prove(said["altcha"])
    again = ask(on_edge, said["ticket"])
    assert (again["place_ms"], again["ticket"]) == (said["place_ms"], said["ticket"])
    moved = ask(on_edge, said["ticket"], proof)
    assert moved["place_ms"] == said["place_ms"] - ADVANCE_MS
    assert "altcha" not in moved
    twice = ask(on_edge, moved["ticket"], proof)
    assert (twice["place_ms"], twice["ticket"]) == (moved["place_ms"], moved["ticket"])
    other = far_back(on_edge)
    assert ask(on_edge, other["ticket"], proof)["place_ms"] == other["place_ms"]
    counts = on_edge.edge.counts
    assert (counts.proofs_good, counts.proofs_false) == (1, 1)
    told = watch.until(lambda second: second.obeyed.get("proved"))
    assert told.obeyed["proved"] == 1


def test_place_never_moves_before_those_who_are_served(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    stressed(watch, 1 << 40)
    said = far_back(on_edge)
    moved = ask(on_edge, said["ticket"], prove(said["altcha"]))
    assert moved["place_ms"] > on_edge.edge.door.sheet.serving_ms - 1_000
    assert moved["place_ms"] < said["place_ms"] - ADVANCE_MS


def test_of_a_ticket_and_its_better_one_only_one_lets_somebody_in(
    on_edge: RunningEdge, watch: HeardWatch
) -> None:
    stressed(watch, ADVANCE_MS)
    said = far_back(on_edge)
    moved = ask(on_edge, said["ticket"], prove(said["altcha"]))
    board = on_edge.edge.door._board
    tickets = on_edge.edge.door._tickets
    one, other = (tickets.read(one["ticket"], on_edge.programme.room) for one in (said, moved))
    assert (one.edge, one.serial) == (other.edge, other.serial)
    assert board.spend(one.edge, one.serial)
    assert not board.spend(other.edge, other.serial)
