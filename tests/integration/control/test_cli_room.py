"""`stentor room` as people type it: against a real control, and when none runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from stentor.base.paths import DataFolder
from stentor.base.secrets import operator_token
from stentor.rooms.links import Link, verify_link
from support.control import ControlProcess

pytestmark = pytest.mark.timeout(240)


def room(data: Path, *arguments: str, columns: int = 40) -> subprocess.CompletedProcess[str]:
    base = {name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")}
    environment = base | {"COLUMNS": str(columns), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(
        [sys.executable, "-m", "stentor", "room", *arguments, "--data", str(data)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def sentence(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert done.stderr.startswith("stentor: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_room_is_made_shown_started_and_ended(control: ControlProcess) -> None:
    data = control.folder.root
    made = told(room(data, "create", "Town hall [live]", "--at", "2026-12-01T20:00Z"))
    assert "Town hall [live]" in made
    links = [line.strip() for line in made.splitlines() if "#key=" in line]
    assert len(links) == 4
    for link in links:  # whole, on a line of its own, however narrow the terminal
        token = link.partition("#key=")[2]
        assert isinstance(verify_link(token, control.link_key, 0), Link)
    made_id = next(line.partition(" · ")[0] for line in made.splitlines() if " · sched" in line)
    assert f"http://localhost:8000/r/{made_id}" in made
    listed = told(room(data, "list")).splitlines()
    assert [line for line in listed if made_id in line and line.endswith("Town hall [live]")]
    shown = told(room(data, "show", made_id))
    assert all(link in shown for link in links)
    told(room(data, "mute", made_id, "Speaker 1"))
    assert "muted" in told(room(data, "show", made_id))
    invited = told(room(data, "invite", made_id, "Ann")).strip()
    assert invited.startswith(f"http://localhost:{control.port}/studio#key=")
    assert invited.count("\n") == 0
    told(room(data, "revoke", made_id, "Ann"))
    assert "(withdrawn)" in told(room(data, "show", made_id))
    changed = told(room(data, "change", made_id, "--title", "Other", "--unlisted"))
    assert changed.startswith("Other\n")
    assert "unlisted" in changed
    told(room(data, "pin", made_id, "Agenda", "https://example.org/a?b=c&d"))
    assert "Agenda: https://example.org/a?b=c&d" in told(room(data, "show", made_id))
    told(room(data, "unpin", made_id, "https://example.org/a?b=c&d"))
    assert "Agenda" not in told(room(data, "show", made_id))
    assert "its hour" in told(room(data, "start", made_id))
    log = told(room(data, "log", made_id)).splitlines()
    kinds = [line.partition(" operator: ")[2].split()[0] for line in log]
    expected = "create mute invite revoke rename list pinlink unpin start"
    assert kinds == expected.split()
    assert "mute Speaker 1" in log[1]
    document = json.loads(told(room(data, "end", made_id, "--json")))
    assert document["room"] == made_id
    assert document["end_ms"] is not None


def test_unlisted_room_with_hold_tune_as_json(control: ControlProcess, tmp_path: Path) -> None:
    tune = tmp_path / "tune.wav"
    with wave.open(str(tune), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(b"\x00\x10" * 48_000)
    arguments = ("--at", "+10m", "--unlisted", "--speakers", "0", "--hold", str(tune), "--json")
    document = json.loads(told(room(control.folder.root, "create", "Quiet", *arguments)))
    assert document["hold"] is True
    assert document["listed"] is False
    assert len(document["links"]) == 2
    rooms = json.loads(told(room(control.folder.root, "list", "--json")))
    assert document["room"] in [one["room"] for one in rooms]


def test_refusals_are_one_sentence(control: ControlProcess, tmp_path: Path) -> None:
    data = control.folder.root
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"not audio at all" * 100)
    assert "no such room" in sentence(room(data, "show", "nowhere"), 2).lower()
    assert "time zone" in sentence(room(data, "create", "T", "--at", "2026-12-01T20:00"), 2)
    assert "past" in sentence(room(data, "create", "T", "--at", "2020-01-01T00:00Z"), 2)
    missing = sentence(room(data, "create", "T", "--at", "now", "--hold", "/no/such"), 2)
    assert "/no/such cannot be read" in missing
    made = control.create_room()["room"]
    assert "no seat" in sentence(room(data, "mute", made, "Nobody"), 2)
    assert "Nothing to change" in sentence(room(data, "change", made), 2)
    assert "http" in sentence(room(data, "pin", made, "T", "javascript:alert(1)"), 2)
    assert "not pinned" in sentence(room(data, "unpin", made, "https://example.org"), 2)
    assert "'king' is none" in sentence(room(data, "invite", made, "B", "--role", "king"), 2)
    done = room(data, "create", "T", "--at", "+1h", "--hold", str(noise))
    assert done.returncode != 0
    assert "is made, without its hold tune" in done.stderr
    assert "#key=" in done.stdout


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    assert "stentor serve" in sentence(room(tmp_path, "list"), 4)


def test_server_that_died_is_the_same_as_none(control: ControlProcess, tmp_path: Path) -> None:
    shutil.copytree(control.folder.secrets, tmp_path / "secrets")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "control.url").write_text("http://127.0.0.1:9\n")
    assert "stentor serve" in sentence(room(tmp_path, "list"), 4)


def test_token_of_another_deployment_is_refused(control: ControlProcess, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "control.url").write_text(f"{control.base}\n")
    operator_token(DataFolder(tmp_path))
    sentence(room(tmp_path, "list"), 2)
