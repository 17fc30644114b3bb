"""TLS in the edge and those who misuse it: bounded, counted, and heard by nobody else."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.edge import Client, RunningEdge, edge_running, eventually
from support.machine import watched_machine
from support.tls import Greeting, Pair


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "certificate")


@pytest.fixture
def secure(tmp_path: Path, pair: Pair) -> Iterator[RunningEdge]:
    with edge_running(tmp_path, **pair.settings) as running:
        running.approach = Greeting(pair)
        yield running


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\xff\xff" + b"\0" * 300,
        bytes(range(256)) * 3,
        b"\x80" * 200,
        b"\x15\x03\x01\0\x02\2\0",
    ],
)
def test_garbage_instead_of_a_greeting_is_let_go_at_once(secure: RunningEdge, said: bytes) -> None:
    secure.on_air(3)
    with secure.ear() as ear, Client(secure.port) as client:
        client.send(said)
        assert client.closed()
        assert secure.edge.counts.tls_failed == 1
        secure.programme.parts(1)
        ear.listen(lambda: ear.parts[-1] == 3)
    eventually(lambda: secure.edge._web.open == 0)


def test_plain_http_to_the_tls_port_is_told_so(secure: RunningEdge) -> None:
    with Client(secure.port) as client:
        answer = client.get("/").response()
        assert answer.status == 400
        assert answer.json()["type"].endswith("tls-only")
        assert client.closed()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(secure: RunningEdge) -> None:
    assert isinstance(secure.approach, Greeting)
    context = secure.approach.context
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Client(secure.port, approach=secure.approach)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Client(secure.port, approach=secure.approach) as client:
        assert client.get("/healthz").response().status == 200
    assert secure.edge.counts.tls_failed == 1


def test_handshake_that_stalls_is_let_go_and_costs_nobody_anything(
    tmp_path: Path, pair: Pair
) -> None:
    with (
        edge_running(tmp_path, **pair.settings, edge_handshake_s=0.4) as running,
        watched_machine() as machine,
    ):
        running.approach = Greeting(pair)
        running.on_air(3)
        with running.ear() as ear:
            ear.listen(lambda: ear.parts)
            began = time.monotonic()
            silent = [Client(running.port) for _ in range(20)]
            for client in silent[10:]:
                client.send(b"\x16\x03\x01\x02\x00\x01\x00")
            for client in silent:
                assert client.closed()
                client.close()
            assert 0.35 < time.monotonic() - began < 3 + machine.held_up_s()
            assert running.edge.counts.timed_out == 20
            running.programme.parts(1)
            ear.listen(lambda: ear.parts[-1] == 3)
        eventually(lambda: running.edge._web.open == 0)


def test_flood_of_handshakes_delays_no_present_listener(tmp_path: Path, pair: Pair) -> None:
    with edge_running(tmp_path, **pair.settings, edge_network_joins_per_s=0) as running:
        running.approach = Greeting(pair)
        running.on_air(3)
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = running.approach.context.wrap_bio(into, out, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        hello = out.read()
        with watched_machine() as machine, running.ear() as ear:
            ear.listen(lambda: ear.parts[-1] == 2)
            flood = [Client(running.port).send(hello) for _ in range(300)]
            began = time.monotonic()
            running.programme.parts(1)
            ear.listen(lambda: ear.parts[-1] == 3)
            assert time.monotonic() - began < 0.5 + machine.held_up_s()
            for client in flood:
                client.close()
        eventually(lambda: running.edge._web.open == 0)
        assert running.edge.entrance.tls is not None
        assert running.edge.entrance.tls.sessions == 0


def test_client_who_has_given_up_costs_no_handshake(secure: RunningEdge, pair: Pair) -> None:
    arrivals, tls = secure.edge.entrance.arrivals, secure.edge.entrance.tls
    assert arrivals is not None
    assert tls is not None
    out = ssl.MemoryBIO()
    session = Greeting(pair).context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    ours, theirs = socket.socketpair()
    theirs.sendall(out.read())
    theirs.shutdown(socket.SHUT_WR)
    theirs.setblocking(False)
    secure.edge._web.open += 1
    fd = ours.detach()
    arrivals.begin(fd, b"")
    arrivals.on_event(fd, select.EPOLLIN | select.EPOLLRDHUP)
    assert arrivals.arriving == tls.sessions == 0
    with contextlib.suppress(ConnectionResetError):
        assert theirs.recv(100) == b""  # no greeting was worked out
    theirs.close()


def test_handshakes_that_are_only_begun_are_bounded_and_the_oldest_goes(
    tmp_path: Path, pair: Pair
) -> None:
    with edge_running(tmp_path, **pair.settings, edge_handshakes_max=16) as running:
        greeting = running.approach = Greeting(pair)
        tls = running.edge.entrance.tls
        assert tls is not None
        out = ssl.MemoryBIO()
        session = greeting.context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        hello = out.read()
        begun = []
        for number in range(40):
            begun.append(Client(running.port).send(hello))
            eventually(lambda n=number: running.edge.counts.accepted == n + 1)
        eventually(lambda: running.edge.counts.tls_crowded_out == 24)
        assert tls.sessions == 16
        assert all(client.closed() for client in begun[:24])
        assert running.get("/healthz").status == 200  # whoever is quick is not in danger
        for client in begun:
            client.close()
    assert tls.sessions == 0


def test_refusal_of_a_request_that_is_too_large_arrives(secure: RunningEdge) -> None:
    """Bytes that were not read would turn the end into a reset, and the answer be lost."""
    for _ in range(10):
        with Client(secure.port, approach=secure.approach) as client:
            client.get("/" + "a" * 15_000)
            assert client.response().status == 431
            assert client.closed()


def test_listener_who_talks_is_read_within_bounds_and_then_let_go(secure: RunningEdge) -> None:
    secure.on_air(3)
    with secure.ear() as ear, secure.ear() as talker:
        talker.listen(lambda: talker.parts)
        talker.send(b"hello")  # nobody minds a little
        eventually(lambda: secure.edge.entrance.tls and secure.edge.entrance.tls._silent)
        secure.programme.parts(1)
        talker.listen(lambda: talker.parts[-1] == 3)
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            for _ in range(500):
                talker.send(b"x" * 100)
        eventually(lambda: secure.edge.push.listeners == 1)
        secure.programme.parts(1)
        ear.listen(lambda: ear.parts[-1] == 4)
