"""`stentor speak`: who the link is for, one session after another, and a clean end.

The voice goes on while a session is being renewed, as a person would: what is said meanwhile is
lost, and nothing is said twice.
"""

import asyncio
import contextlib
import math
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from stentor.base.clock import SystemClock
from stentor.base.errors import StentorError, UnavailableError, UsageError
from stentor.speak.voice import FRAME_S, Reader, speak_frames
from stentor.speak.whip import Broken, Session, refusal

RETRY_FIRST_S = 0.05
RETRY_S_MAX = 1.0
GIVE_UP_AFTER_S = 60.0
GIVE_UP_FIRST_S = 5.0
_PREPARATION_S = 1.0  # to decode what is left out, and to connect
Tell = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Speech:
    """What to say, and to whom."""

    source: str
    link: str
    loop: bool = False
    bitrate: int = 48_000
    on_air: bool = False  # begin when the room is on the air, not in the green room
    since_ms: int | None = None  # as if it had begun then: voices that belong together


@dataclass(frozen=True, slots=True)
class _Seat:
    room: str
    name: str
    whip_url: str
    token: str


def run_speak(speech: Speech, tell: Tell) -> None:
    """Speak until the source, the room or the patience of whoever pressed Ctrl-C ends.

    Raises `StentorError` with one sentence if that cannot be.
    """
    asyncio.run(_speak(speech, tell))


async def _speak(speech: Speech, tell: Tell) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    skip_s, start_at = _begin(speech.since_ms)
    reader = Reader(speech.source, loop=speech.loop, skip_s=skip_s)

    async def speaking() -> None:
        await reader.wait_first()
        async with httpx.AsyncClient(timeout=5.0) as http:
            seat = await _who_am_i(http, speech.link)
            tell("link", {"room": seat.room, "name": seat.name})
            await _Speaker(http, seat, reader, speech, tell).run(start_at)

    try:
        await _until_first(stop, speaking())
    finally:
        reader.close()


def _begin(since_ms: int | None) -> tuple[float, float | None]:
    """Return how much of the source to leave out, and when on the monotonic clock to begin.

    None is: as soon as there is somebody to speak to.
    """
    if since_ms is None:
        return 0.0, None
    ago_s = SystemClock().now_ns() / 1e9 - since_ms / 1000
    frames = max(0, math.ceil((ago_s + _PREPARATION_S) / FRAME_S))
    return frames * FRAME_S, time.monotonic() - ago_s + frames * FRAME_S


async def _until_first(stop: asyncio.Event, speaking: Coroutine[Any, Any, None]) -> None:
    tasks = (asyncio.create_task(speaking), asyncio.create_task(stop.wait()))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, StentorError):
                await task


async def _who_am_i(http: httpx.AsyncClient, link: str) -> _Seat:
    """Ask control what the link is good for."""
    parts = urlsplit(link)
    token = (parse_qs(parts.fragment).get("key") or [""])[0]
    if parts.scheme not in ("http", "https") or not parts.netloc or not token:
        raise UsageError("That is not a speaker's link: it looks like http://…/studio#key=….")
    url = f"{parts.scheme}://{parts.netloc}/api/me"
    try:
        answer = await http.get(url, headers={"Authorization": f"Bearer {token}"})
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"{parts.netloc} cannot be reached: {str(error) or type(error).__name__}."
        ) from None
    if answer.status_code != 200:
        refused = refusal(answer)
        raise StentorError(str(refused))
    me = answer.json()
    return _Seat(me["room"], me["name"], me["whip_url"], token)


class _Speaker:
    """Keeps a session alive while the voice speaks."""

    def __init__(
        self, http: httpx.AsyncClient, seat: _Seat, reader: Reader, speech: Speech, tell: Tell
    ) -> None:
        self._http = http
        self._seat = seat
        self._reader = reader
        self._bitrate = speech.bitrate
        self._may_begin = not speech.on_air
        self._tell = tell
        self._session: Session | None = None
        self._old = ""  # location of the session to resume
        self._over = asyncio.Event()
        self._last_told: tuple[Any, ...] = ()

    async def run(self, start_at: float | None) -> None:
        """Connect, speak, connect again when the stage is gone; end when the source ends."""
        try:
            await self._connect(GIVE_UP_FIRST_S)
            speaking = asyncio.create_task(
                speak_frames(
                    self._reader,
                    self._bitrate,
                    self._send,
                    time.monotonic() if start_at is None else start_at,
                    lambda: self._may_begin,
                )
            )
            staying = asyncio.create_task(self._stay())
            over = asyncio.create_task(self._over.wait())
            tasks = (speaking, staying, over)
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()
            finally:
                for task in tasks:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, StentorError):
                        await task
        finally:
            if self._session is not None:
                await self._session.close(tell=True)
            self._tell("ended", {})

    def _send(self, sample: int, data: bytes) -> None:
        if self._session is not None:
            self._session.track.put(sample, data)

    async def _stay(self) -> None:
        while True:
            assert self._session is not None
            try:
                await self._session.watch(self._on_event)
            except Broken as error:
                self._tell("reconnecting", {"why": str(error)})
                old, self._session = self._session, None
                self._old = old.location
                closing = asyncio.create_task(old.close(tell=False))
                await self._connect(GIVE_UP_AFTER_S)
                await closing

    async def _connect(self, give_up_s: float) -> None:
        loop = asyncio.get_running_loop()
        began, retry_s = loop.time(), RETRY_FIRST_S
        while True:
            session = Session(self._http, self._seat.whip_url, self._seat.token)
            try:
                await session.open(self._old)
            except Broken as error:
                await session.close(tell=True)
                if loop.time() - began > give_up_s:
                    raise UnavailableError(f"The stage cannot be reached: {error}.") from None
                await asyncio.sleep(retry_s)
                retry_s = min(RETRY_S_MAX, retry_s * 1.5)
                continue
            except BaseException:
                await session.close(tell=True)
                raise
            self._session = session
            self._tell("connected", {"after_ms": round((loop.time() - began) * 1000)})
            return

    def _on_event(self, event: dict[str, Any]) -> None:
        me = event.get("you") or {}
        told = (event.get("phase"), me.get("muted"))
        if told != self._last_told:
            self._last_told = told
            self._tell("state", {"phase": told[0], "muted": bool(told[1])})
        self._may_begin = self._may_begin or event.get("phase") == "live"
        if event.get("phase") == "ended":
            self._over.set()
