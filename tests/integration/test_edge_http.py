"""HTTP at the edge: what a client may cost, and what it gets for asking badly."""

from __future__ import annotations

import contextlib
import gc
import gzip
import itertools
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.edge.answer import Answer
from stentor.edge.connection import REQUESTS_PER_TURN, Connection
from stentor.edge.loop import EVENTS_NS_PER_TURN
from stentor.media.renditions import RENDITIONS
from support.edge import Client, RunningEdge, edge_running, eventually
from support.machine import watched_machine
from support.programme import part_of


@pytest.fixture
def on_edge(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    with edge_running(tmp_path_factory.mktemp("edge")) as running:
        yield running


def test_requests_follow_each_other_on_one_connection(on_edge: RunningEdge) -> None:
    on_edge.on_air(3)
    with Client(on_edge.port) as client:
        for _ in range(3):
            answer = client.get("/r/town-hall/state.json").response()
            assert answer.status == 200
            assert answer.headers["connection"] == "keep-alive"
            assert answer.json()["room"] == "town-hall"
            assert int(answer.headers["stentor-time-ms"]) > 0
        client.get("/healthz", Connection="close")
        assert client.response().json()["status"] == "ok"
        assert client.closed()


def test_who_says_more_than_is_heard_gets_the_answer_and_an_end_not_a_reset(
    on_edge: RunningEdge,
) -> None:
    with Client(on_edge.port) as client:
        more = b"x" * 12_000
        client.send(b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + more)
        assert client.response().status == 404
        assert client.socket.recv(1) == b""


def test_pipelined_requests_are_answered_in_order(on_edge: RunningEdge) -> None:
    on_edge.on_air(15)
    with Client(on_edge.port) as client:
        for number in range(15):
            client.get(f"/r/town-hall/hls/aac48/part/{number}.m4s")
        for number in range(15):
            assert client.response().body == part_of(RENDITIONS["aac48"], number)


def test_request_in_pieces_is_put_together(on_edge: RunningEdge) -> None:
    on_edge.on_air(1)
    with Client(on_edge.port) as client:
        for byte in b"GET /r/town-hall/state.json HTTP/1.1\r\nHost: x\r\n\r\n":
            client.send(bytes((byte,)))
        assert client.response().status == 200


def test_half_a_request_times_out(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_head_s=0.3) as on_edge:
        with Client(on_edge.port) as half, Client(on_edge.port) as silent:
            half.send(b"GET / HTTP/1.1\r\nHost:")
            assert half.response().status == 408
            assert half.closed()
            assert silent.closed()
        assert on_edge.edge.counts.timed_out == 2
        eventually(lambda: on_edge.edge._web.open == 0)


def test_bytes_now_and_then_do_not_extend_the_time_for_a_request(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_head_s=0.4) as on_edge, Client(on_edge.port) as slow:
        slow.socket.settimeout(0.02)
        answer = b""
        for byte in b"GET /" + b"a" * 200:  # four seconds, and never as long as 0.4 between two
            slow.send(bytes((byte,)))
            with contextlib.suppress(TimeoutError):
                answer = slow.socket.recv(100)
                break
        assert answer.startswith(b"HTTP/1.1 408 "), "it may go on and on"


def test_connection_that_rests_too_long_is_closed(tmp_path: Path) -> None:
    with edge_running(tmp_path, edge_idle_s=0.3) as on_edge, Client(on_edge.port) as client:
        assert client.get("/healthz").response().status == 200
        assert client.closed()


def test_oversized_head_is_431(on_edge: RunningEdge) -> None:
    with Client(on_edge.port) as client:
        client.send(b"GET / HTTP/1.1\r\nCookie: " + b"a" * 9000)
        assert client.response().status == 431
        assert client.closed()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\x00\r\n\r\n",
    ],
)
def test_garbage_is_400_and_the_end(on_edge: RunningEdge, data: bytes) -> None:
    with Client(on_edge.port) as client:
        assert client.send(data).response().status == 400
        assert client.closed()


@given(st.lists(st.binary(max_size=300), max_size=5))
@settings(max_examples=40, deadline=None)
def test_no_bytes_of_strangers_are_a_fault(shared_edge: RunningEdge, blobs: list[bytes]) -> None:
    with Client(shared_edge.port) as client, contextlib.suppress(OSError):
        client.get("/healthz")
        for blob in blobs:
            client.send(blob)
    assert shared_edge.get("/healthz").status == 200
    assert shared_edge.edge.loop.faults_total == 0


