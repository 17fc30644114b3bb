"""One HTTP connection to the stage: as uvicorn does it, with limits of time and number.

uvicorn waits for ever for whoever sends half a request, or does not take what was asked for; enough
of those and no speaker gets in. It takes any number of connections, until descriptors run out.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S_MAX = 10.0
TAKE_S_MAX = 15.0
CONNECTIONS_MAX = 512


class ImpatientConnection(H11Protocol):
    """Closes when a request's head has not arrived in time, or what was sent was not taken."""

    head_s = HEAD_S_MAX
    take_s = TAKE_S_MAX
    connections_max = CONNECTIONS_MAX

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patience: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            transport.abort()
            return
        self._wait()

    def pause_writing(self) -> None:
        """Wait for the client to take what waits for it."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.take_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it has."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def data_received(self, data: bytes) -> None:
        """Take bytes; the clock runs from the first byte of a head to its last."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._answering():
            self._stop_waiting()
        elif self._patience is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._stop_waiting()
        if self._stuck is not None:
            self._stuck.cancel()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self.head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if not self._answering():
            self.transport.close()
