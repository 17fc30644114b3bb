"""An edge knows whom it serves, from the first byte to the last."""

from pathlib import Path

from support.edge import Client, edge_running, eventually


def test_peers_are_known_while_they_are_connected_and_forgotten_after(tmp_path: Path) -> None:
    with edge_running(tmp_path) as running:
        running.on_air(3)
        peers = running.edge.networks.peers
        with running.ear(), Client(running.port) as client:
            client.get("/healthz").response()
            assert list(peers.values()) == [b"\x7f\0\0\x01"] * 2
        eventually(lambda: not peers)
