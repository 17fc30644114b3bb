"""Whoever misbehaves costs a bounded amount, is told what is right to tell, is counted, and is no
trouble to those who listen: in each of these tests listeners check every part meanwhile."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stentor.admission.tickets import Kind, Ticket, Tickets
from stentor.edge.connection import READS_PER_HEAD_MAX
from stentor.edge.memory import Memory
from stentor.edge.request import HEAD_BYTES_MAX
from support.edge import Client, RunningEdge, edge_running, eventually
from support.present import listeners_present

PRESENT = 3
ROOM = "/r/town-hall/"
OTHERS = "127.0.0.2"  # listeners are at 127.0.0.1
THIRD = "127.0.0.3"


@contextmanager
def besieged(tmp_path: Path, **settings: Any) -> Iterator[RunningEdge]:
    """An edge with listeners, who must not notice anything, and nobody else there at the end."""
    with edge_running(tmp_path, **settings) as on_edge, listeners_present(on_edge, PRESENT):
        yield on_edge
        eventually(lambda: on_edge.edge._web.open == PRESENT)
        assert len(on_edge.edge.networks.peers) == PRESENT
        assert on_edge.edge._web.unfinished.bytes == 0
        assert on_edge.edge.push.listeners == PRESENT


def problem(client: Client) -> tuple[int, str]:
    answer = client.response()
    return answer.status, answer.json()["type"].rpartition(":")[2]


def crowd(stack: ExitStack, on_edge: RunningEdge, count: int, source: str = OTHERS) -> list[Client]:
    return [stack.enter_context(Client(on_edge.port, source=source)) for _ in range(count)]


def test_slowloris_holds_a_bounded_number_of_bytes_and_its_oldest_go(tmp_path: Path) -> None:
    with besieged(tmp_path, edge_head_s=1.5, edge_unfinished_bytes_max=65_536) as on_edge:
        counts, unfinished = on_edge.edge.counts, on_edge.edge._web.unfinished
        head = b"GET / HTTP/1.1\r\nX-Filler: " + b"a" * 4_070  # 16 of them fill the room
        with ExitStack() as stack:
            clients = crowd(stack, on_edge, 60)
            for client in clients:
                client.send(head)
            eventually(lambda: counts.unfinished_closed >= 44)
            assert unfinished.bytes <= 65_536
            assert problem(clients[0]) == (408, "slow-request")
            assert on_edge.get("/healthz").status == 200, "who asks in one piece is let in"
            eventually(lambda: counts.timed_out + counts.unfinished_closed == 60)
            assert problem(clients[-1]) == (408, "slow-request")


def test_request_in_crumbs_is_refused_after_a_number_of_them(tmp_path: Path) -> None:
    with besieged(tmp_path, edge_head_s=30) as on_edge:
        unfinished = on_edge.edge._web.unfinished
        with Client(on_edge.port) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.send(b"GET / HTTP/1.1\r\nX: ")
            for sent in range(1, READS_PER_HEAD_MAX + 1):
                eventually(lambda sent=sent: unfinished.bytes == 18 + sent)
                client.send(b"a")
            assert problem(client) == (400, "request-in-crumbs")
            assert client.closed()


def test_who_connects_and_says_nothing_is_let_go(tmp_path: Path) -> None:
    with besieged(tmp_path, edge_head_s=0.5) as on_edge, ExitStack() as stack:
        clients = crowd(stack, on_edge, 100)
        eventually(lambda: on_edge.edge.counts.timed_out == 100)
        assert all(client.closed() for client in clients)


def test_half_closed_sockets_are_let_go_wherever_they_are(tmp_path: Path) -> None:
    with besieged(tmp_path, edge_head_s=30, edge_idle_s=30) as on_edge, ExitStack() as stack:
        said = [
            b"",
            b"GET / HT",
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            f"GET {ROOM}hls/aac48/part/900.m4s HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
            f"GET {ROOM}live.mp4 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        ]
        for data in said * 5:
            client = crowd(stack, on_edge, 1)[0]
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)


def test_download_in_drops_is_cut_off_and_a_slow_one_is_not(tmp_path: Path) -> None:
    with besieged(
        tmp_path, edge_stalled_s=2.0, edge_rate_min=50_000, edge_unsent_bytes=4096
    ) as on_edge:
        counts = on_edge.edge.counts
        on_edge.programme.write_recording(on_edge.folder, parts=1_500)  # 6 MB
        target = ROOM + "recording/aac96.mp4"
        with Client(on_edge.port, 4096) as drops, Client(on_edge.port, 65_536) as slow:
            for client in (drops, slow):
                client.get(target).head()
            began = time.monotonic()
            while not counts.slow_closed:
                assert time.monotonic() - began < 30
                drops.socket.recv(500)  # at most 25 KB/s
                slow.socket.recv(16_000)  # about 800 KB/s, so that a machine may stand still
                time.sleep(0.02)
            assert on_edge.edge._downloads._open == 1
            closed = time.monotonic()
            while time.monotonic() - closed < 0.5:
                slow.socket.recv(16_000)
                time.sleep(0.02)
            assert counts.slow_closed == 1
            assert on_edge.edge._downloads._open == 1


def test_listener_who_drains_a_few_bytes_now_and_then_is_let_go(tmp_path: Path) -> None:
    with besieged(
        tmp_path, edge_listener_stalled_s=1.0, edge_rate_min=50_000, edge_unsent_bytes=4096
    ) as on_edge:
        counts = on_edge.edge.counts
        with on_edge.ear("aac96", receive_bytes=4096) as drops:
            began = time.monotonic()
            while not counts.stalled_closed:
                assert time.monotonic() - began < 30
                drops.socket.recv(500)  # at most 25 KB/s, of 240
                time.sleep(0.02)
        assert counts.stalled_closed == 1


def test_a_thousand_requests_in_one_go_are_answered_in_turn(tmp_path: Path) -> None:
    with besieged(tmp_path) as on_edge, Client(on_edge.port) as client:
        client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        for _ in range(1000):
            assert client.response().status == 200


def test_who_asks_on_and_on_and_takes_nothing_is_held_to_what_fits(tmp_path: Path) -> None:
    with besieged(tmp_path, edge_stalled_s=1.0, edge_unsent_bytes=4096) as on_edge:
        unfinished, counts = on_edge.edge._web.unfinished, on_edge.edge.counts
        with Client(on_edge.port, 4096) as client:
            client.socket.setblocking(False)
            most = 0
            began = time.monotonic()
            while not counts.slow_closed:
                assert time.monotonic() - began < 30
                try:
                    client.socket.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
                except BlockingIOError:
                    time.sleep(0.01)
                except ConnectionError:
                    break
                most = max(most, unfinished.bytes)
        assert most <= 2 * HEAD_BYTES_MAX
        assert counts.slow_closed == 1


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES_MAX, (431, "large-head")),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", (431, "large-head")),
        (b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (414, "long-address")),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", (413, "body")),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", (405, "method")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 400, (400, "malformed-request")),
        (b"\0" * 400, (400, "malformed-request")),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505, "http-version")),
    ],
)
def test_what_is_no_request_gets_one_answer_and_an_end(
    tmp_path: Path, said: bytes, answer: tuple[int, str]
) -> None:
    with besieged(tmp_path) as on_edge, Client(on_edge.port) as client:
        client.send(said)
        assert problem(client) == answer
        assert client.closed()
        assert on_edge.edge.counts.answers_4xx + on_edge.edge.counts.answers_5xx == 1


def test_noise_is_answered_without_a_fault(tmp_path: Path) -> None:
    chance = random.Random(3)
    with besieged(tmp_path, edge_head_s=0.5) as on_edge:
        for _ in range(200):
            with Client(on_edge.port) as client:
                begin = chance.choice((b"", b"GET ", b"GET / HTTP/1.1\r\n", b"PROXY TCP4 "))
                client.send(begin + chance.randbytes(chance.randrange(1, 600)) + b"\r\n\r\n")


def test_random_paths_and_queries_use_up_what_a_network_has(tmp_path: Path) -> None:
    with besieged(
        tmp_path, edge_network_exempt="", edge_network_joins_per_s=0.5, edge_network_joins_burst=20
    ) as on_edge:
        counts = on_edge.edge.counts
        with Client(on_edge.port, source=OTHERS) as client:
            for n in range(20):
                path = f"/r/no-room-{n}/" if n % 2 else f"{ROOM}live.mp4?from{n}={n}"
                assert client.get(path).response().status in (400, 404)
            assert client.get("/nowhere").response().headers["connection"] == "close"
            assert client.closed()
        assert counts.wrongs_closed == 1
        with Client(on_edge.port, source=OTHERS) as again:
            assert again.get("/healthz").response().status == 200, "nobody else there pays for it"
            assert again.get("/nowhere").response().headers["connection"] == "close"
        with Client(on_edge.port, source=THIRD) as other:
            assert other.get("/nowhere").response().status == 404
            assert other.get("/healthz").response().status == 200
        assert (counts.wrongs_closed, counts.refused_by_network) == (2, 0)


def test_one_network_has_its_share_of_connections_and_gets_a_place_back(tmp_path: Path) -> None:
    with (
        besieged(tmp_path, edge_network_exempt="", edge_network_connections_max=10) as on_edge,
        ExitStack() as stack,
    ):
        counts, web = on_edge.edge.counts, on_edge.edge._web
        clients = crowd(stack, on_edge, 10)
        eventually(lambda: web.open == PRESENT + 10)
        with Client(on_edge.port, source=OTHERS) as eleventh:
            answer = eleventh.get("/healthz").response()
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert counts.refused_by_network == 1
        with Client(on_edge.port, source=THIRD) as other:
            assert other.get("/healthz").response().status == 200
        clients[0].close()
        eventually(lambda: on_edge.edge.networks.connections.of(b"\x7f\0\0\2") == 9)
        with Client(on_edge.port, source=OTHERS) as again:
            assert again.get("/healthz").response().status == 200
        listeners = on_edge.edge.networks.connections.of(b"\x7f\0\0\1")
        assert listeners == PRESENT, "who listens is counted as long as they do"


def test_flood_from_one_network_is_told_for_a_while_and_then_only_ended(tmp_path: Path) -> None:
    with besieged(
        tmp_path, edge_network_exempt="", edge_network_joins_per_s=0.01, edge_network_joins_burst=5
    ) as on_edge:
        counts = on_edge.edge.counts
        began = time.monotonic()
        told = 0
        for n in range(300):
            with Client(on_edge.port, source=OTHERS) as client:
                if n >= 5:
                    with_word = bool(_all_of(client.socket))
                    told += with_word
        assert counts.refused_by_network == 295
        assert 40 <= told <= 41 + 20 * (time.monotonic() - began)
        assert on_edge.edge._web.counts.requests == PRESENT


def _all_of(connection: socket.socket) -> bytes:
    data = b""
    try:
        while more := connection.recv(4096):
            data += more
    except ConnectionError:
        pass
    return data


def test_one_network_waits_for_a_bounded_number_of_parts(tmp_path: Path) -> None:
    with (
        besieged(
            tmp_path,
            edge_network_exempt="",
            edge_network_reloads_max=3,
            edge_network_joins_per_s=0.01,
            edge_network_joins_burst=8,
        ) as on_edge,
        ExitStack() as stack,
    ):
        shelf, counts = on_edge.edge.shelf, on_edge.edge.counts
        # Of the part after the newest everyone has to wait; it comes when this is over.
        rooms = on_edge.edge.rooms
        target = f"{ROOM}hls/aac48/part/{{}}.m4s"

        def wait(source: str) -> Client:
            stream = rooms.stream("town-hall", "aac48")
            assert stream is not None
            client = crowd(stack, on_edge, 1, source)[0]
            return client.get(target.format(stream.next + 10))

        for _ in range(3):
            wait(OTHERS)
        fourth = wait(OTHERS)
        assert problem(fourth) == (429, "waits-of-network")
        assert counts.refused_by_network == 1
        for _ in range(5):  # to be refused is nothing wrong: it uses up nobody's share of joins
            path = ROOM + "hls/aac48/part/{}.m4s"
            assert fourth.get(path.format(on_edge.programme.next + 10)).response().status == 429
        assert counts.wrongs_closed == 0
        wait(THIRD)
        eventually(lambda: shelf.waiting == 0)
        assert len(on_edge.edge.networks.reloads) == 0
        with Client(on_edge.port, source=OTHERS) as again:
            assert again.get(ROOM + "hls/aac48/live.m3u8?_HLS_msn=9999").response().status == 400


def test_one_network_reads_a_bounded_number_of_recordings(tmp_path: Path) -> None:
    with (
        besieged(
            tmp_path, edge_network_exempt="", edge_network_downloads_max=2, edge_unsent_bytes=4096
        ) as on_edge,
        ExitStack() as stack,
    ):
        on_edge.programme.write_recording(on_edge.folder, parts=2_000)  # more than the kernel takes
        target = ROOM + "recording/aac96.mp4"
        reading = [stack.enter_context(Client(on_edge.port, 4096, source=OTHERS)) for _ in "ab"]
        for client in reading:
            assert client.get(target).head()[0] == 200
        third, other = crowd(stack, on_edge, 1)[0], crowd(stack, on_edge, 1, THIRD)[0]
        assert problem(third.get(target)) == (429, "downloads-of-network")
        assert other.get(target).head()[0] == 200
        for client in (*reading, other):
            client.close()
        eventually(lambda: len(on_edge.edge.networks.downloads) == 0)


def test_with_memory_short_nobody_more_is_let_in(tmp_path: Path) -> None:
    with besieged(tmp_path) as on_edge:
        on_edge.edge.memory = Memory(1)
        eventually(lambda: on_edge.edge.memory.short)
        with Client(on_edge.port) as client:
            answer = client.get(ROOM + "live.mp4").response()
            assert answer.status == 503
            assert "retry-after" in answer.headers
        on_edge.edge.memory = Memory(0)
        with on_edge.ear():
            pass


def test_front_that_speaks_nonsense_is_let_go_and_those_it_speaks_for_are_counted(
    tmp_path: Path,
) -> None:
    with (
        besieged(
            tmp_path,
            proxy_protocol_from=OTHERS,
            edge_network_exempt="",
            edge_network_connections_max=4,
            edge_head_s=0.5,
        ) as on_edge,
        ExitStack() as stack,
    ):
        counts = on_edge.edge.counts
        word = "PROXY TCP4 192.0.2.{} 198.51.100.1 1 80\r\n"
        garbage = [
            b"PROXY TCP4 a b c d\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x31\0\0\0",
        ]
        for said in garbage:
            assert crowd(stack, on_edge, 1)[0].send(said).closed()
        assert counts.proxy_refused == len(garbage)
        crowd(stack, on_edge, 1)[0].send(b"PROXY ")  # and never goes on
        for host in (1, 2):  # more than one network may have: the front is none
            for _ in range(4):
                client = crowd(stack, on_edge, 1)[0].send(word.format(host).encode())
                assert client.get("/healthz").response().status == 200
        fifth = crowd(stack, on_edge, 1)[0].send(word.format(1).encode())
        assert problem(fifth) == (429, "crowded-network")
        assert counts.refused_by_network == 1


def test_front_that_shares_its_connections_is_no_flood_of_those_it_asks_for(
    tmp_path: Path,
) -> None:
    with besieged(
        tmp_path,
        forwarded_from=OTHERS,
        edge_network_exempt="",
        edge_network_joins_per_s=0.01,
        edge_network_joins_burst=5,
    ) as on_edge:
        for _ in range(2):
            with ExitStack() as stack:
                for client in crowd(stack, on_edge, 10):
                    for host in (1, 2, 1):
                        asked = client.get("/healthz", X_Forwarded_For=f"192.0.2.{host}")
                        assert asked.response().status == 200
        assert on_edge.edge.counts.refused_by_network == 0


def test_false_tickets_are_refused_and_useless_ones_help_nobody(tmp_path: Path) -> None:
    with besieged(tmp_path) as on_edge, ExitStack() as stack:
        counts, ours = on_edge.edge.counts, on_edge.edge.door._tickets
        now_s = int(time.time())
        home = ours.network_of(b"\x7f\0\0\2")
        place = Ticket(Kind.LINE, 0, 1, now_s * 1000, now_s, now_s + 600, home)
        room = "town-hall"

        def ask(ticket: str) -> Client:
            client = crowd(stack, on_edge, 1)[0]
            return client.get(f"{ROOM}live.mp4?ticket={ticket}")

        false = {
            "malformed": "A" * 63,
            "forged": Tickets(b"another key" * 3).write(place, room),
            "other-room": ours.write(place, "other-room"),
        }
        for ticket in false.values():
            status, kind = problem(ask(ticket))
            assert status == 403
            assert kind.startswith("ticket-")
        # With no line a ticket is not needed, so one that is of no use is no reason to refuse.
        useless = {
            "tickets_expired": replace(place, expires_s=now_s - 1),
            "tickets_other_network": replace(place, network=b"\1\2\3\4"),
        }
        for counter, one in useless.items():
            assert ask(ours.write(one, room)).head()[0] == 200
            assert getattr(counts, counter) == 1
        refused = counts.tickets_malformed + counts.tickets_forged + counts.tickets_other_room
        assert refused == len(false)
