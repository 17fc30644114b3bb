"""How a door listens and serves with uvicorn; when to stop is the door's own decision."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Literal

import uvicorn
from fastapi import FastAPI

from stentor.base.errors import ConfigurationError
from stentor.web.connections import BoundedConnection

HEAD_BYTES_MAX = 16 * 1024
_BACKLOG = 256  # also how many are accepted in one turn of the event loop


def listen(bind: str, port: int, *, who: str, remedy: str) -> socket.socket:
    """Return a listening socket; raises `ConfigurationError` if the port is taken."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    # With the protocol named, asyncio knows that it is TCP and sends without delay (40 ms each).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((bind, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            f"{who} cannot listen on {bind} port {port}: {why}; {remedy}."
        ) from None
    return listener


class Server(uvicorn.Server):
    """uvicorn's server, without its way of ending the process by the signal that it was sent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the door."""
        yield


def make_server(
    app: FastAPI,
    connection: type[BoundedConnection],
    *,
    keep_alive_s: int,
    stop_s: int,
    lifespan: Literal["auto", "off"] = "auto",
) -> Server:
    """Return a server that is told to stop by its `should_exit`."""
    return Server(
        uvicorn.Config(
            app,
            http=connection,
            ws="none",
            lifespan=lifespan,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=HEAD_BYTES_MAX,
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=stop_s,
            backlog=_BACKLOG,
        )
    )
