"""Connections that would be held for ever are not: half requests, and answers that nobody takes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from stentor.stage.connections import ImpatientConnection


class Hasty(ImpatientConnection):
    head_s = 0.2
    take_s = 0.3
    connections_max = 5


class Server(uvicorn.Server):
    port = 0

    @property
    def connections(self) -> set[Hasty]:
        return self.server_state.connections  # type: ignore[return-value]

    @property
    def paused(self) -> bool:
        return any(one.flow.write_paused for one in self.connections)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    web = FastAPI()

    @web.get("/endless")
    async def endless() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield bytes(65_536)
                await asyncio.sleep(0)

        return StreamingResponse(pieces())

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(web, http=Hasty, log_config=None, lifespan="off")
    server = Server(config)
    server.port = listener.getsockname()[1]
    serving = asyncio.create_task(server._serve([listener]))
    yield server
    server.should_exit = server.force_exit = True
    await serving


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(5):
            while await reader.read(1 << 20):
                pass
    except ConnectionError:
        pass
    return True


async def test_an_answer_that_nobody_takes_is_given_up(server: Server) -> None:
    raw = socket.create_connection(("127.0.0.1", server.port))
    raw.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        while not server.paused:
            await asyncio.sleep(0.01)
        while server.connections:
            await asyncio.sleep(0.01)
    raw.close()


async def test_half_a_request_is_let_go(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /endl")
    assert await ended(reader)
    writer.close()


async def test_the_connection_too_many_is_closed_and_the_others_stay(server: Server) -> None:
    held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert await ended(reader)
    writer.close()
    held[0][1].write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await asyncio.wait_for(held[0][0].readline(), 5)).startswith(b"HTTP/1.1 200")
    for _reader, one in held:
        one.close()
