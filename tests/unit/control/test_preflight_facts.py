"""What a pre-flight learns: of certificates on disk and in front, of limits, ports and links."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stentor.base.clock import SystemClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings, told_settings
from stentor.control.preflight_facts import gather, running_settings
from stentor.control.serve import open_control
from stentor.rehearsal.readiness import Facts, TlsFacts
from stentor.rooms.acts import OPERATOR, Revoke
from stentor.rooms.orders import Role
from support.network import closed_ports
from support.tls import Pair

DAY_S = 86_400


def facts(tmp_path: Path, room: str = "", **settings: Any) -> Facts:
    """Return what a control with these settings learns; nothing else runs."""
    with closed_ports("port", "control_port", "stage_port", "watch_port", "metrics_port") as ports:
        made = Settings(data=str(tmp_path), **{**ports, **settings})
        control = open_control(made, DataFolder(tmp_path), SystemClock())
        try:
            return gather(control, room)
        finally:
            control.desk.close()


@contextmanager
def front(pair: Pair) -> Iterator[int]:
    """A server of somebody else's certificate, for one client after the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(client, server_side=True) as wrapped:
                        wrapped.recv(1)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def test_the_edges_certificate_is_the_one_that_they_show(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "tls")
    pair.renew(days=20)
    with front(pair) as port:
        pair.renew(days=90)  # on disk, but the edges have not taken it up
        tls = facts(tmp_path, port=port, **pair.settings).tls
    assert tls.spoken_by == "edges"
    assert tls.expires_ms is not None
    assert abs(tls.expires_ms / 1000 - time.time() - 20 * DAY_S) < 600
    assert facts(tmp_path, **pair.settings).tls == TlsFacts("edges", None)


def test_what_a_deploy_set_counts_and_not_what_control_began_with(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.run.mkdir(parents=True)
    after = Settings(data="elsewhere", edges=3, edge_connections_max=70, tls_certificate="/a.pem")
    folder.deployed.write_bytes(msgspec.json.encode(told_settings(after)))
    now = running_settings(Settings(data="here", edge_connections_max=900), folder)
    assert (now.data, now.edges, now.edge_connections_max) == ("here", 3, 70)
    assert bool(now.tls_certificate)
    folder.deployed.write_text('{"edges": "many"}')
    assert running_settings(Settings(edges=7), folder).edges == 7


def test_a_fronts_certificate_is_asked_for_where_listeners_come(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "tls")
    pair.renew(days=10)
    with front(pair) as port:
        learned = facts(tmp_path, listen_url=f"https://127.0.0.1:{port}")
    assert learned.tls.spoken_by == "front"
    assert learned.tls.expires_ms is not None
    assert abs(learned.tls.expires_ms / 1000 - time.time() - 10 * DAY_S) < 600
    assert [port.reached for port in learned.ports] == [False, True]
    with closed_ports("gone") as ports:
        gone = facts(tmp_path, listen_url=f"https://127.0.0.1:{ports['gone']}")
    assert gone.tls == TlsFacts("front", None)
    assert [port.reached for port in gone.ports] == [False, None]
    assert facts(tmp_path).tls == TlsFacts("nobody", None)


@pytest.mark.parametrize("address", ["https://[", "https://", "https://x:y/", "https://a:99999"])
def test_an_address_that_is_none_is_not_reached(tmp_path: Path, address: str) -> None:
    learned = facts(tmp_path, listen_url=address)
    assert learned.ports[1].reached is None
    assert learned.tls == TlsFacts("front", None)


def test_limits_are_the_smaller_of_what_is_set_and_what_the_process_may(tmp_path: Path) -> None:
    assert facts(tmp_path, edge_connections_max=100).edges.connections_each == 100
    assert facts(tmp_path, edges=3, edge_megabits_max=50.0).network.bits_per_s == 150e6
    alone = facts(tmp_path)
    assert alone.edges.connections_each is not None
    assert alone.edges.connections_each > 0
    assert alone.network.bits_per_s is None  # loopback


def test_parts_that_do_not_answer_are_told_with_their_restarts(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.run.mkdir(parents=True)
    folder.parts.write_bytes(msgspec.json.encode({"stage": {"pid": 1, "restarts": 4}}))
    parts = {one.name: one for one in facts(tmp_path).parts}
    assert (parts["stage"].answers, parts["stage"].restarts) == (False, 4)
    assert (parts["control"].answers, parts["origin"].answers) == (True, False)
    folder.parts.write_text("half a fi")
    assert {one.restarts for one in facts(tmp_path).parts} == {0}


def test_links_that_were_withdrawn_are_none(tmp_path: Path) -> None:
    control = open_control(Settings(data=str(tmp_path)), DataFolder(tmp_path), SystemClock())
    hour_ms = round(time.time() * 1000) + 3_600_000
    people = [(Role.HOST, "Ada"), (Role.SPEAKER, "Ben"), (Role.SPEAKER, "Eve")]
    room = control.desk.create("A", hour_ms, True, people)
    control.desk.act(room.id, Revoke(room.seats[1].id), OPERATOR)
    control.desk.close()
    learned = facts(tmp_path, room.id).room
    assert learned is not None
    assert (learned.host_links, learned.speaker_links) == (1, 1)
    assert learned.links_end_ms == room.seats[0].expires_ms
    assert facts(tmp_path, "nowhere").room is None
