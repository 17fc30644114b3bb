"""A network that breaks: passes everything on, until it is told to cut every connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CuttingProxy:
    """Between a browser and a server."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[asyncio.StreamWriter] = set()
        self.targets: list[str] = []  # of the first request on each connection

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_connection("127.0.0.1", self._target)
        self._open |= {writer, out}
        await asyncio.gather(self._pump(there, writer), self._pump(reader, out, noted=True))
        self._open -= {writer, out}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, noted: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if noted:
                    self.targets.append(data.split(b" ", 2)[1].decode())
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        """Break off everything that is open, without a word."""
        for writer in self._open:
            writer.transport.abort()

    def joins(self) -> list[str]:
        """Return what was asked of the push stream."""
        return [target for target in self.targets if "/live.mp4" in target]


@asynccontextmanager
async def cutting_proxy(port: int) -> AsyncIterator[tuple[CuttingProxy, int]]:
    """Run one in front of `port`; yields it and the port to use instead."""
    proxy = CuttingProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        proxy.cut()
        server.close()
