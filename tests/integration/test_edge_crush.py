"""More come at once than the kernel will hold for an edge: each hears so, and is let in later."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from stentor.admission.tickets import Kind, Ticket, Tickets
from stentor.base.secrets import door_key
from stentor.edge.crush import CrushAnswers
from support.edge import Client, RunningEdge, edge_running, eventually

BACKLOG = 32
CROWD = 30  # all of whom the kernel holds


def come_at_once(edge: RunningEdge, target: str) -> list[Client]:
    """Let so many come while the edge looks at nobody."""
    public = edge.edge._public
    public.pause()
    time.sleep(0.01)  # a turn that had begun is over; if not, one fewer waits
    crowd = [Client(edge.port).get(target) for _ in range(CROWD)]
    # So it stands after a turn that left some behind.
    public._left_some = True
    public._waiting = True
    public.resume()
    return crowd


def told(crowd: list[Client]) -> list[dict[str, Any]]:
    found = []
    for client in crowd:
        status, headers = client.head()
        if status == 503:
            while len(client.buffer) < int(headers["content-length"]):
                assert client._more()
            assert client.closed()
            length = int(headers["content-length"])
            found.append(json.loads(client.buffer[:length]))
        client.close()
    return found


def test_crowd_that_fills_the_queue_is_told_at_once_and_let_in_when_it_comes_again(
    tmp_path: Path,
) -> None:
    with edge_running(tmp_path, edge_backlog=BACKLOG, edge_accepts_per_turn=4) as edge:
        edge.on_air(20)
        room, counts = edge.programme.room, edge.edge.counts
        target = f"/r/{room}/live.mp4"
        said: list[dict[str, Any]] = []

        def was_crushed() -> bool:
            said[:] = told(come_at_once(edge, target))
            return bool(counts.line_shared)

        eventually(was_crushed, 20)
        assert said
        assert all(one["shared"] for one in said)
        assert len(said) <= CROWD - BACKLOG // 2 + 4 + 1, "from half the queue on, all are let in"
        with edge.ear() as ear:  # and the crowd over, nobody is told anything
            ear.listen(lambda: ear.parts)
        with Client(edge.port).get(f"{target}?ticket={said[0]['ticket']}") as client:
            assert client.head()[0] == 200


def test_shared_place_is_worth_one_of_one_s_own_and_speaks_for_nobody(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_admissions_per_s_max=0.02) as edge:
        edge.on_air(20)
        room, counts = edge.programme.room, edge.edge.counts
        target = f"/r/{room}/live.mp4"

        def in_line() -> bool:
            with Client(edge.port).get(target) as client:
                return client.head()[0] == 503

        eventually(in_line)
        tickets = Tickets(door_key(edge.folder))
        now_ms = round(time.time() * 1000)
        came_ms = edge.edge.door.sheet.serving_ms + 1_000
        shared = tickets.write(
            Ticket(Kind.SHARED, 0, 1, came_ms, now_ms // 1000, now_ms // 1000 + 60), room
        )
        for _ in range(2):
            with Client(edge.port).get(f"{target}?ticket={shared}") as client:
                said = client.response().json()
            own = tickets.check(
                said["ticket"], room, tickets.network_of(b"\x7f\0\0\1"), round(time.time() * 1000)
            )
            assert isinstance(own, Ticket)
            assert own.kind is Kind.LINE
            assert own.place_ms == came_ms, "as old as the crowd that it came with"
            assert "shared" not in said
        assert counts.tickets_replayed == 0
        assert not edge.edge._lookout.shielding._tickets.did(b"\x7f\0\0\1", now_ms)


def test_crush_tells_nobody_to_come_again_to_a_room_that_is_none_or_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrushAnswers, "look", lambda crush, *_: setattr(crush, "on", True))
    with edge_running(tmp_path) as edge:
        edge.on_air(20)

        def status(room: str) -> int:
            public = edge.edge._public
            public.pause()
            time.sleep(0.01)
            with Client(edge.port).get(f"/r/{room}/live.mp4") as client:  # has said it already
                public._waiting = True
                public.resume()
                return client.head()[0]

        eventually(lambda: status(edge.programme.room) == 503)
        assert status("none") == 404
        edge.programme.end()
        eventually(lambda: status(edge.programme.room) == 410, 20)
