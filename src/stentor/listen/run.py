"""`stentor listen`: which way an address is listened to, and what is written of it.

Ctrl-C is a way to stop, not an error; to have heard nothing is one.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from stentor.base.clock import Clock
from stentor.base.errors import StentorError, UsageError
from stentor.codecs.decode import Pcm
from stentor.listen.heard import Findings, Heard
from stentor.listen.limit import Limit
from stentor.listen.push import listen_push
from stentor.listen.shelf import Shelf, playlist_url
from stentor.media.renditions import DEFAULT_RENDITION, RENDITIONS
from stentor.rooms.state import RoomState


@dataclass(frozen=True, slots=True)
class Wish:
    """What to listen to, and how."""

    url: str
    rendition: str | None = None
    seconds: float | None = None
    hls: bool = False
    out: Path | None = None


def run_listen(
    wish: Wish,
    clock: Clock,
    *,
    on_pcm: Callable[[int, Pcm], None] = lambda part, pcm: None,
    on_state: Callable[[RoomState], None] = lambda state: None,
    on_start: Callable[[Heard], None] = lambda heard: None,
) -> Findings:
    """Listen as wished; return what was found. Raises `StentorError` if it cannot be."""
    if wish.rendition is not None and wish.rendition not in RENDITIONS:
        raise UsageError(f"No rendition {wish.rendition!r}; there are {', '.join(RENDITIONS)}.")
    heard = Heard(clock.now_ns(), on_pcm=on_pcm, on_state=on_state)
    on_start(heard)
    with _out(wish.out) as file, contextlib.suppress(KeyboardInterrupt):
        if file is not None:
            heard.on_file = lambda data: _write(file, data)
        _listen(wish, heard, clock)
    return heard.findings


def _listen(wish: Wish, heard: Heard, clock: Clock) -> None:
    limit = Limit(wish.seconds)
    path = urlsplit(wish.url).path
    if path.endswith(".m3u8"):
        Shelf(wish.url, wish.rendition, heard, clock.now_ns, limit).listen()
    elif wish.hls:
        family = "opus.m3u8" if (wish.rendition or "").startswith("opus") else "master.m3u8"
        url = playlist_url(wish.url, family)
        Shelf(url, wish.rendition, heard, clock.now_ns, limit).listen()
    else:
        url = push_url(wish.url, wish.rendition)
        heard.findings.rendition = wish.rendition or DEFAULT_RENDITION
        listen_push(url, heard, clock.now_ns, limit)


def push_url(url: str, rendition: str | None) -> str:
    """Return the address of the push stream, given a room's page or the stream itself."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith("/live.mp4"):
        path = f"{path}/live.mp4"
    query = parts.query
    if rendition is not None or "rendition=" not in query:
        query = f"rendition={rendition or DEFAULT_RENDITION}"
    return parts._replace(path=path, query=query, fragment="").geturl()


@contextlib.contextmanager
def _out(path: Path | None) -> Iterator[BinaryIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    with file:
        yield file


def _write(file: BinaryIO, data: bytes) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise StentorError(f"{file.name} cannot be written: {error.strerror}.") from None
