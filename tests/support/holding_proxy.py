"""A proxy as some offices have it: it passes everything on, and keeps endless answers to itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


class HoldingProxy:
    """Holds back the body of every push stream, or its head as well."""

    def __init__(self, port: int, *, passes_head: bool) -> None:
        self._target = port
        self._passes_head = passes_head
        self.held = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        if b"/live.mp4" in request.split(b"\r\n", 1)[0]:
            self.held += 1
            if self._passes_head:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mp4\r\n\r\n")
            await reader.read()  # until the listener has had enough
            writer.close()
            return
        there, out = await asyncio.open_connection("127.0.0.1", self._target)
        # One request a connection: the next one might be one to hold.
        out.write(request.replace(b"Connection: keep-alive", b"Connection: close"))
        await asyncio.gather(_pump(there, writer), _pump(reader, out))


@asynccontextmanager
async def holding_proxy(port: int, *, passes_head: bool) -> AsyncIterator[tuple[HoldingProxy, int]]:
    """Run one in front of `port`; yields it and the port to use instead."""
    proxy = HoldingProxy(port, passes_head=passes_head)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
