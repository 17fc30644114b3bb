"""Runs one edge in this process until it is told to stop; the entry that the assembly calls."""

import gc
import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import msgspec

from stentor.base.clock import Clock
from stentor.base.errors import StentorError
from stentor.base.files import replace_file
from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.edge import Edge
from stentor.edge.takeover import Predecessor


def run_edge(
    settings: Settings, folder: DataFolder, clock: Clock, index: int, *, take_over: bool = False
) -> None:
    """Serve listeners until SIGTERM or SIGINT; with `take_over` those of the edge that runs now.

    Raises `UnavailableError` if they could not be taken; then that edge goes on with them.
    """
    try:
        _run_edge(settings, folder, clock, index, take_over=take_over)
    except StentorError as error:
        if take_over:
            _tell(folder.taken_over(index), {"why": str(error)})
        raise


def _run_edge(
    settings: Settings, folder: DataFolder, clock: Clock, index: int, *, take_over: bool
) -> None:
    predecessor = Predecessor(folder.handover(index), index) if take_over else None
    edge = Edge(settings, folder, clock, index, predecessor=predecessor)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        edge.stop()

    # What was made so far stays for good: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    if predecessor is not None:
        taken = edge.take_over(predecessor)
        log().info("edge_took_over", listeners=taken.listeners, gap_ms=taken.gap_ms)
        # Not here: the disk may take its time, and people are listening.
        threading.Thread(target=_tell, args=(folder.taken_over(index), asdict(taken))).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    log().info(
        "edge_starts", port=edge.port, connections_max=edge.limits.connections_max, index=index
    )
    edge.run()
    log().info("edge_stopped", index=index)


def _tell(path: Path, facts: Mapping[str, object]) -> None:
    replace_file(path, msgspec.json.encode({"pid": os.getpid(), **facts}))
