"""A real `stentor serve` on free ports with a data folder of its own.

with serving(tmp_path) as server:
    room = server.create_room("Hello", in_s=2, speakers=2)
    server.url(f"/r/{room.id}/live.mp4")   # the listeners' site
    room.link("host")                       # a link's token or address
    server.kill("stage")                    # kill -9, as the kill matrix does
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from stentor.base.paths import DataFolder
from stentor.base.secrets import operator_token
from support.machine import PATIENCE
from support.network import free_ports

READY_S = 75.0  # beyond what a server gives itself, so that it says what was not ready
COMMAND = (sys.executable, "-m", "stentor")


def wait_until(condition: Callable[[], Any], timeout_s: float, what: str = "") -> Any:
    """Return what `condition` returns as soon as that is true; fail after `timeout_s`."""
    deadline = time.monotonic() + PATIENCE * timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE * timeout_s} s: {what or condition}")
        time.sleep(0.02)


@dataclass(frozen=True)
class RoomMade:
    """A room as control answered."""

    server: Server
    answer: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.answer["room"])

    @property
    def epoch_ms(self) -> int:
        return int(self.answer["epoch_ms"])

    def links(self, role: str) -> list[dict[str, Any]]:
        return [link for link in self.answer["links"] if link["role"] == role]

    def link(self, role: str, index: int = 0) -> str:
        """Return a link's address, as one would send it to a person."""
        return str(self.links(role)[index]["url"])

    def token(self, role: str, index: int = 0) -> str:
        """Return the signed capability in a link's address."""
        return self.link(role, index).partition("#key=")[2]

    def url(self, path: str = "") -> str:
        """Return an address below the room's page."""
        return self.server.url(f"/r/{self.id}{path}")

    def act(self, verb: str) -> dict[str, Any]:
        """Start or end the room, as the operator."""
        return self.server.api("POST", f"/api/rooms/{self.id}/{verb}")

    def recording(self, rendition: str) -> Path:
        return self.server.folder.recording(self.id, rendition)


class Server:
    """One `stentor serve`: a process with its parts as children."""

    def __init__(
        self,
        data: Path,
        *,
        edges: int = 2,
        settings: Mapping[str, object] | None = None,
        command: tuple[str, ...] = (*COMMAND, "serve"),
        options: tuple[str, ...] = (),
        data_option: bool = True,
    ) -> None:
        first = free_ports(6 + edges)  # and one for an edge that a deploy adds
        self.edges = edges
        self.port, self.control_port, self.stage_port = first, first + 1, first + 2
        self.watch_port = first + 3
        self.metrics_port = first + 4
        self.folder = DataFolder(data.absolute())
        self.log_path = data.parent / f"{data.name}.log"
        self._command = command
        self._options = (*options, *(("--data", str(self.folder.root)) if data_option else ()))
        self._settings = {
            "stage_port": self.stage_port,
            "watch_port": self.watch_port,
            "metrics_port": self.metrics_port,
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        base = {name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")}
        return base | {f"STENTOR_{name.upper()}": str(v) for name, v in self._settings.items()}

    def spawn(self) -> None:
        """Start it, without waiting."""
        arguments = ["--port", str(self.port), "--control-port", str(self.control_port)]
        arguments += ["--edges", str(self.edges), *self._options]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._command, *arguments, "--json"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                process_group=0,
            )

    def start(self) -> Server:
        """Start it and wait until every part is ready."""
        self.spawn()
        assert self.process is not None
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], READY_S)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.stop()
            raise AssertionError(f"serve did not come up:\n{self.log()}")
        self.addresses: dict[str, Any] = json.loads(line)
        return self

    def stop(self, timeout_s: float = 10) -> int:
        """Ask it to end; return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE * timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"serve did not end:\n{self.log()}") from None
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def log(self) -> str:
        """Return everything that it and its parts have logged."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def url(self, path: str = "/") -> str:
        """Return an address of the listeners' site."""
        scheme = "https" if self._settings.get("tls_certificate") else "http"
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def control_url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.control_port}{path}"

    def watch_url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.watch_port}{path}"

    def stage_url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.stage_port}{path}"

    def api(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Call control as the operator; fail unless it says yes."""
        token = operator_token(self.folder)
        answer = httpx.request(
            method,
            self.control_url(path),
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
            **arguments,
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result

    def create_room(
        self, title: str = "A conversation", *, in_s: float = 1.0, speakers: int = 2, **more: Any
    ) -> RoomMade:
        """Create a room whose hour is `in_s` seconds from now; up to a second, that is now."""
        at_ms = self.now_ms() + round(in_s * 1000)
        hour = {"at_ms": at_ms} if in_s > 1 else {"at": "now"}
        wish = {"title": title, **hour, "speakers": speakers, **more}
        return RoomMade(self, self.api("POST", "/api/rooms", json=wish))

    def parts(self) -> dict[str, dict[str, Any]]:
        """Return what the supervisor runs: name → pid, spare_pid, restarts."""
        parts: dict[str, dict[str, Any]] = json.loads(self.folder.parts.read_bytes())
        return parts

    def pid(self, part: str) -> int:
        return int(self.parts()[part]["pid"])

    def kill(self, part: str) -> int:
        """`kill -9` a part; return the pid that it had."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, part: str, old_pid: int, timeout_s: float = 10) -> int:
        """Return the new pid once the supervisor has replaced the old one."""

        def replaced() -> int | None:
            pid = self.parts()[part]["pid"]
            return int(pid) if pid not in (None, old_pid) else None

        return int(wait_until(replaced, timeout_s, f"{part} is started again"))

    def wait_spares(self, timeout_s: float = 20) -> None:
        """Return once stage and origin each have a spare process."""
        names = ("stage", "origin")
        wait_until(
            lambda: all(self.parts()[name]["spare_pid"] for name in names),
            timeout_s,
            "spares are there",
        )


@contextmanager
def serving(tmp_path: Path, **options: Any) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    server = Server(tmp_path / "data", **options)
    try:
        yield server.start()
    finally:
        server.stop()


def iso(at_ms: int) -> str:
    """Return Unix milliseconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
