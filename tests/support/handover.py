"""A successor of a running edge, and somebody between the two who may cut the line at any word."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stentor.base.clock import SystemClock
from stentor.base.settings import Settings
from stentor.edge import passing
from stentor.edge.edge import Edge
from stentor.edge.passing import Channel, Word
from stentor.edge.takeover import Predecessor
from support.edge import RunningEdge, eventually


def take_over(running: RunningEdge, path: Path | None = None, **settings: Any) -> Edge:
    """Return an edge, not yet running, that has taken over from the running one."""
    folder = running.folder
    predecessor = Predecessor(path or folder.handover(0), 0)
    edge = Edge(
        Settings(port=0, data=str(folder.root), **settings),
        folder,
        SystemClock(),
        0,
        predecessor=predecessor,
    )
    try:
        edge.take_over(predecessor)
    except BaseException:
        edge.close()  # as the end of its process would
        raise
    return edge


@contextlib.contextmanager
def going_on(edge: Edge) -> Iterator[Edge]:
    """Run an edge that has taken over."""
    thread = threading.Thread(target=edge.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: edge._handover is not None)
        yield edge
        assert edge.loop.faults_total == 0, "the successor had a fault; see its log"
    finally:
        edge.stop()
        thread.join(5)


class Between:
    """Passes words on in both directions until `cut` says so: then both ends are closed."""

    def __init__(self, path: Path, old: Path, cut: Callable[[Word], bool], *, after: bool) -> None:
        self._door = passing.serve(path)
        self._door.settimeout(5)
        self._old = old
        self._cut = cut
        self._after = after  # the word at which it is cut still arrives
        self.was_cut = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        new_socket, _ = self._door.accept()
        new, old = Channel(new_socket), passing.call(self._old, 5)
        new.settimeout(5)
        ways = [(new, old), (old, new)]
        threads = [threading.Thread(target=self._pass, args=way, daemon=True) for way in ways]
        for thread in threads:
            thread.start()
        self.was_cut.wait(10)
        for channel in (new, old):
            with contextlib.suppress(OSError):
                channel._socket.shutdown(2)
        for thread in threads:
            thread.join(5)
        new.close()
        old.close()

    def _pass(self, one: Channel, other: Channel) -> None:
        with contextlib.suppress(OSError):
            while (heard := one.hear()) is not None:
                word, descriptors = heard
                cut = self._cut(word)
                if not cut or self._after:
                    other.say(word, descriptors)
                passing.close_all(descriptors)
                if cut:
                    break
        self.was_cut.set()

    def close(self) -> None:
        self._door.close()
        self.was_cut.set()
        self._thread.join(5)
