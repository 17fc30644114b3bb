"""How many listen: what edges say, summed, as long as it is fresh."""

from __future__ import annotations

import socket
import time

import msgspec

from stentor.rooms.audience import DoorFacts, EdgeFacts, RoomAudience
from support.control import ControlProcess, token_of


def say(control: ControlProcess, datagram: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as edge:
        edge.sendto(datagram, str(control.folder.audience_socket))


def facts(edge: str, room: str, **counts: int) -> bytes:
    listeners = counts.get("listeners", 0)
    by = {"by_rendition": {"aac48": listeners}, "by_lane_ms": {"960": listeners}}
    audience = RoomAudience(**by, **counts)
    step = "line" if edge == "edge-1" else "slower"
    door = DoorFacts(step=step, lane_ms=960, line=True, waiting=7, per_minute=60)
    return msgspec.json.encode(EdgeFacts(edge, 0, {room: audience}, door))


def test_audience_is_the_sum_of_fresh_edges(control: ControlProcess) -> None:
    room = control.create_room()
    path, token = f"/api/rooms/{room['room']}/audience", token_of(room, "host")
    assert control.call("GET", path, token=token).json()["listeners"] == 0
    say(control, b"not facts")
    say(control, b"\xff" * 10_000)
    say(control, facts("edge-0", room["room"], listeners=3, waiting=1))
    say(control, facts("edge-1", room["room"], listeners=4, lagging=1))
    say(control, facts("edge-0", room["room"], listeners=5, waiting=2))
    deadline = time.monotonic() + 30
    while (answer := control.call("GET", path, token=token).json())["listeners"] != 9:
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)
    assert answer["edges"] == 2
    assert answer["waiting"] == 2
    assert answer["lagging"] == 1
    assert answer["by_rendition"] == {"aac48": 9}
    assert answer["by_lane_ms"] == {"960": 9}
    assert answer["door"]["step"] == "line"
    assert answer["door"]["waiting"] == 7
    metrics = control.client.get("/metrics").text
    assert 'stentor_audience_listeners{way="push"} 9.0' in metrics
    assert "stentor_audience_unreadable_total 2.0" in metrics
    deadline = time.monotonic() + 30
    while control.call("GET", path, token=token).json()["edges"]:  # they say nothing any more
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert control.call("GET", path, token=token).json()["listeners"] == 0
