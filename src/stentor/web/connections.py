"""One HTTP connection as uvicorn does it, with limits of number and time, for every door.

uvicorn takes any number of connections, and waits for ever for whoever sends half a request or does
not take the answer. Here they are counted, told why as a problem where that can be, and closed.
How long a request's body may take is for the application to decide, never for the connection.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import h11
from prometheus_client import Counter
from uvicorn.protocols.http.h11_impl import H11Protocol

from stentor.base.errors import Problem
from stentor.web.problems import problem_headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one door allows its clients."""

    connections_max: int
    head_s: float  # from the first byte of a request's head to its last
    take_s: float  # how long bytes may wait of which the client takes none


class BoundedConnection(H11Protocol):
    """A connection within `limits`; those that were cut off are counted in `cut_off`."""

    limits: Limits
    cut_off: Counter

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_timer: asyncio.TimerHandle | None = None
        self._take_timer: asyncio.TimerHandle | None = None
        self._untaken_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        # Paused as soon as anything waits: also small answers must not wait for ever.
        transport.set_write_buffer_limits(high=0)
        if len(self.connections) > self.limits.connections_max:
            self.cut_off.inc()
            self._refuse(Problem(503, "busy", "Too many connections", "Try again in a moment."))
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that has begun must come to its end in time."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._answering():
            self._stop_awaiting_head()
        elif self._head_timer is None:
            self._await_head()

    def on_response_complete(self) -> None:
        """Wait for the next request, for which uvicorn sets the limit while nothing comes."""
        self._stop_awaiting_head()
        super().on_response_complete()
        if self.conn.trailing_data[0] and not self._answering():  # half of it is here already
            self._await_head()

    def pause_writing(self) -> None:
        """Wait for the client to take what waits for it, also after the last word was said."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """Go on: everything was taken."""
        super().resume_writing()
        self._stop_awaiting_taking()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._stop_awaiting_head()
        self._stop_awaiting_taking()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(Problem(400, "not-http", "This is not an HTTP request", msg))

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_s, self._give_up_head)

    def _stop_awaiting_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self._answering() or self.transport.is_closing():
            return
        self.cut_off.inc()
        self._refuse(Problem(408, "too-slow", "The request took too long to arrive"))

    def _await_taking(self) -> None:
        self._untaken_bytes = self.transport.get_write_buffer_size()
        self._take_timer = self.loop.call_later(self.limits.take_s, self._look_at_taking)

    def _stop_awaiting_taking(self) -> None:
        if self._take_timer is not None:
            self._take_timer.cancel()
            self._take_timer = None

    def _look_at_taking(self) -> None:
        if self.transport.get_write_buffer_size() < self._untaken_bytes:
            self._await_taking()  # slow, but it takes
            return
        self._take_timer = None
        self.cut_off.inc()
        self.transport.abort()

    def _refuse(self, problem: Problem) -> None:
        body = json.dumps(problem.as_dict()).encode()
        headers = {
            "content-type": Problem.MEDIA_TYPE,
            "content-length": str(len(body)),
            "connection": "close",
            **problem_headers(problem),
        }
        try:
            for event in (
                h11.Response(status_code=problem.status, headers=list(headers.items())),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:  # an answer is half sent: nothing can be said any more
            pass
        self.transport.close()


def bounded(of_door: Limits, counter: Counter) -> type[BoundedConnection]:
    """Return the kind of connection that a door gives to uvicorn."""

    class Connection(BoundedConnection):
        limits = of_door
        cut_off = counter

    return Connection
