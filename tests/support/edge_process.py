"""A real edge in a process of its own, where a limit of the process is to be met."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stentor.base.paths import DataFolder
from stentor.base.settings import Settings, as_environment
from stentor.rooms.orders import Phase
from support.edge import Ear, eventually
from support.network import free_ports
from support.programme import FeedThread, Programme

_RUN = """
from pathlib import Path
from stentor.base.clock import SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import load_settings
from stentor.edge.serve import run_edge
settings = load_settings()
run_edge(settings, DataFolder(Path(settings.data)), SystemClock(), 0)
"""


class EdgeProcess:
    """What a test needs of it: a port, a programme, counters, and what it wrote to its log."""

    def __init__(self, process: subprocess.Popen[bytes], settings: Settings, log: Path) -> None:
        self.process = process
        self.settings = settings
        self.port = settings.port
        self.log = log
        self._metrics_port = settings.metrics_port_used + 1
        self.feed = FeedThread(DataFolder(Path(settings.data)).origin_feed)
        self.programme = Programme(self.feed)

    @property
    def pid(self) -> int:
        return self.process.pid

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def count(self, name: str) -> float:
        """Return a metric's value; raises `OSError` while it cannot be had."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=5
        ) as answer:
            found = re.search(rf"^stentor_edge_{name} (\S+)$", answer.read().decode(), re.M)
        assert found, name
        return float(found[1])

    def on_air(self, parts: int) -> EdgeProcess:
        self.programme.open_doors()
        self.programme.state(Phase.LIVE)
        self.programme.parts(parts)
        eventually(lambda: self.count("parts_total") >= 3 * parts)
        return self

    def ear(self, rendition: str = "aac48", receive_bytes: int | None = None) -> Ear:
        target = f"/r/{self.programme.room}/live.mp4?rendition={rendition}"
        return Ear(self.port, target, receive_bytes)


@contextlib.contextmanager
def edge_process(
    tmp_path: Path, command: Sequence[str] = (sys.executable, "-c", _RUN), **more: Any
) -> Iterator[EdgeProcess]:
    """Run an edge; `command` is for a test that wants it started as a server starts it."""
    first = free_ports(16)
    settings = Settings(port=first, control_port=first + 1, data=str(tmp_path / "data"), **more)
    log = tmp_path / "edge.log"
    environment = {**os.environ, **as_environment(settings)}
    with log.open("wb") as written:
        process = subprocess.Popen(tuple(command), env=environment, stdout=written, stderr=written)
    edge = EdgeProcess(process, settings, log)
    edge.feed.start()
    try:
        eventually(lambda: edge.feed.subscribers == 1 and b"edge_open" in log.read_bytes(), 20)
        yield edge
        assert process.poll() is None, log.read_text()
        assert edge.count("faults_total") == 0, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        edge.feed.stop()
