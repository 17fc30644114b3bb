"""One connection to control: as uvicorn does it, and with a time limit for the head of a request.

uvicorn waits for ever for whoever sends half a request. Here such a connection is told so and
closed; and what is not HTTP, or one connection too many, is answered as a problem too.
"""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from stentor.base.errors import Problem
from stentor.base.metrics import CONTROL_REQUESTS_CUT_OFF


class BoundedConnection(H11Protocol):
    """A connection, one of so many, on which a request's head must arrive within `head_s`."""

    head_s = 15.0
    connections_max = 512

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            CONTROL_REQUESTS_CUT_OFF.inc()
            self._refuse(Problem(503, "busy", "Too many connections", "Try again in a moment."))
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that has begun must come to its end in time."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._answering():
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def on_response_complete(self) -> None:
        """Wait for the next request, for which uvicorn sets the limit while nothing comes."""
        self._stop_waiting()
        super().on_response_complete()
        if self.conn.trailing_data[0] and not self._answering():  # half of it is here already
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(Problem(400, "not-http", "This is not an HTTP request", msg))

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self._answering() or self.transport.is_closing():
            return
        CONTROL_REQUESTS_CUT_OFF.inc()
        self._refuse(Problem(408, "too-slow", "The request took too long to arrive"))

    def _refuse(self, problem: Problem) -> None:
        body = json.dumps(problem.as_dict()).encode()
        headers = [
            (b"content-type", Problem.MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        try:
            for event in (
                h11.Response(status_code=problem.status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:  # an answer is half sent: nothing can be said any more
            pass
        self.transport.close()
