"""Runs the guard's process: its socket, its table in the kernel, until told to stop.

It needs CAP_NET_ADMIN and reads nothing but its settings and its socket.
"""

import contextlib
import selectors
import signal
import socket
import time
from enum import StrEnum
from pathlib import Path

from stentor.base.errors import ConfigurationError, UnavailableError
from stentor.base.logs import log
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.guard.desk import Desk
from stentor.guard.kernel import Ground, Kernel, KernelRefused
from stentor.guard.never import read_ground
from stentor.guard.nftables import Nftables
from stentor.guard.privileges import give_up_the_rest, may_guard
from stentor.guard.socket import WordSocket
from stentor.guard.xdp import Xdp
from stentor.shield.vocabulary import Limits, Media, encode

_TIDY_S = 1.0


class Wanted(StrEnum):
    """Whether `stentor serve` runs the guard."""

    OFF = "off"
    AUTO = "auto"  # where it may, and goes on without where the kernel will not
    ON = "on"


_WORDS_A_TURN = 256


def run_guard(settings: Settings, folder: DataFolder) -> None:
    """Guard until SIGTERM or SIGINT; raises `StentorError` if the kernel will not have it."""
    try:
        _guard(settings, folder)
    except UnavailableError as error:
        if Wanted(settings.guard) is not Wanted.AUTO:
            raise
        log().warning("guard_not_used", why=str(error))


def _guard(settings: Settings, folder: DataFolder) -> None:
    try:
        owner = folder.root.stat()
    except OSError as error:
        raise ConfigurationError(f"{folder.root}: {error.strerror}.") from None
    ground = read_ground(settings)
    limits = read_settings(settings)
    kernel = open_kernel(ground, interfaces(settings))
    if not give_up_the_rest():
        log().warning("privileges_kept")
    try:
        desk = Desk(kernel, ground, limits)
        heard = WordSocket(folder.guard_socket, (owner.st_uid, owner.st_gid), desk.words)
        with contextlib.closing(heard):
            _serve(desk, heard)
    except KernelRefused as error:
        raise UnavailableError(f"The kernel refuses the limits: {error}.") from None
    finally:
        kernel.close()


def is_wanted(settings: Settings) -> bool:
    """Say whether `stentor serve` is to run a guard; raises `ConfigurationError`."""
    try:
        wanted = Wanted(settings.guard)
    except ValueError:
        raise ConfigurationError(
            f"guard must be {', '.join(Wanted)}, not {settings.guard!r}."
        ) from None
    if wanted is Wanted.ON and not may_guard():
        raise ConfigurationError(
            "guard=on needs CAP_NET_ADMIN; without it set guard=off and run `stentor guard` apart."
        )
    return wanted is not Wanted.OFF and may_guard()


def interfaces(settings: Settings) -> tuple[str, ...]:
    """Return the names of the interfaces to drop at by XDP."""
    return tuple(one.strip() for one in settings.guard_interfaces.split(",") if one.strip())


def read_settings(settings: Settings) -> Limits:
    """Return the operator's limits; raises `ConfigurationError`."""
    try:
        media = Media(settings.guard_media)
    except ValueError:
        raise ConfigurationError(
            f"guard_media must be {' or '.join(Media)}, not {settings.guard_media!r}."
        ) from None
    return Limits(settings.guard_syn_per_s, settings.guard_udp_per_s, media)


def open_kernel(ground: Ground, names: tuple[str, ...]) -> Kernel:
    """Return the best way to drop that works here; raises `UnavailableError` if none does."""
    if names:
        try:
            return Xdp(ground, names)
        except KernelRefused as error:
            log().warning("xdp_not_used", why=str(error), instead="nftables")
    try:
        return Nftables(ground)
    except KernelRefused as error:
        raise UnavailableError(
            f"The kernel takes no rules: {error}. The guard needs CAP_NET_ADMIN and nftables, and "
            "there may be one guard only."
        ) from None


def _serve(desk: Desk, words: WordSocket) -> None:
    stopping: list[int] = []
    wake, waker = socket.socketpair()
    wake.setblocking(False)
    waker.setblocking(False)
    before = {
        number: signal.signal(number, lambda number, _frame: stopping.append(number))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    descriptor_before = signal.set_wakeup_fd(waker.fileno())
    selector = selectors.DefaultSelector()
    selector.register(wake, selectors.EVENT_READ)
    tidy_at = 0.0
    try:
        while not stopping:
            now_s = time.monotonic()
            if now_s >= tidy_at:
                tidy_at = now_s + _TIDY_S
                desk.tidy(now_s)
                _keep_reachable(words, selector)
            if selector.select(max(0.0, tidy_at - time.monotonic())):
                _hear(desk, words)
    finally:
        signal.set_wakeup_fd(descriptor_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        selector.close()
        wake.close()
        waker.close()


def _keep_reachable(words: WordSocket, selector: selectors.BaseSelector) -> None:
    """Have the socket where it belongs: `stentor serve` makes the run folder anew at its start."""
    before = words.socket
    if words.keep() and words.socket is not None:
        if before is not None:
            selector.unregister(before)
        selector.register(words.socket, selectors.EVENT_READ)
        log().info("guard_ready")


def _hear(desk: Desk, words: WordSocket) -> None:
    for data, place in words.words(_WORDS_A_TURN):
        words.answer(encode(desk.hear(data, time.monotonic())), place)


def guard_folder(settings: Settings) -> DataFolder:
    """Return the data folder that the settings name."""
    return DataFolder(Path(settings.data).absolute())
