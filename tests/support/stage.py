"""A stage alone: its real process with orders from the test, and real peers that talk to it.

with stage_running(tmp_path, room) as stage:
    async with Talker(stage, "ada", tone(440, 10)) as ada: ...
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import msgspec
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from stentor.audio.playout import Playout
from stentor.base.clock import SharedClock
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key
from stentor.codecs.opus import OpusDecoder, packet_samples
from stentor.feed.local import follow
from stentor.feed.wire import Kind, Message
from stentor.rooms.links import Link, sign_link
from stentor.rooms.orders import Orders, Role, Seat
from stentor.stage.peer import _NoTrack
from stentor.store.orders import OrdersFolder
from support.bad_network import Pcm, Sent, packets
from support.machine import PATIENCE
from support.network import free_port, wait_for_port

LINK_MS = 3_600_000


@dataclass
class StageRunning:
    """The process, and the hand that writes its orders."""

    folder: DataFolder
    port: int
    process: subprocess.Popen[bytes] | None
    orders: dict[str, Orders] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = SharedClock(self.folder.clock)
        self._store = OrdersFolder(self.folder.orders)

    @classmethod
    def other(cls, data: Path, port: int) -> StageRunning:
        """Return a stage that another process has started."""
        return cls(DataFolder(data), port, None)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def order(self, orders: Orders) -> None:
        self.orders[orders.room] = orders
        self._store.write(orders)

    def change_seat(self, room: str, seat_id: str, **changes: bool) -> None:
        """Do as control does when a host mutes, removes or bans."""
        before = self.orders[room]
        seats = tuple(
            msgspec.structs.replace(seat, **changes) if seat.id == seat_id else seat
            for seat in before.seats
        )
        self.order(msgspec.structs.replace(before, seats=seats, revision=before.revision + 1))

    def token(self, seat: str, room: str = "room", expires_in_ms: int = LINK_MS) -> str:
        link = Link(seat, room, Role.SPEAKER, seat, self.now_ms + expires_in_ms)
        return sign_link(link, link_key(self.folder))

    def headers(self, seat: str, **other: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token(seat)}",
            "Content-Type": "application/sdp",
            **other,
        }


def orders_of(*seats: str, room: str = "room", epoch_ms: int, **changes: Any) -> Orders:
    return Orders(
        room,
        1,
        "A room",
        epoch_ms,
        seats=tuple(Seat(seat, Role.SPEAKER, seat.title()) for seat in seats),
        **changes,
    )


@contextmanager
def stage_running(
    data: Path, *seats: str, live: bool = True, **settings: object
) -> Iterator[StageRunning]:
    """Start a stage with one room, `room`, live or in an hour."""
    port = free_port()
    folder = DataFolder(data)
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")},
        "STENTOR_DATA": str(data),
        "STENTOR_STAGE_PORT": str(port),
        **{f"STENTOR_{name.upper()}": str(value) for name, value in settings.items()},
    }
    link_key(folder)
    process = subprocess.Popen([sys.executable, "-m", "stentor", "part", "stage"], env=environment)
    stage = StageRunning(folder, port, process)
    try:
        epoch_ms = stage.now_ms + (-1_000 if live else 3_600_000)
        stage.order(orders_of(*seats, epoch_ms=epoch_ms))
        wait_for_port(port)
        yield stage
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(10) in (0, -signal.SIGKILL)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


class Talker:
    """A browser's stand-in: sends a looped sound as Opus over RTP, hears what comes back.

    `lost` is asked for each packet; who returns True has it dropped before it is sent.
    """

    def __init__(
        self,
        stage: StageRunning,
        seat: str,
        sound: Pcm,
        *,
        resume: str = "",
        lost: Callable[[Sent], bool] = lambda _packet: False,
        endpoint: str = "talk",
        listen: bool = True,
    ) -> None:
        self._stage, self.seat, self._lost, self._resume = stage, seat, lost, resume
        self._sent = packets(sound)
        self._endpoint = endpoint
        self._listen = listen
        self._playout = Playout(OpusDecoder())
        self._tasks: list[asyncio.Task[None]] = []
        self.heard: list[Pcm] = []
        self.late_s: list[float] = []  # by how much each packet went out late
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.location = ""
        self.answer = ""
        self.sending = True

    @property
    def session(self) -> str:
        return self.location.rpartition("/")[2]

    async def __aenter__(self) -> Talker:
        self.connection.addTransceiver(_NoTrack(), direction="sendrecv")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        headers = self._stage.headers(self.seat)
        if self._resume:
            headers["Stentor-Resume"] = self._resume
        async with httpx.AsyncClient() as client:
            response = await client.post(
                f"{self._stage.base}/{self._endpoint}/room",
                content=self.connection.localDescription.sdp,
                headers=headers,
            )
        response.raise_for_status()
        self.answer, self.location = response.text, response.headers["location"]
        self.connection.getTransceivers()[0].receiver._handle_rtp_packet = self._hear
        await self.connection.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))
        async with asyncio.timeout(15):
            while self.connection.connectionState != "connected":
                await asyncio.sleep(0.01)
        self._tasks = [asyncio.create_task(self._run())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self.connection.close()

    def sound(self, last_s: float) -> Pcm:
        """Return the last seconds of what was heard."""
        frames = self.heard[-round(last_s * 50) :]
        return np.concatenate(frames) if frames else np.zeros(960, np.float32)

    def sent_evenly(self, last_s: float) -> bool:
        """Say whether this machine let it send as a speaker's does: what it delays is not loss."""
        latest = self.late_s[-round(last_s * 50) - 25 :]
        return max(latest) - min(latest) < 0.06

    def flood(self, count: int) -> None:
        """Send packets as fast as can be, as no client should."""
        transceiver = self.connection.getTransceivers()[0]
        payload = self._sent[0].payload
        kind = transceiver._codecs[0].payloadType

        async def send() -> None:
            for number in range(count):
                packet = RtpPacket(payload_type=kind, sequence_number=number, timestamp=number)
                packet.ssrc, packet.payload = transceiver.sender._ssrc, payload
                with contextlib.suppress(ConnectionError):
                    await transceiver.sender.transport._send_rtp(packet.serialize())
                if number % 20 == 0:
                    await asyncio.sleep(0)

        self._tasks.append(asyncio.create_task(send()))

    async def _hear(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        payload = packet.payload
        if not self._listen:
            return
        self._playout.put(
            packet.sequence_number, packet.timestamp, packet_samples(payload), payload
        )

    async def _run(self) -> None:
        transceiver = self.connection.getTransceivers()[0]
        transport, ssrc = transceiver.sender.transport, transceiver.sender._ssrc
        kind = transceiver._codecs[0].payloadType
        loop = asyncio.get_running_loop()
        started, number = loop.time(), 0
        while True:
            one = self._sent[number % len(self._sent)]
            if self.sending and not self._lost(one):
                packet = RtpPacket(
                    payload_type=kind,
                    sequence_number=number & 0xFFFF,
                    timestamp=number * 960 & 0xFFFFFFFF,
                )
                packet.ssrc, packet.payload = ssrc, one.payload
                try:
                    await transport._send_rtp(packet.serialize())
                except ConnectionError:
                    self.sending = False  # the stage has closed the connection
            frame = self._playout.pull()
            self.heard.append(frame if frame is not None else np.zeros(960, np.float32))
            number += 1
            self.late_s.append(loop.time() - started - number * 0.02)
            await asyncio.sleep(max(0, started + number * 0.02 - loop.time()))


class FeedEars:
    """Reads a stage's feed as the origin does."""

    def __init__(self, stage: StageRunning) -> None:
        self._stage = stage
        self.messages: list[Message] = []

    async def __aenter__(self) -> FeedEars:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        async for message in follow(self._stage.folder.stage_feed):
            if message is not None:
                self.messages.append(message)

    @property
    def frames(self) -> list[Message]:
        return [one for one in self.messages if one.kind is Kind.FRAME]

    @property
    def states(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(m.payload) for m in self.messages if m.kind is Kind.STATE]

    def sound(self, last_s: float) -> Pcm:
        """Return the last seconds of the programme; what is missing is silence."""
        frames = self.frames
        if not frames:
            return np.zeros(960, np.float32)
        end = frames[-1].sample_index + 960
        out = np.zeros(round(last_s * 50) * 960, np.float32)
        for one in frames:
            at = one.sample_index - end + len(out)
            if at >= 0:
                out[at : at + 960] = np.frombuffer(one.payload, np.int16) / 32_768
        return out


async def until(condition: Callable[[], Any], timeout_s: float, what: str = "") -> float:
    """Return after how many seconds `condition` was true; fail after `timeout_s`."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not condition():
        if loop.time() - started > PATIENCE * timeout_s:
            raise AssertionError(f"not within {PATIENCE * timeout_s} s: {what or condition}")
        await asyncio.sleep(0.005)
    return loop.time() - started
