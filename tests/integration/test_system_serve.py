"""A server as a whole: it comes up, says no clearly, replaces what dies, and goes quietly."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.machine import Machine
from support.server import COMMAND, Server, serving, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with serving(tmp_path_factory.mktemp("serve")) as one:
        yield one


def test_second_server_on_the_same_folder_is_refused_in_one_sentence(server: Server) -> None:
    second = subprocess.run(
        [*COMMAND, "serve", "--data", str(server.folder.root), "--port", "1"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert second.returncode == 3
    assert second.stderr.count("\n") == 1
    assert "Another stentor serve uses the data folder" in second.stderr


def test_port_in_use_is_refused_naming_the_port_and_the_option(
    server: Server, tmp_path: Path
) -> None:
    taken = subprocess.run(
        [*COMMAND, "serve", "--data", str(tmp_path / "other"), "--port", str(server.port)],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert taken.returncode == 3
    assert taken.stderr.count("\n") == 1
    assert str(server.port) in taken.stderr
    assert "--port" in taken.stderr


@pytest.mark.parametrize("part", ["control", "stage", "origin", "edge-0"])
def test_killed_part_is_started_again(server: Server, machine: Machine, part: str) -> None:
    began = time.monotonic()
    old = server.kill(part)
    server.wait_restarted(part, old)
    assert time.monotonic() - began < 5 + machine.held_up_s()
    assert server.parts()[part]["restarts"] == 1
    wait_until(lambda: f"{part} died" in server.log(), 2)


def test_ctrl_c_ends_everything_quietly(tmp_path: Path, machine: Machine) -> None:
    server = Server(tmp_path / "data").start()
    pids = [facts["pid"] for facts in server.parts().values()]
    assert server.process is not None
    machine.watch_anew()
    began = time.monotonic()
    server.process.send_signal(signal.SIGINT)
    assert server.stop() == 0
    assert time.monotonic() - began < 5 + machine.held_up_s()
    assert "Traceback" not in server.log()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not server.folder.run.exists()


def test_parts_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    pids = [facts["pid"] for facts in server.parts().values()]
    assert server.process is not None
    server.process.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 8, "parts end")
    server.stop()
    with serving(tmp_path):
        pass
