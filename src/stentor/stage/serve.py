"""Runs the stage's process: tick, web and feed in one event loop, until told to stop."""

import asyncio
import contextlib
import gc
import os
import signal
import socket

import uvicorn

from stentor.base.clock import Clock
from stentor.base.errors import ConfigurationError
from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key
from stentor.base.settings import Settings
from stentor.codecs.opus import version
from stentor.feed.local import LocalPublisher
from stentor.feed.window import Window
from stentor.stage.addresses import open_media_on, parse_addresses
from stentor.stage.connections import ImpatientConnection
from stentor.stage.events import Events
from stentor.stage.stage import Stage
from stentor.stage.web import make_web
from stentor.store.orders import OrdersFolder

WINDOW_FRAMES = 150  # 3 s: what an origin that has died and come back may still ask for
_KEEP_ALIVE_S = 5
_STOP_S_MAX = 1
_NICENESS = -10  # without the right to it, it is not granted, and all is as usual


def run_stage(settings: Settings, folder: DataFolder, clock: Clock) -> None:
    """Serve speakers until SIGTERM or SIGINT."""
    asyncio.run(_serve(settings, folder, clock))


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    # With the protocol named, asyncio knows that it is TCP and sends without delay (40 ms each).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.bind, settings.stage_port_used))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"The stage cannot listen on {settings.bind}:{settings.stage_port_used}: "
            f"{error.strerror}."
        ) from None
    listener.listen(128)
    return listener


def _come_first() -> None:
    """Ask to be scheduled before others: nobody hears a late page, everybody a late tick."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


async def _serve(settings: Settings, folder: DataFolder, clock: Clock) -> None:
    open_media_on(parse_addresses("media_addresses", settings.media_addresses))
    listener = _listen(settings)
    _come_first()
    publisher = LocalPublisher(folder.stage_feed, Window(WINDOW_FRAMES))
    await publisher.open()
    stage = Stage(
        settings,
        clock,
        OrdersFolder(folder.orders),
        link_key(folder),
        publisher.publish,
        publisher.window.forget,
    )
    web = uvicorn.Server(
        uvicorn.Config(
            make_web(stage, Events(stage, clock)),
            log_config=None,
            http=ImpatientConnection,
            ws="none",
            proxy_headers=False,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_S_MAX,
            server_header=False,
        )
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    ticking = loop.create_task(stage.run())
    ticking.add_done_callback(lambda _task: stop.set())
    serving = loop.create_task(web._serve([listener]))  # `serve` would take the signals
    serving.add_done_callback(lambda _task: stop.set())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gc.collect()
    gc.freeze()  # what was imported is never looked at again: shorter pauses
    log().info("stage_ready", port=settings.stage_port_used, opus=version())
    await stop.wait()
    web.should_exit = True
    await stage.close()
    await serving
    failed = ticking.done() and not ticking.cancelled() and ticking.exception()
    ticking.cancel()
    publisher.close()
    if failed:
        raise failed
