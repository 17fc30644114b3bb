"""Control as a process: from the settings to a server, and down again when told to."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator

import structlog
import uvicorn

from stentor.base.clock import Clock
from stentor.base.errors import ConfigurationError
from stentor.base.ids import RandomBytes
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key, operator_token
from stentor.base.settings import Settings
from stentor.control.access import Access
from stentor.control.audience import Audience
from stentor.control.connections import BoundedConnection
from stentor.control.context import Control
from stentor.control.desk import Desk
from stentor.control.hold import tidy_holds
from stentor.control.pace import Pace
from stentor.control.web import make_app
from stentor.store.database import open_database
from stentor.store.orders import OrdersFolder
from stentor.store.rooms import RoomStore

HEAD_BYTES_MAX = 16 * 1024
_STOP_S = 2
_BACKLOG = 256


def open_control(
    settings: Settings, folder: DataFolder, clock: Clock, random_bytes: RandomBytes = os.urandom
) -> Control:
    """Return control's parts, with every room loaded and ordered."""
    folder.root.mkdir(parents=True, exist_ok=True)
    tidy_holds(folder)
    store = RoomStore(open_database(folder.database))
    desk = Desk(store, OrdersFolder(folder.orders), clock, settings, random_bytes)
    return Control(
        settings=settings,
        folder=folder,
        desk=desk,
        access=Access(desk, link_key(folder), operator_token(folder)),
        audience=Audience(),
        pace=Pace(settings.control_acts_per_s),
    )


def run_control(settings: Settings, folder: DataFolder, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT; raises `ConfigurationError` if the port is taken."""
    with contextlib.closing(_listen(settings)) as listener:
        control = open_control(settings, folder, clock)
        try:
            config = uvicorn.Config(
                make_app(control),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                http=_connection_kind(settings),
                h11_max_incomplete_event_size=HEAD_BYTES_MAX,
                timeout_keep_alive=10,
                timeout_graceful_shutdown=_STOP_S,
                backlog=_BACKLOG,
            )
            _tell_address(settings, folder)
            structlog.get_logger().info("listening", address=settings.control_base)
            asyncio.run(_serve(_Server(config), listener))
        finally:
            control.desk.close()


def _connection_kind(settings: Settings) -> type[BoundedConnection]:
    class Connection(BoundedConnection):
        head_s = settings.control_request_s
        connections_max = settings.control_connections_max

    return Connection


class _Server(uvicorn.Server):
    """uvicorn's server, without its way of ending the process by the signal that it was sent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(server: _Server, listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread: a test
            loop.add_signal_handler(number, stop)
    await server.serve(sockets=[listener])


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    # With the protocol named, asyncio knows that it is TCP and sends without delay (40 ms each).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.bind, settings.control_port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Control cannot listen on {settings.bind} port {settings.control_port}: "
            f"{(error.strerror or str(error)).lower()}; choose another with --control-port."
        ) from None
    return listener


def _tell_address(settings: Settings, folder: DataFolder) -> None:
    """Write where commands on this machine find us."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind, settings.bind)
    shown = f"[{host}]" if ":" in host else host
    path = folder.control_address
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(f"http://{shown}:{settings.control_port}\n")
    scratch.replace(path)
