"""Behind a front: who comes is who the front says, and nobody else may say so."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from stentor.base.paths import DataFolder
from stentor.media.renditions import RENDITIONS
from support.edge import Client, Ear, RunningEdge, edge_running, eventually
from support.fronts import haproxy, nginx
from support.programme import part_of
from support.programs import needs_program
from support.seconds import watch_of
from support.tls import Greeting, Pair

HERE = "127.0.0.1"
AAC = RENDITIONS["aac48"]


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def peers(running: RunningEdge) -> set[bytes]:
    return set(running.edge.networks.peers.values())


def says(header: bytes) -> Callable[[socket.socket], socket.socket]:
    def approach(client: socket.socket) -> socket.socket:
        client.sendall(header)
        return client

    return approach


def hears(running: RunningEdge, ear: Ear) -> None:
    ear.listen(lambda: ear.parts)
    first = ear.parts[0]
    running.programme.parts(5)
    newest = running.programme.next - 1
    ear.listen(lambda: ear.parts[-1] == newest)
    assert ear.parts == list(range(first, newest + 1))
    assert ear.media == [part_of(AAC, number) for number in ear.parts]


def test_front_speaks_for_its_clients_and_their_places_are_theirs(tmp_path: Path) -> None:
    with edge_running(tmp_path, proxy_protocol_from=HERE) as running:
        running.on_air(5)
        running.approach = says(b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n")
        with running.ear() as ear:
            assert peers(running) == {packed("192.0.2.7")}
            hears(running, ear)
        eventually(lambda: not running.edge.networks.peers)
        v6 = "PROXY TCP6 2001:db8::7 ::1 5000 443\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        with Client(running.port) as client:  # byte by byte, the request right behind it
            for byte in v6.encode():
                client.send(bytes([byte]))
            assert client.response().status == 200
            assert peers(running) == {packed("2001:db8::7")}


def test_front_must_send_a_header_and_nobody_else_may(tmp_path: Path) -> None:
    with edge_running(tmp_path, proxy_protocol_from=HERE) as running:
        with Client(running.port) as client:
            assert client.get("/healthz").closed()
        assert running.edge.counts.proxy_refused == 1
        assert running.edge.counts.requests == 0
    with edge_running(tmp_path / "other", proxy_protocol_from="192.0.2.0/24") as running:
        with Client(running.port) as client:
            client.send(b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n").get("/healthz")
            assert client.response().status == 400
            assert client.closed()
        with Client(running.port) as client:  # who is no front comes as ever
            assert client.get("/healthz").response().status == 200
            assert peers(running) == {packed(HERE)}


def test_front_that_says_nothing_is_let_go(tmp_path: Path) -> None:
    with edge_running(tmp_path, proxy_protocol_from=HERE, edge_handshake_s=0.2) as running:
        with Client(running.port) as client:
            client.send(b"PROXY TCP4 192.0")
            assert client.closed(3)
        eventually(lambda: running.edge.counts.timed_out == 1)
        assert running.edge._web.open == 0


def test_limits_of_networks_hold_for_whom_a_front_speaks_for(tmp_path: Path) -> None:
    settings = {"edge_network_connections_max": 3, "edge_network_joins_per_s": 0}
    with edge_running(tmp_path, proxy_protocol_from=HERE, **settings) as running:
        running.on_air(3)

        def come(address: str) -> Client:
            header = f"PROXY TCP4 {address} 10.0.0.1 5000 443\r\n"
            return Client(running.port, approach=says(header.encode())).get("/healthz")

        inside = [come("192.0.2.7") for _ in range(3)]
        for client in inside:
            assert client.response().status == 200
        assert come("192.0.2.7").closed()
        with come("192.0.2.8") as other:
            assert other.response().status == 200
        inside.pop().close()
        eventually(lambda: len(running.edge.networks.peers) == 2)
        with come("192.0.2.7") as again:
            assert again.response().status == 200
        for client in inside:
            client.close()


def test_http_front_says_for_each_request_who_asks(tmp_path: Path) -> None:
    with edge_running(tmp_path, forwarded_from=HERE) as running, Client(running.port) as client:
        for address in ("192.0.2.7", "2001:db8::7"):
            client.get("/healthz", X_Forwarded_For=f"8.8.8.8, {address}")
            assert client.response().status == 200
            assert peers(running) == {packed(address)}
        assert client.get("/healthz").response().status == 200  # its own
        assert peers(running) == {packed(HERE)}
        assert client.get("/healthz", X_Forwarded_For="unknown").response().status == 400
    with edge_running(tmp_path / "other") as running, Client(running.port) as client:
        client.get("/healthz", X_Forwarded_For="192.0.2.7")
        assert client.response().status == 200
        assert peers(running) == {packed(HERE)}


def test_front_s_garbage_is_nobody_s_wrong_and_is_counted(tmp_path: Path) -> None:
    with watch_of(DataFolder(tmp_path / "data")) as watch:
        with edge_running(tmp_path, forwarded_from=HERE, edge_head_s=0.3) as running:
            for said, counter in ((b"no HTTP\r\n\r\n", "malformed"), (b"GET /he", "slow_heads")):
                with Client(running.port) as client:
                    client.get("/healthz", X_Forwarded_For="192.0.2.7")
                    assert client.response().status == 200
                    client.send(said)
                    assert client.closed()
                watch.until_counted(counter, 1)
            with Client(running.port) as client:  # but what a request asks for is its client's
                client.get("/wp-admin", X_Forwarded_For="192.0.2.7")
                assert client.response().status == 404
            watch.until_counted("unknown_paths", 1)
        heavy = [one for second in watch.seconds for one in second.heavy if one.wrongs]
        assert [(one.network, one.wrongs) for one in heavy] == [
            (watch.key.name(packed("192.0.2.7")), 1)
        ]


def test_client_of_a_front_whose_network_has_enough_poisons_nothing(tmp_path: Path) -> None:
    settings = {"edge_network_connections_max": 1, "edge_network_joins_per_s": 0}
    with (
        watch_of(DataFolder(tmp_path / "data")) as watch,
        edge_running(tmp_path, forwarded_from=HERE, **settings) as running,
        Client(running.port) as first,
        Client(running.port) as second,
    ):
        first.get("/healthz", X_Forwarded_For="192.0.2.7")
        assert first.response().status == 200
        second.get("/healthz", X_Forwarded_For="192.0.2.7")
        assert second.response().status == 429
        second.get("/wp-admin", X_Forwarded_For="192.0.2.7")
        assert second.response().status == 429
        watch.until_counted("refused_by_network", 2)
        watch.hear()
        assert not running.edge.loop.faults_total


@needs_program("haproxy")
@pytest.mark.parametrize("send", ["send-proxy", "send-proxy-v2"])
def test_listener_behind_haproxy_that_passes_tls_through(tmp_path: Path, send: str) -> None:
    """TLS is the edge's; the header stands before it."""
    pair = Pair(tmp_path / "certificate")
    with (
        edge_running(tmp_path, proxy_protocol_from=HERE, **pair.settings) as running,
        haproxy(tmp_path, running.port, send=send) as port,
    ):
        running.on_air(5)
        target = f"/r/{running.programme.room}/live.mp4?rendition=aac48"
        with Ear(port, target, approach=from_elsewhere(Greeting(pair), port)) as ear:
            assert packed("127.0.0.9") in peers(running)
            hears(running, ear)


