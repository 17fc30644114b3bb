"""Control as a process: from the settings to a server, and down again when told to."""

import asyncio
import contextlib
import os
import socket

import structlog

from stentor.base.addresses import in_url, reached_at
from stentor.base.clock import Clock
from stentor.base.files import replace_file
from stentor.base.ids import RandomBytes
from stentor.base.metrics import CONTROL_REQUESTS_CUT_OFF
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key, operator_token
from stentor.base.settings import Settings
from stentor.base.signals import on_end
from stentor.control.access import Access
from stentor.control.audience import Audience
from stentor.control.context import Control
from stentor.control.desk import Desk
from stentor.control.hold import tidy_holds
from stentor.control.pace import Pace
from stentor.control.web import make_app
from stentor.store.database import open_database
from stentor.store.orders import OrdersFolder
from stentor.store.rooms import RoomStore
from stentor.web.connections import Limits, bounded
from stentor.web.serving import Server, listen, make_server

_KEEP_ALIVE_S = 10
_STOP_S = 2


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
    listener = listen(
        settings.bind,
        settings.control_port,
        who="Control",
        remedy="choose another with --control-port",
    )
    with contextlib.closing(listener):
        control = open_control(settings, folder, clock)
        try:
            server = make_server(
                make_app(control),
                bounded(_limits(settings), CONTROL_REQUESTS_CUT_OFF),
                keep_alive_s=_KEEP_ALIVE_S,
                stop_s=_STOP_S,
            )
            _tell_address(settings, folder)
            structlog.get_logger().info("listening", address=settings.control_base)
            asyncio.run(_serve(server, listener))
        finally:
            control.desk.close()


def _limits(settings: Settings) -> Limits:
    return Limits(
        connections_max=settings.control_connections_max,
        head_s=settings.control_request_s,
        take_s=settings.control_request_s,
    )


async def _serve(server: Server, listener: socket.socket) -> None:
    on_end(lambda: setattr(server, "should_exit", True))
    await server.serve(sockets=[listener])


def _tell_address(settings: Settings, folder: DataFolder) -> None:
    """Write where commands on this machine find us."""
    host = in_url(reached_at(settings.bind))
    path = folder.control_address
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, f"http://{host}:{settings.control_port}\n".encode())
