"""What an edge tells of a room: when its first part went out is kept, whatever comes late."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from stentor.admission.ladder import LoadFacts
from stentor.admission.line import Sheet
from stentor.edge.counts import Counts
from stentor.edge.networks import NetworkLimits, Networks
from stentor.edge.rooms import Rooms
from stentor.edge.telling import Telling
from stentor.feed.wire import Kind, Message
from stentor.rooms.audience import DoorFacts
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state
from stentor.shield.facts import EdgeSecond, RoomSecond


class NobodyListens:
    """Stands for the push: no room has a listener."""

    def total(self, room: str) -> None:
        """Nobody was ever here."""


class Edge:
    """One edge's rooms, and what it tells of them."""

    def __init__(self, tmp_path: Path) -> None:
        self._heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._heard.bind(str(tmp_path / "watch"))
        self.rooms = Rooms(parts_max=20, rooms_max=3)
        self.telling = Telling(
            watch=tmp_path / "watch",
            event_key=tmp_path / "key",
            index=0,
            counts=Counts(),
            networks=Networks(NetworkLimits()),
        )

    def part(self, number: int) -> None:
        self.rooms.apply(Message(Kind.PART, "hall", "aac48", number, 0, b"part"), 0)

    def state(self, phase: Phase) -> None:
        state = RoomState("hall", "Hall", phase, 0, sample_index=0, revision=1)
        self.rooms.apply(Message(Kind.STATE, "hall", payload=encode_state(state)), 0)

    def second(self, now_ms: int) -> dict[str, RoomSecond]:
        return self.told(now_ms).rooms

    def told(self, now_ms: int, *, connections: int = 0, unserved: int = 0) -> EdgeSecond:
        self.telling.second(
            now_ms,
            rooms=list(self.rooms.by_id.values()),
            push=NobodyListens(),  # type: ignore[arg-type]
            load=LoadFacts(),
            connections=connections,
            unserved=unserved,
            door=DoorFacts(),
            sheet=Sheet(),
            listening_fd=-1,
            leads=False,
            policy=0,
            listening_of=lambda _network: 0,
        )
        return msgspec.msgpack.decode(self._heard.recv(1 << 18), type=EdgeSecond)

    def close(self) -> None:
        self.telling.close()
        self._heard.close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    edge = Edge(tmp_path)
    yield edge
    edge.close()


def test_when_the_first_part_went_out_is_told_although_the_rooms_state_came_later(
    edge: Edge,
) -> None:
    edge.part(0)
    edge.telling.part_zero("hall", 5_000)
    assert edge.second(6_000) == {}
    edge.state(Phase.LIVE)
    edge.part(1)
    assert edge.second(7_000)["hall"].first_part_ms == 5_000


def test_a_room_that_was_retired_is_forgotten(edge: Edge) -> None:
    edge.part(0)
    edge.state(Phase.LIVE)
    edge.telling.part_zero("hall", 5_000)
    assert edge.second(6_000)["hall"].first_part_ms == 5_000
    edge.rooms.retire(edge.rooms.by_id["hall"])
    assert edge.second(7_000) == {}
    assert not edge.telling.begun


def test_how_many_wait_for_tls_is_told_beside_all_connections(edge: Edge) -> None:
    load = edge.told(6_000, connections=20, unserved=7).load
    assert (load.connections, load.unserved) == (20, 7)
