"""Runs one edge in this process until it is told to stop; the entry that the assembly calls."""

import gc
import signal
from types import FrameType

from stentor.base.clock import Clock
from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.edge import Edge


def run_edge(settings: Settings, folder: DataFolder, clock: Clock, index: int) -> None:
    """Serve listeners until SIGTERM or SIGINT."""
    edge = Edge(settings, folder, clock, index)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        edge.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # What was made so far stays for good: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    log().info(
        "edge_starts", port=edge.port, connections_max=edge.limits.connections_max, index=index
    )
    edge.run()
    log().info("edge_stopped", index=index)
