"""`stentor preflight` before a real server: no with its reasons, and yes once they are mended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.build import read_build
from stentor.base.machine import read_machine
from stentor.base.secrets import load_or_make_key
from support import rehearsed
from support.server import Server, iso, serving, wait_until

pytestmark = pytest.mark.timeout(240)

MENDED = {"edge_megabits_max": 1_000, "clock_vouched": True}


def preflight(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    base = {name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")}
    return subprocess.run(
        [sys.executable, "-m", "stentor", "preflight", *arguments,
         "--data", str(server.folder.root)],
        env=base | {"COLUMNS": "40"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def stopping(server: Server, room: str, expect: int = 2_000) -> dict[str, str]:
    """Return what stands in the way, by the item that says so."""
    answer = server.api("GET", f"/api/rooms/{room}/preflight?expect={expect}")
    vital = (item for item in answer["items"] if item["weight"] == "vital")
    return {item["name"]: item["told"] for item in vital if item["word"] != "yes"}


def rehearse_on_paper(server: Server, name: str, days_ago: float = 0.0) -> None:
    """Put a certificate into the data folder: of this code, this machine and these settings."""
    key = Ed25519PrivateKey.from_private_bytes(load_or_make_key(server.folder.rehearsal_key))
    run = msgspec.structs.replace(
        rehearsed.RUN,
        at=iso(int((time.time() - days_ago * 86_400) * 1000)),
        build=read_build(),
        machine=read_machine(),
        settings={"edge_megabits_max": "1000.0"},
    )
    trials = tuple(
        rehearsed.trial(size, cores=1, version=run.build.digest) for size in (100, 300, 900)
    )
    path = server.folder.certificate(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rehearsed.certificate(trials, run, (), key))


def test_no_says_why_and_what_to_do_and_what_is_mended_is_a_yes(tmp_path: Path) -> None:
    with serving(tmp_path, settings=MENDED) as server:
        room = server.create_room("A hearing", in_s=3_600, expected=2_000).id

        def lacking() -> subprocess.CompletedProcess[str] | None:
            told = preflight(server, room)
            assert told.returncode == 1
            only = told.stderr.startswith("stentor: No: not ready for 2,000 listeners: rehearsal.")
            return told if only else None

        # Edges tell each second: one that began just now, or on a machine that stalls, has not yet.
        no = wait_until(lacking, 20, "nothing lacks but a rehearsal")
        assert "There was no rehearsal" in no.stdout
        assert "Run stentor rehearse" in no.stdout

        rehearse_on_paper(server, "1-too-long-ago", days_ago=40)
        assert "40 days ago" in stopping(server, room)["rehearsal"]

        def ready() -> dict[str, object] | None:
            rehearse_on_paper(server, "2-good")  # anew: the code may be edited meanwhile
            done = preflight(server, room, "--json")
            answer: dict[str, object] = json.loads(done.stdout)
            assert done.returncode == (0 if answer["ready"] else 1)
            return answer if answer["ready"] else None

        answer = wait_until(ready, 20, "all is there")
        assert answer["rehearsal"] == "2-good"
        assert answer["expected"] == {"listeners": 2_000, "lasts_s": 7_200}

        reasons = {"edges", "network", "descriptors", "memory", "rehearsed listeners"}
        assert reasons <= set(stopping(server, room, expect=9_000_000))

        certificate = server.folder.certificate("2-good")
        certificate.write_bytes(certificate.read_bytes().replace(b"8000000", b"8000001"))
        assert "40 days ago" in stopping(server, room)["rehearsal"]
        server.folder.certificate("1-too-long-ago").unlink()
        assert "does not hold" in stopping(server, room)["rehearsal"]
    gone = preflight(server, room)
    assert gone.returncode == 1
    assert "No server runs" in gone.stderr
