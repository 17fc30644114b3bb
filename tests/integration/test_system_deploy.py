"""`stentor deploy` under a running `stentor serve`: new edges, the same listeners."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from stentor.evidence.verify import verify
from stentor.media.grid import PART_S
from support.edge import Ear
from support.hall import Hall, hall
from support.ledger import ledger_files
from support.machine import Machine
from support.server import COMMAND, RoomMade, Server, serving, wait_until

# A joiner is given two parts more than a period; a machine that runs tests is late by itself.
_LATE_S_MAX = 2 * PART_S + 0.4
_TARGETS = ["rendition=aac48", "rendition=opus24", "rendition=aac48&period=1920"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("deploys"), edges=2) as one:
        yield one


def deploy(server: Server, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    changed = {f"STENTOR_{name.upper()}": text for name, text in settings.items()}
    return subprocess.run(
        [*COMMAND, "deploy", "--data", str(server.folder.root), "--json", *options],
        env={**server.environment, **changed},
        capture_output=True,
        text=True,
        timeout=60,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def pids(server: Server) -> dict[str, int]:
    return {name: part["pid"] for name, part in server.parts().items()}


def open_room(server: Server, in_s: float) -> RoomMade:
    """Return a room whose doors are open at both edges."""
    room = server.create_room("Hello", in_s=in_s)

    def lets_in() -> bool:
        with Ear(server.port, targets(room, 1)[0]) as ear:
            return ear.status == 200

    wait_until(lambda: all(lets_in() for _ in range(12)), 10, "the doors are open")
    return room


def openings(server: Server) -> list[dict[str, str]]:
    """Return the settings that the ledger's files begin with."""
    return [one.settings for one in verify(ledger_files(server.folder.ledger)).files]


def answers(metrics_port: int) -> bool:
    with suppress(httpx.TransportError):  # nobody listens there yet
        return httpx.get(f"http://127.0.0.1:{metrics_port}/metrics").is_success
    return False


def targets(room: RoomMade, count: int) -> list[str]:
    return [f"/r/{room.id}/live.mp4?{_TARGETS[n % len(_TARGETS)]}" for n in range(count)]


def check(one: Hall, room: RoomMade, machine: Machine) -> None:
    """Nobody was refused or lost, missed a part, got one twice, or ran dry."""
    assert {seat.status for seat in one.seats} == {200}
    assert not any(seat.lost for seat in one.seats)
    assert all(seat.whole for seat in one.seats)
    assert max(seat.late_s(room.epoch_ms / 1000) for seat in one.seats) < (
        _LATE_S_MAX + machine.held_up_s()
    )


def go_on(one: Hall, parts: int) -> None:
    wanted = one.newest() + parts
    wait_until(lambda: one.newest() >= wanted, 30, f"all have part {wanted}")


def test_listeners_hear_nothing_of_deploys_and_those_who_come_meanwhile_get_in(
    server: Server, machine: Machine
) -> None:
    room = open_room(server, 3.0)
    machine.watch_anew()
    at_first = pids(server)
    came: list[int] = []
    stopping = threading.Event()

    def keep_coming() -> None:
        while not stopping.is_set():
            with Ear(server.port, targets(room, 1)[0]) as ear:
                came.append(ear.status)
            time.sleep(0.005)

    with hall(server.port, targets(room, 240)) as one:
        waiting = deploy(server, "--same-settings")  # they wait before the hour
        assert waiting.returncode == 0, waiting.stderr
        go_on(one, 4)
        crowd = threading.Thread(target=keep_coming, daemon=True)
        crowd.start()
        done = deploy(server, edge_lag_s="8", edge_idle_s="20")
        stopping.set()
        crowd.join(5)
        assert done.returncode == 0, done.stderr
        first, *edges, total = lines(done)
        told = {"edge_lag_s": "8.0", "edge_idle_s": "20.0", "edges": "3"}
        assert first["changes"] == {"edge_lag_s": ["12.0", "8.0"], "edge_idle_s": ["30.0", "20.0"]}
        assert [told["edge"] for told in edges] == ["edge-0", "edge-1"]
        assert total["event"] == "done"
        assert total["listeners"] >= 240
        assert 0 < total["gap_ms"] < 1000 * (1 + machine.held_up_s())
        go_on(one, 6)
        now = pids(server)
        for name, pid in at_first.items():
            assert (now[name] == pid) is (not name.startswith("edge")), name
        assert all(part["restarts"] == 0 for part in server.parts().values())
        assert len(came) > 10
        assert set(came) == {200}
        check(one, room, machine)

        # The settings of the last deploy are those of a restart, and of a deploy by SIGHUP.
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not set(pids(server).values()) & {now["edge-0"], now["edge-1"]}, 20)
        go_on(one, 3)
        check(one, room, machine)
        old = server.kill("edge-1")
        again = server.wait_restarted("edge-1", old)
        environment = Path(f"/proc/{again}/environ").read_bytes().split(b"\0")
        assert b"STENTOR_EDGE_LAG_S=8.0" in environment
        last = deploy(server, "--same-settings", "--edges", "3")
        assert last.returncode == 0, last.stderr
        assert lines(last)[-2] == {"event": "added", "edge": "edge-2"}
        fewer = deploy(server, "--same-settings", "--edges", "2")
        assert "edges (3 → 2)" in fewer.stderr
        wait_until(lambda: answers(server.metrics_port + 3), 10, "the third edge answers")
        wait_until(lambda: openings(server)[-1] == {**openings(server)[0], **told}, 20, "told")
    log = server.log()
    assert "fault" not in log


def test_deploy_that_cannot_be_is_refused_or_stops_and_everything_goes_on(
    server: Server, tmp_path: Path, machine: Machine
) -> None:
    room = open_room(server, 1.5)
    machine.watch_anew()
    before = pids(server)
    with hall(server.port, targets(room, 60)) as one:
        go_on(one, 3)
        for settings, why in (
            ({"hold_back_ms": "200"}, "hold_back_ms (100 → 200)"),
            ({"edge_lag_s": "0"}, "edge_lag_s must be between"),
            ({"edge_nonsense": "1"}, "STENTOR_EDGE_NONSENSE"),
        ):
            done = deploy(server, **settings)
            assert done.returncode != 0
            assert why in done.stderr
            assert len(done.stderr.splitlines()) == 1
            assert pids(server) == before
        # A setting that only the new edge finds out about: the first one stops the deploy.
        done = deploy(server, tls_certificate=str(tmp_path / "no"), tls_key=str(tmp_path / "no"))
        assert done.returncode != 0
        assert "edge-0 was not replaced" in done.stderr
        assert lines(done)[-1]["event"] == "failed"
        assert pids(server) == before
        go_on(one, 3)
        # A successor that is killed while it starts.
        asked = threading.Thread(target=lambda: results.append(deploy(server)))
        results: list[subprocess.CompletedProcess[str]] = []
        asked.start()
        os.kill(wait_until(lambda: _successor(server, before), 20), signal.SIGKILL)
        asked.join(60)
        assert results[0].returncode != 0
        assert "SIGKILL" in results[0].stderr
        assert pids(server) == before
        go_on(one, 3)
        assert deploy(server).returncode == 0
        go_on(one, 3)
        check(one, room, machine)


def _successor(server: Server, known: dict[str, int]) -> int | None:
    """Return the pid of a process that is to take over."""
    assert server.process is not None
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    for pid in map(int, children.split()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"--take-over" in command and pid not in known.values():
            return pid
    return None


def test_deploy_without_a_server_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "deploy", "--data", str(tmp_path / "nothing")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode != 0
    assert "No stentor serve runs" in done.stderr