def test_only_looking_is_allowed(on_edge: RunningEdge) -> None:
    on_edge.on_air(1)
    answer = on_edge.get("state.json", "DELETE")
    assert answer.status == 405
    assert answer.headers["allow"] == "get, head, options"
    answer = on_edge.get("state.json", "OPTIONS")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    answer = on_edge.get("state.json", "HEAD")
    assert answer.status == 200
    assert int(answer.headers["content-length"]) > 0


def test_unknown_rooms_renditions_and_query_keys_are_told_apart(on_edge: RunningEdge) -> None:
    on_edge.on_air(1)
    assert on_edge.get("/r/nowhere").status == 404
    assert on_edge.get("/r/nowhere/state.json").status == 404
    assert on_edge.get("hls/flac/live.m3u8").status == 404
    assert on_edge.get("state.json?x=1").status == 400
    assert on_edge.get("state.json?x=1").json()["type"] == "urn:stentor:problem:unknown-query-key"


def test_site_comes_compressed_with_a_policy_and_is_not_sent_twice(on_edge: RunningEdge) -> None:
    on_edge.on_air(1)
    plain = on_edge.get("/r/town-hall")
    assert plain.status == 200
    assert plain.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in plain.headers["content-security-policy"]
    packed = on_edge.get("/r/town-hall", Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == plain.body
    again = on_edge.get("/r/town-hall", If_None_Match=plain.headers["etag"])
    assert again.status == 304
    assert again.body == b""
    assert on_edge.get("/site/nothing.js").status == 404


def test_directory_lists_what_is_on_first(on_edge: RunningEdge) -> None:
    from stentor.rooms.orders import Phase
    from support.programme import Programme

    Programme(on_edge.feed, "later", "Later").state(Phase.SCHEDULED)
    Programme(on_edge.feed, "secret", "Secret").state(Phase.LIVE, listed=False)
    on_edge.on_air(1)
    listed = on_edge.get("/rooms.json").json()
    assert [room["room"] for room in listed["rooms"]] == ["town-hall", "later"]
    assert listed["now_ms"] > 0


def test_connections_over_the_limit_are_told_so_and_counted(tmp_path: Path) -> None:
    with (
        edge_running(tmp_path, edge_connections_max=20) as on_edge,
        contextlib.ExitStack() as stack,
    ):
        on_edge.on_air(3)
        ears = [on_edge.ear() for _ in range(3)]
        eventually(lambda: on_edge.edge.push.listeners == 3)  # or it is full before they are in
        for _ in range(17):  # who say nothing take places too
            stack.enter_context(Client(on_edge.port))
        eventually(lambda: on_edge.edge._web.open == 20)
        with Client(on_edge.port) as one_more:
            answer = one_more.get("/healthz").response()
            assert answer.status == 503
            assert answer.headers["retry-after"] == "2"
        assert on_edge.edge.counts.refused_connections == 1
        on_edge.programme.parts(1)
        for ear in ears:
            ear.listen(lambda ear=ear: ear.parts[-1:] == [3])
        ears[0].close()
        eventually(lambda: on_edge.edge.push.listeners == 2)
        assert on_edge.get("/healthz").status == 200
        for ear in ears:
            ear.close()


def test_hundred_silent_and_dripping_clients_delay_nobody(on_edge: RunningEdge) -> None:
    on_edge.on_air(4)
    crowd = [Client(on_edge.port) for _ in range(100)]
    late_s: list[float] = []
    with watched_machine() as machine, on_edge.ear() as ear:
        for round_of in range(20):
            for place, client in enumerate(crowd):
                if place % 2:
                    client.send(b"GET /aaaaaaaaaaaaaaaaaaa"[round_of : round_of + 1])
            began = time.monotonic()
            on_edge.programme.parts(1)
            ear.listen(lambda n=4 + round_of: ear.parts[-1:] == [n])
            late_s.append(time.monotonic() - began)
    assert max(late_s) < 0.32 + machine.held_up_s()
    for client in crowd:
        client.close()


def test_metrics_are_on_a_loopback_port_of_their_own(on_edge: RunningEdge) -> None:
    on_edge.on_air(2)
    assert on_edge.get("/metrics").status == 404
    with on_edge.ear(), Client(on_edge.edge.metrics_port) as client:
        text = client.get("/metrics").response().body.decode()
    assert "stentor_edge_listeners 1.0" in text
    assert "stentor_edge_joined_total 1.0" in text
    assert "stentor_origin_" not in text


def test_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    from stentor.base.clock import SystemClock
    from stentor.base.errors import ConfigurationError
    from stentor.base.paths import DataFolder
    from stentor.base.settings import Settings
    from stentor.edge.edge import Edge

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings(port=port, data=str(tmp_path))
        with pytest.raises(ConfigurationError, match=f"Cannot listen on 127.0.0.1 port {port}"):
            Edge(settings, DataFolder(tmp_path), SystemClock(), 0)


def test_one_client_with_hundreds_of_requests_at_once_lets_others_in_between(
    on_edge: RunningEdge,
) -> None:
    on_edge.on_air(1)
    request = b"GET /r/town-hall/state.json HTTP/1.1\r\nHost: x\r\n\r\n"
    served: list[int] = []  # how many requests in all when a turn of the loop began
    on_edge.edge.loop.first, first = (
        lambda: (served.append(on_edge.edge.counts.requests), first())[1],
        on_edge.edge.loop.first,
    )
    with Client(on_edge.port) as greedy:
        greedy.send(request * 150)
        for _ in range(150):
            assert greedy.response().status == 200
    steps = [after - before for before, after in itertools.pairwise(served)]
    assert max(steps) <= REQUESTS_PER_TURN
    assert on_edge.edge.counts.faults == 0


def test_turn_that_takes_long_leaves_the_rest_to_the_next(on_edge: RunningEdge) -> None:
    on_edge.on_air(1)
    edge = on_edge.edge
    turns: list[int] = []  # answers of each turn
    answer, first = edge._directory.state, edge.loop.first

    def slow(room: str, now_ms: int) -> Answer:
        turns[-1] += 1
        time.sleep(EVENTS_NS_PER_TURN / 1e9)
        return answer(room, now_ms)

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(on_edge.port)) for _ in range(12)]
        for client in clients:
            client.get("/healthz").response()
        turns.append(0)
        edge._directory.state = slow  # type: ignore[method-assign]
        edge.loop.first = lambda: (turns.append(0), first())[1]
        for client in clients:
            client.get("/r/town-hall/state.json")
        for client in clients:
            assert client.response().status == 200
    assert sum(turns) == 12
    assert max(turns) == 1


