"""An edge and its successor: nobody hears the change, and whatever fails, somebody goes on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stentor.base.clock import SystemClock
from stentor.base.errors import UnavailableError
from stentor.base.settings import Settings
from stentor.edge import handover, passing, takeover
from stentor.edge.edge import Edge
from stentor.edge.takeover import Predecessor
from stentor.rooms.orders import Phase
from support.edge import Client, Ear, RunningEdge, edge_running, eventually


@contextlib.contextmanager
def succeeding(running: RunningEdge, **settings: Any) -> Iterator[Edge]:
    """Replace the edge that runs by a new one."""
    folder = running.folder
    predecessor = Predecessor(folder.handover(0), 0)
    edge = Edge(
        Settings(port=0, data=str(folder.root), **settings),
        folder,
        SystemClock(),
        0,
        predecessor=predecessor,
    )
    edge.take_over(predecessor)
    thread = threading.Thread(target=edge.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: edge._handover is not None)
        yield edge
        assert edge.loop.faults_total == 0
    finally:
        edge.stop()
        thread.join(5)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as one:
        eventually(lambda: one.folder.handover(0).exists())
        yield one


def raw(ear: Ear) -> bytes:
    """Return everything that came since, as it came."""
    return ear.buffer


def test_bytes_of_listeners_are_the_same_through_a_handover(running: RunningEdge) -> None:
    running.on_air(30)
    ears = [running.ear(rendition) for rendition in ("aac48", "opus24", "aac96") * 3]
    running.programme.parts(3)
    for ear in ears:
        ear.listen(lambda ear=ear: ear.parts[-1] == 32)
    with succeeding(running) as edge:
        assert edge.push.listeners == len(ears)
        eventually(lambda: running.edge.push.listeners == 0)
        running.programme.parts(4)
        running.programme.state(Phase.LIVE, title_of_pin="x") if False else None
        for ear in ears:
            ear.listen(lambda ear=ear: ear.parts[-1] == 36)
            assert ear.parts == list(range(ear.parts[0], 37))
        late = Ear(edge.port, "/r/town-hall/live.mp4?rendition=aac48")
        late.listen(lambda: late.parts[-1] >= 36)
        running.programme.end()
        for ear in (*ears, late):
            ear.listen(lambda ear=ear: ear.ended)
        first = {ear.parts[0]: ear for ear in ears[::3]}
        for ear in ears[::3]:
            same = first[ear.parts[0]]
            assert ear.media == same.media
