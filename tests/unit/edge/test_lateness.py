"""How late deliveries are is known while they are late, not only when all is made up for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.base.clock import ManualClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.edge import Edge
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state
from support.programme import init_of, part_of

AAC = RENDITIONS["aac48"]
ROOMS = [f"room-{number}" for number in range(60)]
LOOK_S = 0.06


class SlowMachine:
    """One edge whose every look at its watch takes a while; a listener in each room."""

    def __init__(self, folder: Path) -> None:
        self.now_ns = 1_000_000_000
        self.edge = Edge(
            Settings(port=0, data=str(folder)),
            DataFolder(folder),
            ManualClock(),
            0,
            now_ns=self._look,
        )
        self.sockets: list[socket.socket] = []
        self._said(Kind.INIT, payload=init_of(AAC))
        for name in ROOMS:
            state = encode_state(RoomState(name, name, Phase.LIVE, 0, revision=1))
            self.edge.broadcast.apply([Message(Kind.STATE, name, payload=state)])
        self.part(0)
        for name in ROOMS:
            ours, theirs = socket.socketpair()
            self.sockets.append(ours)
            ours.sendall(
                f"GET /r/{name}/live.mp4?rendition=aac48 HTTP/1.1\r\nHost: a\r\n\r\n".encode()
            )
            theirs.setblocking(False)
            self.edge._public._let_in(theirs.detach(), b"\x7f\0\0\1", 1)

    def _look(self) -> int:
        self.now_ns += round(LOOK_S * 1e9)
        return self.now_ns

    def _said(self, kind: Kind, number: int = 0, payload: bytes = b"") -> None:
        at = number, number * PART_SAMPLES
        self.edge.broadcast.apply(Message(kind, name, AAC.name, *at, payload) for name in ROOMS)

    def part(self, number: int) -> None:
        self._said(Kind.PART, number, part_of(AAC, number))

    def late_s(self) -> float:
        """Return how late the edge holds itself to be; smoothed, so half of what it sees first."""
        self.edge.steps.second(self.now_ns)
        return self.edge.steps.meter.facts.late_s

    def close(self) -> None:
        for one in self.sockets:
            one.close()
        self.edge.close()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[SlowMachine]:
    machine = SlowMachine(tmp_path)
    yield machine
    machine.close()


def test_edge_that_is_never_done_delivering_knows_how_late_it_is(slow: SlowMachine) -> None:
    loop = slow.edge.loop
    while slow.edge.push.deliver(slow.now_ns):  # the first part
        pass
    slow.late_s()
    slow.part(1)
    for _ in range(len(ROOMS) // 2):
        loop.first()
        assert loop.in_haste
    first = slow.late_s()
    slow.part(2)  # before all have had the one before it
    for _ in range(len(ROOMS) // 4):
        loop.first()
        assert loop.in_haste
    assert 0.5 < first < slow.late_s()
