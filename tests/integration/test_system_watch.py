"""The watch in a real server: its ledger grows and verifies, and nobody notices its death."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from stentor.base.secrets import operator_token
from stentor.evidence.verify import verify
from stentor.shield.policy import decode_policy
from support.ledger import ledger_files
from support.listeners import listening
from support.server import COMMAND, RoomMade, Server, serving, wait_until

PATIENCE_S = 30
SEEN_PARTS = 9  # about three seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("watch")) as one:
        yield one


@pytest.fixture(scope="module")
def room(server: Server) -> RoomMade:
    return server.create_room("Hall", in_s=0)


def now(server: Server) -> dict[str, object] | None:
    """What the operator's page is told; None while the watch does not answer."""
    headers = {"Authorization": f"Bearer {operator_token(server.folder)}"}
    try:
        answer = httpx.get(server.watch_url("/api/now"), headers=headers, timeout=10)
    except httpx.HTTPError:
        return None
    assert answer.status_code == 200, answer.text
    document: dict[str, object] = answer.json()
    return document


def edges_seen(server: Server) -> list[str]:
    return sorted(one["edge"] for one in (now(server) or {"edges": []})["edges"])


def seconds(server: Server) -> list[dict[str, Any]]:
    """Every second that the ledger has, the oldest first."""
    lines = b"".join(data for _, data in ledger_files(server.folder.ledger)).split(b"\n")
    return [json.loads(line).get("second", {}) for line in lines if line.endswith(b"}")]


def notes(server: Server) -> list[tuple[str, str]]:
    """Every note that the ledger has, the oldest first."""
    return [
        (note["what"], note["about"])
        for second in seconds(server)
        for note in second.get("notes", ())
    ]


def ledger_verify(server: Server, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "ledger", "verify", str(server.folder.ledger), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_ledger_grows_with_what_edges_tell_and_verifies_while_it_is_written(
    server: Server, room: RoomMade
) -> None:
    with listening(room.url(), count=2) as ears:
        for ear in ears:
            ear.wait_parts(SEEN_PARTS)
        wait_until(lambda: edges_seen(server) == ["edge-0", "edge-1"], PATIENCE_S)

        def counted() -> bool:
            points = (now(server) or {"points": []})["points"]
            return any(point["listeners"] == 2 for point in points)

        wait_until(counted, PATIENCE_S, "both listeners are on the operator's page")
    assert decode_policy(server.folder.policy.read_bytes()).key_id
    report = verify(ledger_files(server.folder.ledger))
    assert report.whole, report.findings
    told = [edge for second in seconds(server) for edge in second.get("edges", ())]
    assert max(edge["rooms"][room.id]["listeners"] for edge in told if edge["rooms"]) >= 1
    key = subprocess.run(
        [*COMMAND, "ledger", "key", "--data", str(server.folder.root)],
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()
    assert report.files[0].key == key
    assert ledger_verify(server, "--key", key).returncode == 0


def test_nobody_notices_when_the_watch_dies_and_the_ledger_says_how_long(
    server: Server, room: RoomMade
) -> None:
    with listening(room.url(), count=2) as ears:
        for ear in ears:
            ear.wait_parts(SEEN_PARTS)
        old = server.kill("watch")
        server.wait_restarted("watch", old)
        heard = [len(ear.parts) for ear in ears]
        wait_until(lambda: edges_seen(server) == ["edge-0", "edge-1"], PATIENCE_S)
        for ear, parts in zip(ears, heard, strict=True):
            ear.wait_parts(parts + SEEN_PARTS)
            assert ear.findings.gaps == ear.findings.jumps == 0
            assert ear.findings.connections == 1
    wait_until(lambda: "watch-was-away" in dict(notes(server)), PATIENCE_S)
    report = verify(ledger_files(server.folder.ledger))
    assert report.whole, report.findings
    assert not report.files[0].closed
    assert report.files[1].previous == report.files[0].last
    done = ledger_verify(server)
    assert done.returncode == 0, done.stderr
    assert "not closed" in done.stdout


def test_who_listens_is_a_witness_and_can_tell_a_tail_that_was_cut(
    server: Server, room: RoomMade, tmp_path: Path
) -> None:
    old = server.pid("watch")
    os.kill(old, signal.SIGTERM)  # it closes its file, with a head
    server.wait_restarted("watch", old)
    with listening(room.url(), count=1) as (ear,):
        ear.wait_parts(1)
        pins = [{"title": "The plan", "url": "https://example.org/plan"}]
        server.api("PATCH", f"/api/rooms/{room.id}", json={"pinned": pins})
        wait_until(lambda: ear.states and ear.states[-1].witness, PATIENCE_S)
        witness = ear.states[-1].witness
    assert witness is not None
    (found,) = [
        (name, data) for name, data in ledger_files(server.folder.ledger)
        if ledger_of(name, data) == witness.ledger
    ]  # fmt: skip
    kept = msgspec.json.encode(witness).decode()
    cut = tmp_path / found[0]
    cut.write_bytes(b"".join(found[1].splitlines(keepends=True)[: witness.size - 1]))
    command = [*COMMAND, "ledger", "verify", str(cut), "--head", kept]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"record {witness.size - 1} missing" in done.stdout
    assert ledger_verify(server, "--head", kept).returncode == 0


def ledger_of(name: str, data: bytes) -> str:
    return verify([(name, data)]).files[0].ledger


def test_the_operators_page_answers_while_edges_and_control_are_dead(server: Server) -> None:
    wait_until(lambda: now(server), PATIENCE_S)
    killed = {part: server.kill(part) for part in ("control", "edge-0", "edge-1")}
    assert now(server) is not None
    for part, pid in killed.items():
        server.wait_restarted(part, pid)
    told = {("part-restarted", part) for part in killed}
    wait_until(lambda: told <= set(notes(server)), PATIENCE_S, "the deaths are in the ledger")


def test_a_ledger_that_was_changed_is_refused_and_the_record_named(
    server: Server, tmp_path: Path
) -> None:
    path = sorted(server.folder.ledger.glob("0*"))[0]
    lines = path.read_bytes().splitlines(keepends=True)
    changed = tmp_path / path.name
    changed.write_bytes(
        b"".join([*lines[:2], lines[2].replace(b'"at_ms":1', b'"at_ms":2', 1), *lines[3:]])
    )
    command = [*COMMAND, "ledger", "verify", str(changed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"{path.name}: record 2 (line 3) edited" in done.stdout
    assert done.stderr == "stentor: This ledger is not whole: 1 finding.\n"