def test_large_playlist_is_one_body_for_all_who_take_it_slowly(tmp_path: Path) -> None:
    with edge_running(tmp_path) as on_edge:
        on_edge.on_air(40)
        body = b"x" * 4_000_000
        answer = Answer(200, body, "text/plain")
        on_edge.edge._directory.rooms = lambda now_ms: answer  # type: ignore[method-assign]
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(Client(on_edge.port, 4096)) for _ in range(5)]
            for client in slow:
                client.get("/rooms.json")
            table = on_edge.edge.loop.table

            def held() -> list[object]:
                found = [one for one in table.copy().values() if isinstance(one, Connection)]
                return [one._out.obj for one in found if one._out is not None]

            eventually(lambda: len(held()) == 5)
            assert all(one is body for one in held())
            assert slow[0].response().body == body


def test_no_way_of_coming_and_going_leaves_a_descriptor_behind(on_edge: RunningEdge) -> None:
    on_edge.on_air(30)
    on_edge.programme.write_recording(on_edge.folder)
    web, table = on_edge.edge._web, on_edge.edge.loop.table
    assert on_edge.get("/healthz").status == 200
    eventually(lambda: web.open == 0)
    watched = len(table)

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    gc.collect()  # other tests' leavings
    before = min(descriptors() for _ in range(5))  # the edge opens one for a moment, each second
    room = "/r/town-hall/"
    targets = [
        "/",
        "/nowhere",
        room + "live.mp4",
        room + "live.mp4?rendition=flac",
        room + "recording/aac96.mp4",
        room + "hls/aac48/dvr.m3u8",
        room + "hls/aac48/seg/0.m4s",
        room + "hls/aac48/part/30.m4s",  # to come
        room + "hls/aac48/live.m3u8?_HLS_msn=2&_HLS_part=6",  # to come
        room + "hls/aac48/live.m3u8?_HLS_msn=900",
    ]
    for target in targets:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            for leave in ("at once", "half-closed", "reset", "after the head"):
                with Client(on_edge.port, 4096) as client:
                    client.get(target, method, Range="bytes=5-")
                    if leave == "half-closed":
                        client.socket.shutdown(socket.SHUT_WR)
                    elif leave == "reset":
                        linger = struct.pack("ii", 1, 0)
                        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    elif leave == "after the head" and "hls/aac48/" not in target:
                        client.head()
    eventually(lambda: web.open == 0)
    assert len(table) == watched
    eventually(lambda: descriptors() == before)
    assert on_edge.edge._downloads._open == 0
    assert on_edge.edge.shelf.waiting == 0
    assert on_edge.edge.push.listeners == 0