@needs_program("haproxy")
def test_listener_behind_haproxy_that_ends_tls(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "certificate")
    with (
        edge_running(tmp_path, proxy_protocol_from=HERE) as running,
        haproxy(tmp_path, running.port, send="send-proxy-v2 check", pair=pair) as port,
    ):
        running.on_air(5)
        target = f"/r/{running.programme.room}/live.mp4?rendition=aac48"
        with Ear(port, target, approach=from_elsewhere(Greeting(pair), port)) as ear:
            assert packed("127.0.0.9") in peers(running)
            hears(running, ear)


@needs_program("nginx")
def test_listener_behind_nginx_that_ends_tls(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "certificate")
    with (
        edge_running(tmp_path, forwarded_from=HERE) as running,
        nginx(tmp_path, running.port, pair) as port,
    ):
        running.on_air(5)
        target = f"/r/{running.programme.room}/live.mp4?rendition=aac48"
        with Client(port, approach=from_elsewhere(Greeting(pair), port)) as client:
            assert client.get(target).head()[0] == 200
            assert packed("127.0.0.9") in peers(running)
            running.programme.parts(5)
            body, at = Unchunked(client), 0
            for number in range(5, 10):  # nginx cuts its own chunks
                at = body.find(part_of(AAC, number), at)


class Unchunked:
    """The body of a chunked answer, whoever cut the chunks."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._body = b""

    def find(self, wanted: bytes, start: int) -> int:
        """Return where `wanted` ends; fails if it does not come."""
        while (at := self._body.find(wanted, start)) < 0:
            self._body += self._chunk()
        return at + len(wanted)

    def _chunk(self) -> bytes:
        client = self._client
        while b"\r\n" not in client.buffer:
            assert client._more(), "the stream ended"
        line, _, client.buffer = client.buffer.partition(b"\r\n")
        size = int(line, 16) + 2
        while len(client.buffer) < size:
            assert client._more(), "the stream ended"
        chunk, client.buffer = client.buffer[: size - 2], client.buffer[size:]
        return chunk


def from_elsewhere(greeting: Greeting, port: int) -> Callable[[socket.socket], socket.socket]:
    """Come from an address that is not the front's own."""

    def approach(unused: socket.socket) -> socket.socket:
        unused.close()
        client = socket.socket()
        client.settimeout(5)
        client.bind(("127.0.0.9", 0))
        client.connect((HERE, port))
        return greeting(client)

    return approach
