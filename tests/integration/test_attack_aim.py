"""What `parts.json` names is attacked only if it is a part of that server: no tunnel, no proxy."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from stentor.base.errors import UnavailableError
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings, as_environment
from stentor.load.attacks.own import part_pids
from stentor.load.attacks.server import find_aim, media_ports
from stentor.supervise.supervisor import stentor_command
from support.edge import eventually
from support.programs import needs_root

# What `ssh -L` or socat does: whatever comes to the port goes on, here to where it can be seen.
_FORWARD = """
import socket, sys
taken = socket.socket(fileno=int(sys.argv[-2]))
while True:
    one, _ = taken.accept()
    with socket.create_connection(("127.0.0.1", int(sys.argv[-1]))) as other:
        other.sendall(one.recv(65536))
        one.sendall(other.recv(65536))
    one.close()
"""


class Forged:
    """A data folder whose `parts.json` names a process of the test's own."""

    def __init__(self, root: Path) -> None:
        self.folder = DataFolder(root)
        self.folder.run.mkdir(parents=True)
        self.taken = socket.create_server(("127.0.0.1", 0))
        self.elsewhere = socket.create_server(("127.0.0.1", 0))
        self.elsewhere.settimeout(0.2)
        self.settings = Settings(data=str(root), port=self.taken.getsockname()[1])

    @contextmanager
    def named(
        self, words: Sequence[str], *, program: str = sys.executable, cwd: Path | None = None
    ) -> Iterator[int]:
        """Run a process that has the listening socket, and have it in the file as an edge."""
        numbers = [str(self.taken.fileno()), str(self.elsewhere.getsockname()[1])]
        with subprocess.Popen(
            [*words, *numbers],
            executable=program,
            cwd=cwd,
            stdin=subprocess.PIPE,
            pass_fds=[self.taken.fileno()],
            env={**os.environ, **as_environment(self.settings)},
        ) as process:
            try:
                told = {name: {"pid": process.pid} for name in ("edge-0", "stage")}
                self.folder.parts.write_text(json.dumps(told))
                wanted = Path(program).resolve()
                exe = Path(f"/proc/{process.pid}/exe")
                eventually(lambda: exe.resolve() == wanted, 30)
                yield process.pid
            finally:
                process.kill()

    def refused(self) -> None:
        """Assert that nothing is aimed at, and that nothing got through."""
        assert part_pids(self.folder, "edge") == []
        with pytest.raises(UnavailableError, match="No edge of the data folder"):
            find_aim(self.settings)
        with pytest.raises(TimeoutError):
            self.elsewhere.accept()


@pytest.fixture
def forged(tmp_path: Path) -> Iterator[Forged]:
    one = Forged(tmp_path / "data")
    with one.taken, one.elsewhere:
        yield one


@contextmanager
def started_as_a_part(forged: Forged, tmp_path: Path) -> Iterator[int]:
    """Run what looks like an edge in all that is looked at; what it does is the forwarder's."""
    code = tmp_path / "code" / "stentor"
    code.mkdir(parents=True)
    (code / "__init__.py").touch()
    (code / "__main__.py").write_text(_FORWARD)
    with forged.named(stentor_command("part", "edge"), cwd=code.parent) as pid:
        yield pid


def test_forwarder_that_the_file_names_is_refused_and_nothing_gets_through(forged: Forged) -> None:
    with forged.named([sys.executable, "-c", _FORWARD]):
        forged.refused()
        words = ["load", "attack", "malformed-flood", "--room", "r", "--data"]
        done = subprocess.run(
            [
                *stentor_command(*words),
                str(forged.folder.root),
                "--port",
                str(forged.settings.port),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == 4
        assert "No edge of the data folder" in done.stderr
        forged.refused()


def test_another_program_is_refused_though_it_calls_itself_a_part(
    forged: Forged, tmp_path: Path
) -> None:
    """A shell takes `-m` too: it runs the file `stentor`, with the command line of an edge."""
    shell = shutil.which("dash") or shutil.which("bash")
    assert shell is not None
    (tmp_path / "stentor").write_text("read line\n")
    with forged.named(stentor_command("part", "edge"), program=shell, cwd=tmp_path):
        forged.refused()


def test_process_that_is_started_as_a_part_is_found(forged: Forged, tmp_path: Path) -> None:
    """What the others are refused for is all that is amiss with them."""
    with started_as_a_part(forged, tmp_path) as pid:
        assert eventually(lambda: part_pids(forged.folder, "edge"), 30) == [pid]
        assert part_pids(forged.folder, "stage") == [], "it is an edge"


def test_part_of_another_folder_is_refused(forged: Forged, tmp_path: Path) -> None:
    with started_as_a_part(forged, tmp_path) as pid:
        other = DataFolder(tmp_path / "other")
        other.run.mkdir(parents=True)
        other.parts.write_text(json.dumps({"edge-0": {"pid": pid}}))
        assert part_pids(other, "edge") == []


@needs_root
def test_process_of_another_user_than_the_folders_is_refused(
    forged: Forged, tmp_path: Path
) -> None:
    with started_as_a_part(forged, tmp_path):
        os.chown(forged.folder.parts, 12_345, -1)
        forged.refused()


def test_port_that_somebody_else_listens_on_too_is_refused(tmp_path: Path) -> None:
    """The kernel takes turns between those who share a port."""
    shared = Forged(tmp_path / "data")
    shared.taken.close()
    shared.taken = socket.create_server(("127.0.0.1", 0), reuse_port=True)
    shared.settings = Settings(data=shared.settings.data, port=shared.taken.getsockname()[1])
    with shared.taken, shared.elsewhere, started_as_a_part(shared, tmp_path):
        eventually(lambda: part_pids(shared.folder, "edge"), 30)
        address = ("127.0.0.1", shared.settings.port)
        with (
            socket.create_server(address, reuse_port=True),
            pytest.raises(UnavailableError, match="Not only edges"),
        ):
            find_aim(shared.settings)
        with pytest.raises(TimeoutError):
            shared.elsewhere.accept()


def test_datagrams_go_to_no_port_that_a_stranger_named(forged: Forged) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tunnel:
        tunnel.bind(("127.0.0.1", 0))
        forged.folder.parts.write_text(json.dumps({"stage": {"pid": os.getpid()}}))
        assert media_ports(forged.folder, "127.0.0.1") == []
