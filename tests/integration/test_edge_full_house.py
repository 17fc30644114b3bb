"""An edge without room for more, over real sockets: who comes is told so, and gets a free place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stentor.admission.ladder import Step
from support.edge import Client, RunningEdge, edge_running, eventually

PLACES = 100


def ask(edge: RunningEdge, ticket: str = "") -> tuple[Client, int, dict[str, Any]]:
    client = Client(edge.port)
    query = f"?ticket={ticket}" if ticket else ""
    client.get(f"/r/{edge.programme.room}/live.mp4{query}")
    status, headers = client.head()
    if status == 200:
        return client, status, {}
    while len(client.buffer) < int(headers["content-length"]):
        assert client._more()
    client.close()
    return client, status, json.loads(client.buffer)


def test_who_does_not_fit_is_told_that_it_is_full_and_comes_in_when_somebody_leaves(
    tmp_path: Path,
) -> None:
    with edge_running(tmp_path, edge_connections_max=PLACES, door_network_per_s=0.0) as edge:
        edge.on_air(20)
        door = edge.edge.door
        eventually(lambda: door.room < PLACES, timeout_s=20)  # the ladder has looked
        inside: list[Client] = []
        said: dict[str, Any] = {}

        def is_full() -> bool:
            client, status, told = ask(edge, said.get("ticket", ""))
            if status == 200:
                inside.append(client)
                said.clear()
            elif "ticket" in told:  # not so: a moment's connections are too many
                said.update(told)
            return bool(said.get("full"))

        eventually(is_full, timeout_s=30)
        assert said["type"] == "urn:stentor:problem:line"
        assert PLACES * 0.8 <= len(inside) < PLACES
        eventually(lambda: edge.edge.steps.decision.step is Step.LINE, timeout_s=20)
        assert edge.edge.steps.decision.fastest_parts == 1, "slower lanes would make no room"
        door_json = f"/r/{edge.programme.room}/door.json"
        eventually(lambda: not edge.get(door_json).json()["open"], timeout_s=20)
        assert edge.edge.push.listeners == len(inside)
        for _ in range(3):
            inside.pop().close()

        def comes_in() -> bool:
            client, status, _ = ask(edge, said["ticket"])
            if status == 200:
                inside.append(client)
            return status == 200

        eventually(comes_in, timeout_s=30)
        assert edge.edge.push.listeners == len(inside)
        for one in inside:
            one.close()
