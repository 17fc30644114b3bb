"""An edge and its successor: nobody hears the change, and whatever fails, one of them goes on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stentor.base.errors import UnavailableError
from stentor.edge import passing
from stentor.edge.passing import Batch, Begin, Estate, Frozen, Hello, Refused, Serving, Taken, Word
from stentor.edge.takeover import Predecessor
from stentor.rooms.orders import Phase
from support.edge import Client, Ear, RunningEdge, edge_running, eventually
from support.handover import Between, going_on, take_over

_ROOM = "/r/town-hall"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as one:
        eventually(one.folder.handover(0).exists)
        yield one


class Tap(Client):
    """Everything that a listener is sent, as it comes, and no faster than they want it."""

    def __init__(self, port: int, query: str, receive_bytes: int | None = None) -> None:
        super().__init__(port, receive_bytes)
        self.get(f"{_ROOM}/live.mp4?{query}")
        self.head()

    def all(self) -> bytes:
        self.socket.settimeout(5)
        while self._more():
            pass
        return self.buffer


def _streams(folder: Path, *, hand_over: bool) -> list[bytes]:
    """Return what listeners of many kinds are sent from joining to the end."""
    with ExitStack() as stack:
        running = stack.enter_context(edge_running(folder, edge_unsent_bytes=4096))
        eventually(running.folder.handover(0).exists)
        programme, port = running.programme, running.port
        running.on_air(60)
        queries = [f"rendition={name}" for name in ("aac48", "opus24", "aac96")]
        queries += [f"rendition=aac48&period={ms}" for ms in (960, 1920, 3840)]
        taps = [Tap(port, query) for query in queries]
        slow = [Tap(port, query, 2048) for query in queries]
        eventually(lambda: running.edge.push.listeners == len(taps + slow))
        edge = running.edge
        for step in range(14):
            programme.parts(1)
            running.has_parts(61 + step)
            if step == 5:
                programme.state(Phase.LIVE)
            if hand_over and step in (6, 7):
                # What waits for the next part, and who is behind, go over as they are.
                behind = sum(len(lane.behind) for lane in edge.push.lanes())
                assert behind >= 3
                edge = stack.enter_context(going_on(take_over(running)))
                running.edge = edge
                assert edge.push.listeners == len(taps + slow)
                assert sum(len(lane.behind) for lane in edge.push.lanes()) == behind
        programme.end()
        return [tap.all() for tap in taps + slow]


def test_bytes_that_a_listener_gets_are_the_same_with_a_handover(tmp_path: Path) -> None:
    without = _streams(tmp_path / "without", hand_over=False)
    twice = _streams(tmp_path / "with", hand_over=True)
    for expected, got in zip(without, twice, strict=True):
        assert len(expected) > 20_000
        assert got == expected
