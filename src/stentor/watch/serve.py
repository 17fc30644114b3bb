"""The watch as a process: hears, decides and writes once a second, and shows it on a page.

Its death is noticed by nobody: edges go on with the last policy until that expires, and the
ledger says for how long nobody watched.
"""

import asyncio
import contextlib
import os
import socket
from importlib.metadata import version
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.clock import Clock, SharedClock
from stentor.base.files import replace_file
from stentor.base.ids import RandomBytes
from stentor.base.logs import log
from stentor.base.metrics import WATCH_REQUESTS_CUT_OFF
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key, load_or_make_key, operator_token
from stentor.base.settings import Settings, told_settings
from stentor.base.signals import on_end
from stentor.evidence.chain import Head
from stentor.watch.deciding import Deciding
from stentor.watch.event import EventKeys
from stentor.watch.guarding import Guarding
from stentor.watch.hearing import Heard, hear
from stentor.watch.ledger import About, Ledger
from stentor.watch.outside import Outside
from stentor.watch.watching import Watching
from stentor.watch.web import Page, make_app
from stentor.web.connections import Limits, bounded
from stentor.web.serving import Server, listen, make_server

_CONNECTIONS_MAX = 64
_KEEP_ALIVE_S = 10
_STOP_S = 1
_CLOSE_S = 1.5
LOOKS_AFTER_S = 0.2  # a whole second: edges tell of it then, one that has much to do a little later
_LEAST_S = 0.2  # between two looks, or nobody would have told anything new


def ledger_key(folder: DataFolder, random_bytes: RandomBytes = os.urandom) -> Ed25519PrivateKey:
    """Return the key that signs the ledger, made now if there is none yet."""
    return Ed25519PrivateKey.from_private_bytes(load_or_make_key(folder.ledger_key, random_bytes))


def tell_witness(path: Path, head: Head) -> None:
    """Put the newest head where the origin finds it, for the audience; the next one will do too."""
    with contextlib.suppress(OSError):
        replace_file(path, msgspec.json.encode(head))


def run_watch(settings: Settings, folder: DataFolder, clock: Clock) -> None:
    """Watch until SIGTERM or SIGINT; raises `ConfigurationError` if the port is taken."""
    listener = listen(
        settings.watch_bind,
        settings.watch_port_used,
        who="The watch",
        remedy="choose another with STENTOR_WATCH_PORT",
    )
    with contextlib.closing(listener):
        ledger, watching = _open(settings, folder, clock)
        page = Page(settings, watching, operator_token(folder), link_key(folder))
        limits = Limits(
            connections_max=_CONNECTIONS_MAX,
            head_s=settings.control_request_s,
            take_s=settings.control_request_s,
        )
        server = make_server(
            make_app(page),
            bounded(limits, WATCH_REQUESTS_CUT_OFF),
            keep_alive_s=_KEEP_ALIVE_S,
            stop_s=_STOP_S,
            lifespan="off",
        )
        log().info("watching", address=settings.watch_base)
        try:
            asyncio.run(_serve(server, listener, folder, watching, clock))
        finally:
            ledger.close(_CLOSE_S)


def _open(settings: Settings, folder: DataFolder, clock: Clock) -> tuple[Ledger, Watching]:
    keys = EventKeys(folder.event_key)
    told = told_settings(settings)
    outside = Outside(folder)
    ledger = Ledger(
        folder.ledger,
        ledger_key(folder),
        lambda: About(
            version("stentor"),
            told if outside.settings is None else outside.settings,
            keys.key.id,
        ),
        file_bytes_max=settings.ledger_file_bytes_max,
        bytes_max=settings.ledger_bytes_max,
        on_head=lambda head: tell_witness(folder.witness, head),
    )
    watching = Watching(
        clock,
        Heard(),
        Deciding(folder.policy, folder.operator_words),
        outside,
        keys,
        ledger,
        Guarding(folder.guard_socket),
    )
    return ledger, watching


async def _serve(
    server: Server, listener: socket.socket, folder: DataFolder, watching: Watching, clock: Clock
) -> None:
    """Hear, look and answer until a signal says that it is over."""
    on_end(lambda: setattr(server, "should_exit", True))
    tasks = [
        asyncio.create_task(hear(folder.watch_socket, watching.heard.take)),
        asyncio.create_task(_look(watching, clock)),
    ]
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _look(watching: Watching, clock: Clock) -> None:
    """Look once a second, soon after edges have told of it; what was missed is not made up for."""
    loop = asyncio.get_running_loop()
    while True:
        offset_ns = clock.offset_ns if isinstance(clock, SharedClock) else 0
        watching.look(loop.time(), offset_ns)
        await asyncio.sleep(until_look_s(clock.now_ns()))


def until_look_s(now_ns: int) -> float:
    """Return in how many seconds the watch looks next, who has looked just now."""
    wait_s = 1.0 - (now_ns % 1_000_000_000 / 1e9 - LOOKS_AFTER_S) % 1.0
    return wait_s if wait_s > _LEAST_S else wait_s + 1.0
