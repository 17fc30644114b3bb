"""This edge as it runs in production: `run_edge` in processes of its own, fed by a real feed."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import threading
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from side_by_side.pacing import Pace
from side_by_side.processes import answers, free_port, wait_until
from side_by_side.programme import RENDITION, Timeline
from side_by_side.target import Target, get
from stentor.admission.lanes import period_s, target_s
from stentor.base.clock import SharedClock, SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.serve import run_edge
from stentor.media.grid import PART_S
from stentor.rooms.orders import Phase
from support.programme import FeedThread, Programme

_WINDOW_PARTS = 200
_PR_SET_PDEATHSIG = 1


def _run(settings: Settings, root: str, index: int, cores: tuple[int, ...]) -> None:
    os.sched_setaffinity(0, cores)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # the parent may be killed
    with (Path(root) / f"edge-{index}.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    run_edge(settings, DataFolder(Path(root)), SystemClock(), index)


class StentorEdge:
    """Edges whose fastest lane is one of `parts` parts."""

    def __init__(
        self,
        folder: Path,
        timeline: Timeline,
        cores: tuple[int, ...],
        parts: int,
        certificates: Path | None = None,
    ) -> None:
        self.folder = DataFolder(folder)
        self.timeline = timeline
        self._cores = cores
        self.port = free_port()
        wanted: dict[str, Any] = {
            "port": self.port,
            "control_port": free_port(),
            "data": str(folder),
            "edge_lane_ms_min": round(period_s(parts) * 1000),
            "edge_lane_ms_max": round(period_s(parts) * 1000),
            "edge_network_exempt": "127.0.0.0/8",  # peers have no limits of networks
        }
        if certificates is not None:
            wanted |= {
                "tls_certificate": str(certificates / "certificate.pem"),
                "tls_key": str(certificates / "key.pem"),
            }
        self._settings = Settings(**wanted)
        self._edges: list[SpawnProcess] = []
        self._feed = FeedThread(self.folder.origin_feed, parts_max=_WINDOW_PARTS)
        path = f"/r/town-hall/live.mp4?rendition={RENDITION.name}"
        self.target = Target(
            self.port, "mp4", get(path), target_s(parts), tls=certificates is not None
        )

    @property
    def version(self) -> str:
        """The commit."""
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
        )
        return f"stentor/{told.stdout.strip()}"

    @property
    def pids(self) -> list[int]:
        """The edges'."""
        return [edge.pid or 0 for edge in self._edges]

    def start(self) -> None:
        """Start the feed with what is over already, then the edges."""
        clock = SharedClock(self.folder.clock)
        self._feed.start()
        epoch_ms = (clock.now_ns() - (time.monotonic_ns() - self.timeline.epoch_ns)) // 1_000_000
        programme = Programme(self._feed, epoch_ms=epoch_ms)
        programme.open_doors()
        programme.state(Phase.LIVE)
        self._pace = Pace(self.timeline, PART_S, lambda _number: programme.parts(1))
        self._pace.start()
        context = multiprocessing.get_context("spawn")
        root = str(self.folder.root)
        for index in range(len(self._cores)):
            edge = context.Process(
                target=_run, args=(self._settings, root, index, self._cores), daemon=True
            )
            edge.start()
            self._edges.append(edge)
        wait_until(self._ready, 20, "the edges' start")
        programme.state(Phase.LIVE)

    def _ready(self) -> bool:
        if not all(edge.is_alive() for edge in self._edges):
            raise RuntimeError("an edge has ended; its trace is above")
        return self._feed.subscribers >= len(self._edges) and answers(self.port)

    def stop(self) -> None:
        """End them."""
        for edge in self._edges:
            edge.terminate()
        for edge in self._edges:
            edge.join(3)
            if edge.is_alive():
                edge.kill()
        if self._edges:
            self._pace.stop()
        threading.Thread(target=self._feed.stop, daemon=True).start()
