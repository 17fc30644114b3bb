"""Requests that are too large, too slow, half, or not HTTP: answered, closed, and nobody waits."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.control import PROBLEM, ControlProcess, controlling
from support.machine import Machine


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlProcess]:
    settings = {
        "control_request_s": 0.5,
        "hold_upload_bytes_max": 100_000,
        "control_acts_per_s": 1,
        "rooms_max": 3,
    }
    with controlling(tmp_path_factory.mktemp("hasty"), settings) as control:
        yield control


@contextlib.contextmanager
def connected(control: ControlProcess) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", control.port), timeout=10) as connection:
        yield connection


def read_to_end(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Return status and document of the answer, once the server has closed."""
    data = b""
    while piece := connection.recv(65_536):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    assert PROBLEM.encode() in head, data
    return int(head.split()[1]), json.loads(body)


def test_body_that_says_that_it_is_too_large_is_refused_before_it_comes(
    hasty: ControlProcess,
) -> None:
    with connected(hasty) as connection:
        connection.sendall(
            b"POST /api/rooms HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 70000\r\n\r\n{"
        )
        status, problem = read_to_end(connection)
    assert status == 413
    assert problem["type"] == "urn:stentor:problem:too-large"


def test_body_that_does_not_say_how_large_it_is_is_cut_off(hasty: ControlProcess) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"title": "'
        for _ in range(100):
            yield b"x" * 1_000

    kind = {"Content-Type": "application/json"}
    answer = hasty.call("POST", "/api/rooms", content=pieces(), headers=kind)
    assert answer.status_code == 413


def test_hold_tune_may_be_larger_but_not_without_end(hasty: ControlProcess) -> None:
    room = hasty.create_room()["room"]
    answer = hasty.call("PUT", f"/api/rooms/{room}/hold", content=b"x" * 100_001)
    assert answer.status_code == 413
    answer = hasty.call("PUT", f"/api/rooms/{room}/hold", content=b"x" * 100_000)
    assert answer.status_code == 422
    assert list(hasty.folder.hold(room).parent.iterdir()) == []


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost:",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea",
        b"POST /api/rooms HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
    ],
    ids=["nothing", "head", "second head", "body"],
)
def test_half_a_request_is_answered_and_closed(
    hasty: ControlProcess, machine: Machine, half: bytes
) -> None:
    with connected(hasty) as connection:
        began = time.monotonic()
        connection.sendall(half)
        data = b""
        while piece := connection.recv(65_536):
            data += piece
        assert time.monotonic() - began < 8 + machine.held_up_s()
    assert data.startswith(b"HTTP/1.1 ")
    assert b"408" in data
    assert b"too-slow" in data


def test_request_that_comes_drop_by_drop_is_cut_off(hasty: ControlProcess) -> None:
    with connected(hasty) as connection:
        connection.setblocking(False)
        began = time.monotonic()
        closed = False
        while not closed and time.monotonic() - began < 8:
            with contextlib.suppress(BlockingIOError):
                closed = connection.recv(4_096) == b"" or closed
            try:
                connection.send(b"G")
            except OSError:
                closed = True
            time.sleep(0.01)
        assert closed


def test_what_is_not_http_is_a_problem_too(hasty: ControlProcess) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"HELLO\r\n\r\n"):
        with connected(hasty) as connection:
            connection.sendall(data)
            status, _ = read_to_end(connection)
        assert status == 400


def test_head_without_end_is_refused(hasty: ControlProcess) -> None:
    with connected(hasty) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000)
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                data += piece
    assert data.startswith(b"HTTP/1.1 400 ") or data == b""


def test_client_that_takes_no_answer_is_let_go(hasty: ControlProcess) -> None:
    def cut_off() -> float:
        text = hasty.call("GET", "/metrics").text
        return float(text.partition("\nstentor_control_requests_cut_off_total ")[2].split()[0])

    before = cut_off()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", hasty.port))
        connection.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        deadline = time.monotonic() + 30
        while cut_off() == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        connection.settimeout(10)
        with contextlib.suppress(ConnectionError):
            while connection.recv(65_536):
                pass


def test_others_are_answered_while_many_wait_with_half_requests(
    hasty: ControlProcess, machine: Machine
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connected(hasty)).sendall(b"POST /api/rooms HTTP/1.1\r\n")
        began = time.monotonic()
        assert hasty.call("GET", "/healthz").status_code == 200
        assert time.monotonic() - began < 3 + machine.held_up_s()


def test_one_connection_too_many_is_told_so_and_the_others_go_on(tmp_path: Path) -> None:
    settings = {"control_connections_max": 8, "control_request_s": 2}
    with controlling(tmp_path, settings) as control, contextlib.ExitStack() as stack:
        for _ in range(7):  # and the client's own, kept alive
            stack.enter_context(connected(control)).sendall(b"GET / HTTP/1.1\r\n")
        with connected(control) as late:
            status, problem = read_to_end(late)
        assert status == 503
        assert problem["type"] == "urn:stentor:problem:busy"
        assert control.call("GET", "/healthz").status_code == 200
        deadline = time.monotonic() + 30
        while True:  # those who wait for nothing are let go
            with connected(control) as late:
                late.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if late.recv(65_536).startswith(b"HTTP/1.1 200"):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_changes_that_come_too_fast_are_told_to_wait(hasty: ControlProcess) -> None:
    room = hasty.create_room()
    token = room["links"][0]["url"].partition("#key=")[2]
    answers = [
        hasty.call("POST", f"/api/rooms/{room['room']}/links/x", token=token).status_code
        for _ in range(3)
    ]
    assert answers == [405] * 3
    path = f"/api/rooms/{room['room']}"
    codes = [hasty.call("PATCH", path, {}, token=token).status_code for _ in range(8)]
    assert codes[:3] == [200] * 3
    assert 429 in codes
    assert hasty.call("GET", path, token=token).status_code == 200  # looking is free


def test_rooms_are_bounded(hasty: ControlProcess) -> None:
    codes = []
    for _ in range(4):
        answer = hasty.call("POST", "/api/rooms", {"title": "T", "at": "+1h"})
        codes.append(answer.status_code)
    assert codes[-1] == 409
    assert len(hasty.call("GET", "/api/rooms").json()["rooms"]) == 3


def test_answers_do_not_wait_for_the_clients_acknowledgement(control: ControlProcess) -> None:
    took_s = []
    for _ in range(20):
        began = time.monotonic()
        control.call("GET", "/api/me")
        took_s.append(time.monotonic() - began)
    assert min(took_s) < 0.030  # with Nagle's algorithm each takes 40 ms
