"""Runs the stage's process: tick, web and feed in one event loop, until told to stop."""

import asyncio
import contextlib
import gc
import os

from stentor.base.clock import Clock
from stentor.base.logs import log
from stentor.base.metrics import STAGE_REQUESTS_CUT_OFF
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key
from stentor.base.settings import Settings
from stentor.base.signals import on_end
from stentor.codecs.opus import version
from stentor.feed.local import LocalPublisher
from stentor.feed.window import Window
from stentor.stage.addresses import open_media_on, parse_addresses
from stentor.stage.events import Events
from stentor.stage.guarding import GuardWords
from stentor.stage.stage import Stage
from stentor.stage.telling import Telling
from stentor.stage.web import make_web
from stentor.store.orders import OrdersFolder
from stentor.web.connections import Limits, bounded
from stentor.web.serving import listen, make_server

WINDOW_FRAMES = 150  # 3 s: what an origin that has died and come back may still ask for
CONNECTIONS_MAX = 512
_LIMITS = Limits(connections_max=CONNECTIONS_MAX, head_s=10, take_s=15)
_KEEP_ALIVE_S = 5
_STOP_S_MAX = 1
_NICENESS = -10  # without the right to it, it is not granted, and all is as usual


def run_stage(settings: Settings, folder: DataFolder, clock: Clock) -> None:
    """Serve speakers until SIGTERM or SIGINT."""
    asyncio.run(_serve(settings, folder, clock))


def _come_first() -> None:
    """Ask to be scheduled before others: nobody hears a late page, everybody a late tick."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


async def _serve(settings: Settings, folder: DataFolder, clock: Clock) -> None:
    open_media_on(
        parse_addresses("media_addresses", settings.media_addresses), settings.media_port_range
    )
    listener = listen(
        settings.bind,
        settings.stage_port_used,
        who="The stage",
        remedy="choose another with STENTOR_STAGE_PORT",
    )
    _come_first()
    publisher = LocalPublisher(folder.stage_feed, Window(WINDOW_FRAMES))
    await publisher.open()
    guard = GuardWords(folder.guard_socket)
    stage = Stage(
        settings,
        clock,
        OrdersFolder(folder.orders),
        link_key(folder),
        publisher.publish,
        publisher.window.forget,
        on_validated=guard.validated,
    )
    web = make_server(
        make_web(stage, Events(stage, clock)),
        bounded(_LIMITS, STAGE_REQUESTS_CUT_OFF),
        keep_alive_s=_KEEP_ALIVE_S,
        stop_s=_STOP_S_MAX,
        lifespan="off",
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    telling = Telling(folder.watch_socket, stage, clock)
    told = loop.create_task(telling.run())
    ticking = loop.create_task(stage.run())
    ticking.add_done_callback(lambda _task: stop.set())
    serving = loop.create_task(web.serve([listener]))
    serving.add_done_callback(lambda _task: stop.set())
    on_end(stop.set)
    gc.collect()
    gc.freeze()  # what was imported is never looked at again: shorter pauses
    log().info("stage_ready", port=settings.stage_port_used, opus=version())
    await stop.wait()
    web.should_exit = True
    await stage.close()
    await serving
    failed = ticking.done() and not ticking.cancelled() and ticking.exception()
    ticking.cancel()
    told.cancel()
    telling.close()
    publisher.close()
    guard.close()
    if failed:
        raise failed
