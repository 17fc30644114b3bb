"""Control alone, as a real process on a free port, with a data folder of its own.

with controlling(tmp_path) as control:
    room = control.create_room()
    control.call("POST", f"/api/rooms/{room['room']}/start", token=control.token_of(room, "host"))
    control.kill()     # kill -9
    control.start()    # and up again on the same folder and port
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key, operator_token
from stentor.rooms.orders import Orders, decode_orders
from support.network import free_port

READY_S = 60.0
PROBLEM = "application/problem+json"


class ControlProcess:
    """One control process and the way to talk to it."""

    def __init__(
        self,
        data: Path,
        settings: Mapping[str, object] | None = None,
        command: tuple[str, ...] = (sys.executable, "-m", "stentor", "part", "control"),
        before_start: Callable[[], None] | None = None,
    ) -> None:
        self.folder = DataFolder(data)
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.operator = operator_token(self.folder)
        self.link_key = link_key(self.folder)
        self.log_path = data / "control.log"
        self._command = command
        self._before_start = before_start
        self.settings = {
            "data": data,
            "control_port": self.port,
            "control_acts_per_s": 1_000,
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=self.base, timeout=20, trust_env=False)

    @property
    def environment(self) -> dict[str, str]:
        base = {name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")}
        return base | {f"STENTOR_{name.upper()}": str(v) for name, v in self.settings.items()}

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it, without waiting."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=self._before_start,
            )
        return self.process

    def start(self) -> ControlProcess:
        """Start it and wait until it answers."""
        process = self.spawn()
        deadline = time.monotonic() + READY_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                if self.client.get("/healthz").status_code == 200:
                    return self
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"control did not come up:\n{self.log()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"control did not end:\n{self.log()}") from None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def call(
        self, method: str, path: str, json: object = None, token: str | None = None, **more: Any
    ) -> httpx.Response:
        """Ask, as the operator if no token is given; check what every answer must have."""
        headers = {"Authorization": f"Bearer {self.operator if token is None else token}"}
        headers |= more.pop("headers", {})
        answer = self.client.request(method, path, json=json, headers=headers, **more)
        assert answer.status_code != 500, self.log()
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers
        if answer.is_error:
            assert answer.headers["content-type"] == PROBLEM, answer.text
            assert answer.json()["status"] == answer.status_code
        return answer

    def create_room(
        self, title: str = "Town hall", at: str = "+10m", **more: Any
    ) -> dict[str, Any]:
        answer = self.call("POST", "/api/rooms", {"title": title, "at": at, **more})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def orders(self, room: str) -> Orders:
        """Return the orders as stage and origin find them."""
        return decode_orders((self.folder.orders / f"{room}.json").read_bytes())


def link_of(room: Mapping[str, Any], role: str, index: int = 0) -> dict[str, Any]:
    """Return a room's link of that role."""
    links: list[dict[str, Any]] = [link for link in room["links"] if link["role"] == role]
    return links[index]


def token_of(room: Mapping[str, Any], role: str, index: int = 0) -> str:
    """Return the token in a link."""
    return str(link_of(room, role, index)["url"]).partition("#key=")[2]


@contextlib.contextmanager
def controlling(
    data: Path, settings: Mapping[str, object] | None = None, **more: Any
) -> Iterator[ControlProcess]:
    """Run control for the length of a block."""
    control = ControlProcess(data, settings, **more)
    try:
        yield control.start()
    finally:
        control.client.close()
        if control.process is not None:
            control.stop()
