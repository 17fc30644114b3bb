"""One WHIP session (RFC 9725) as its client: offer, answer, the events beside it, and the end.

Says whether a refusal is for good. Never decides whether to try again.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

from stentor.base.errors import StentorError
from stentor.media.grid import SAMPLE_RATE

if TYPE_CHECKING:
    AudioPacket = Packet[Any]
else:
    AudioPacket = Packet
_QUEUE_PACKETS = 5  # 100 ms; the oldest goes first
_EVENTS_SILENCE_S = 5.0
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class Broken(Exception):
    """The session ended or could not be made; it may be tried again."""


class PacketTrack(MediaStreamTrack):
    """A track of Opus packets that somebody else has made."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[AudioPacket] = asyncio.Queue(_QUEUE_PACKETS)
        self.dropped = 0

    def put(self, sample: int, data: bytes) -> None:
        """Send a packet; the oldest waiting one makes room."""
        if self._packets.full():
            self._packets.get_nowait()
            self.dropped += 1
        packet: AudioPacket = Packet(data)
        packet.pts, packet.time_base = sample, Fraction(1, SAMPLE_RATE)
        self._packets.put_nowait(packet)

    async def recv(self) -> AudioPacket:
        """Return the next packet, as aiortc's sender asks for it."""
        if self.readyState != "live":
            raise MediaStreamError
        return await self._packets.get()


class Session:
    """One session at a stage."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str) -> None:
        self._http = http
        self._url = url
        self._token = token
        self._peer: RTCPeerConnection | None = None
        self._failed = asyncio.Event()
        self.location = ""
        self.track = PacketTrack()

    async def open(self, resume: str) -> None:
        """Connect. Raises `Broken`, or `StentorError` when there is no point in trying again."""
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peer.addTransceiver(self.track, direction="sendonly")
        await peer.setLocalDescription(await peer.createOffer())
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/sdp"}
        if resume:
            headers["Stentor-Resume"] = resume.rstrip("/").rsplit("/", 1)[-1]
        try:
            answer = await self._http.post(
                self._url, content=peer.localDescription.sdp, headers=headers
            )
        except httpx.HTTPError as error:
            raise Broken(str(error) or type(error).__name__) from None
        if answer.status_code != 201:
            raise refusal(answer)
        self.location = urljoin(self._url, answer.headers.get("Location", ""))
        connected = asyncio.Event()

        def on_change() -> None:
            if peer.connectionState == "connected":
                connected.set()
            elif peer.connectionState in ("failed", "closed"):
                self._failed.set()
                connected.set()

        peer.on("connectionstatechange", on_change)
        try:
            await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            await asyncio.wait_for(connected.wait(), 10)
        except (ValueError, TimeoutError) as error:
            raise Broken(str(error) or "no media connection within 10 s") from None
        if self._failed.is_set():
            raise Broken("the media connection failed")

    async def watch(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        """Pass on what the stage tells; raises `Broken` when the session is no more."""
        events = asyncio.create_task(self._read_events(on_event))
        failed = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait((events, failed), return_when=asyncio.FIRST_COMPLETED)
            if events.done():
                events.result()
            raise Broken("the stage is gone")
        finally:
            for task in (events, failed):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Broken):
                    await task

    async def _read_events(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        timeout = httpx.Timeout(5.0, read=_EVENTS_SILENCE_S)
        try:
            async with self._http.stream(
                "GET", f"{self.location}/events", timeout=timeout
            ) as answer:
                if answer.status_code != 200:
                    raise Broken(f"no events: status {answer.status_code}")
                async for event in _events(answer):
                    on_event(event)
        except httpx.HTTPError as error:
            raise Broken(str(error) or type(error).__name__) from None

    async def close(self, *, tell: bool) -> None:
        """End the session; `tell` the stage, if it is still there."""
        if tell and self.location:
            with contextlib.suppress(httpx.HTTPError):
                headers = {"Authorization": f"Bearer {self._token}"}
                await self._http.delete(self.location, headers=headers, timeout=2.0)
        self.track.stop()
        if self._peer is not None:
            await self._peer.close()


async def _events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            with contextlib.suppress(ValueError):
                event = json.loads(line[5:])
                if isinstance(event, dict):
                    yield event


def refusal(answer: httpx.Response) -> StentorError | Broken:
    """Return what a refusal comes to: one sentence for a person, or another try."""
    try:
        problem = answer.json()
        said = f"{problem['title'].rstrip('.')}. {problem.get('detail', '')}".strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        said = f"{answer.request.url} answers with status {answer.status_code}."
    return Broken(said) if answer.status_code in _PASSING else StentorError(said)
