"""With its descriptors used up, an edge says so, keeps its listeners, and recovers by itself."""

from __future__ import annotations

import resource
from contextlib import ExitStack, suppress
from pathlib import Path

from support.edge import Client, eventually
from support.edge_process import EdgeProcess, edge_process
from support.present import listeners_present


def _refused(edge: EdgeProcess) -> bool:
    """Say whether somebody who comes now is told that there is no place."""
    with Client(edge.port) as client:
        answer = client.get("/healthz").response()
        return answer.status == 503 and answer.json()["type"].endswith("edge-full")


def _in(edge: EdgeProcess) -> bool:
    with suppress(AssertionError, OSError), Client(edge.port) as client:
        return client.get("/healthz").response().status == 200
    return False


def test_edge_without_descriptors_tells_who_comes_and_recovers(tmp_path: Path) -> None:
    with edge_process(tmp_path) as edge, listeners_present(edge), ExitStack() as stack:
        held = [stack.enter_context(Client(edge.port)) for _ in range(10)]
        for client in held:
            assert client.get("/healthz").response().status == 200
        _, hard = resource.prlimit(edge.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(edge.pid, resource.RLIMIT_NOFILE, (edge.descriptors(), hard))
        while not _refused(edge):  # the last holes among its descriptors are filled first
            held.append(stack.enter_context(Client(edge.port)))
            assert len(held) < 30
        assert all(_refused(edge) for _ in range(5))
        assert held[0].get("/healthz").response().status == 200, "who is in is served"
        assert b"edge_takes_nobody" in edge.log.read_bytes()
        for client in held:
            client.close()
        eventually(lambda: _in(edge))
        assert edge.count("refused_connections_total") >= 6
