"""Connections that would be held for ever are not: half requests, and answers that nobody takes."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse
from prometheus_client import Counter

from stentor.web.connections import BoundedConnection, Limits, bounded
from stentor.web.problems import add_problem_handlers
from stentor.web.serving import Server, listen, make_server

LIMITS = Limits(connections_max=5, head_s=0.2, take_s=0.3)
ENDLESS = b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE_BYTES = 8 << 20  # more than the kernel takes for a client that does not read


class Serving:
    """A server with an answer without end, and one that is large and then over."""

    def __init__(self) -> None:
        web = FastAPI()
        add_problem_handlers(web)

        @web.get("/endless")
        async def endless() -> StreamingResponse:
            async def pieces() -> AsyncIterator[bytes]:
                while True:
                    yield bytes(65_536)
                    await asyncio.sleep(0)

            return StreamingResponse(pieces())

        @web.get("/large")
        async def large() -> Response:
            return Response(bytes(LARGE_BYTES))

        self._cut_off = Counter("cut_off", "for this test", registry=None)
        self.listener = listen("127.0.0.1", 0, who="The test", remedy="wait")
        self.port: int = self.listener.getsockname()[1]
        kind = bounded(LIMITS, self._cut_off)
        self.server: Server = make_server(web, kind, keep_alive_s=5, stop_s=1, lifespan="off")

    @property
    def connections(self) -> set[BoundedConnection]:
        return self.server.server_state.connections  # type: ignore[return-value]

    @property
    def cut_off(self) -> float:
        return next(iter(self._cut_off.collect())).samples[0].value

    def connect(self) -> socket.socket:
        """Return a connection of a client that reads nothing by itself."""
        return socket.create_connection(("127.0.0.1", self.port))

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@pytest.fixture
async def door() -> AsyncIterator[Serving]:
    door = Serving()
    serving = asyncio.create_task(door.server.serve(sockets=[door.listener]))
    yield door
    door.server.should_exit = door.server.force_exit = True
    await serving
    door.listener.close()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(30):
        return await reader.read()


def problem_in(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer
    return json.loads(body)["status"], json.loads(body)["type"].rpartition(":")[2]


@pytest.mark.parametrize("path", [b"/endless", b"/large"])
async def test_an_answer_that_nobody_takes_is_given_up(door: Serving, path: bytes) -> None:
    raw = door.connect()
    raw.send(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(30):
        while not any(one.flow.write_paused for one in door.connections):
            await asyncio.sleep(0.01)
        while door.connections:
            await asyncio.sleep(0.01)
    assert door.cut_off == 1
    raw.close()


async def test_the_end_of_an_answer_that_nobody_takes_is_given_up_too(door: Serving) -> None:
    raw = door.connect()
    raw.send(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(30):
        while not door.connections or not next(iter(door.connections)).transport.is_closing():
            await asyncio.sleep(0.01)
        while door.connections:
            await asyncio.sleep(0.01)
    assert door.cut_off == 1
    raw.close()


async def test_who_is_slow_but_takes_gets_all_of_it(door: Serving) -> None:
    raw = door.connect()
    raw.setblocking(False)
    raw.send(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    loop = asyncio.get_running_loop()
    began = loop.time()
    count = 0
    async with asyncio.timeout(60):
        while piece := await loop.sock_recv(raw, 1 << 19):
            count += len(piece)
            await asyncio.sleep(0.05)
    assert loop.time() - began > 2 * LIMITS.take_s
    assert count > LARGE_BYTES
    assert door.cut_off == 0
    raw.close()


@pytest.mark.parametrize("half", [b"", b"GET /endl"], ids=["nothing", "head"])
async def test_half_a_request_is_told_so_and_let_go(door: Serving, half: bytes) -> None:
    reader, writer = await door.open()
    writer.write(half)
    assert problem_in(await all_of(reader)) == (408, "too-slow")
    assert door.cut_off == 1
    writer.close()


async def test_half_a_request_after_a_whole_one_is_told_so_too(door: Serving) -> None:
    reader, writer = await door.open()
    writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /endl")
    answer = await all_of(reader)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert problem_in(answer) == (408, "too-slow")
    writer.close()


async def test_what_is_not_http_is_told_so(door: Serving) -> None:
    reader, writer = await door.open()
    writer.write(b"HELLO\r\n\r\n")
    assert problem_in(await all_of(reader)) == (400, "not-http")
    assert door.cut_off == 0
    writer.close()


async def test_the_connection_too_many_is_told_so_and_the_others_stay(door: Serving) -> None:
    held = [await door.open() for _ in range(LIMITS.connections_max)]
    reader, writer = await door.open()
    answer = await all_of(reader)
    assert problem_in(answer) == (503, "busy")
    assert b"retry-after: 1" in answer.lower()
    writer.close()
    held[0][1].write(ENDLESS)
    assert (await asyncio.wait_for(held[0][0].readline(), 30)).startswith(b"HTTP/1.1 200")
    for _reader, one in held:
        one.close()
