"""One speaker's WebRTC peer: aiortc for ICE, DTLS and SRTP, and nothing else of it.

RTP is taken at aiortc's private `_handle_rtp_packet`, before its jitter buffer and decoder, and
its stream statistics are fed so that RTCP reports stay right. The return audio goes out as RTP
that is made here. Both hooks are private: the version is pinned and tests/unit/stage holds them.
"""

import asyncio
import contextlib
import struct
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

import pylibsrtp
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.clock import current_ntp_time
from aiortc.rtcrtpreceiver import StreamStatistics

from stentor.base.errors import Problem
from stentor.media.grid import FRAME_SAMPLES, SAMPLE_RATE
from stentor.stage.datagrams import Datagrams, OnValidated
from stentor.stage.offer import malformed, mend_answer

OnPacket = Callable[[int, int, bytes], None]  # sequence, timestamp, payload

SOURCES_MAX = 4  # SSRCs of one peer; what comes from others is dropped
_CLOSE_S_MAX = 5.0
_OVER = ("failed", "closed")
_JITTER_Q4_MAX = 0xFFFF_FFFF << 4  # more does not fit a receiver report, whose task then dies
_HEADER = struct.Struct("!BBHII")
_CAPABILITIES = RTCRtpReceiver.getCapabilities("audio")
assert _CAPABILITIES is not None
_OPUS = [codec for codec in _CAPABILITIES.codecs if codec.mimeType.lower() == "audio/opus"]


class Direction(Enum):
    """Whether a peer only speaks, or hears the others too."""

    SPEAKS = "recvonly"
    SPEAKS_AND_HEARS = "sendrecv"


class _NoTrack(MediaStreamTrack):
    """Keeps aiortc's own sender waiting for ever: what is heard is sent by `Peer.send`."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.Event().wait()


def run_at_once(call: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never waits, without a task for it."""
    try:
        call.send(None)
    except StopIteration:
        return
    call.close()


class Peer:
    """A connection with one speaker. `on_packet` is called from the event loop.

    `admit` is asked for each packet that the speaker's keys protect, of whatever kind: who answers
    False has it dropped. `on_validated` hears of each good check of ICE's.
    """

    def __init__(
        self,
        direction: Direction,
        on_packet: OnPacket,
        admit: Callable[[], bool] = lambda: True,
        on_validated: OnValidated = lambda _address, _port: None,
    ) -> None:
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._on_packet = on_packet
        self._payload_type: int | None = None
        self._sequence = 0
        self._timestamp = 0
        self._sent_packets = 0
        self._sent_bytes = 0
        self._datagrams = Datagrams(admit, on_validated)
        self._foreign_total = 0  # RTP that is not this peer's Opus
        self.send_errors_total = 0
        source = _NoTrack() if direction is Direction.SPEAKS_AND_HEARS else "audio"
        self._transceiver = self._connection.addTransceiver(source, direction=direction.value)
        self._transceiver.setCodecPreferences(_OPUS)
        self._tap()

    @property
    def state(self) -> str:
        """The state of the connection, as WebRTC names it."""
        return str(self._connection.connectionState)

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more: of the audio's own transport, whatever others do."""
        transport = self._transceiver.receiver.transport
        return (
            self.state == "closed" or transport.state in _OVER or transport.transport.state in _OVER
        )

    @property
    def dropped_total(self) -> int:
        """How many datagrams and packets came that are of no use here."""
        return self._foreign_total + self._datagrams.dropped_total

    @property
    def sifted_total(self) -> int:
        """How many datagrams the kernel dropped before they came here."""
        return self._datagrams.sifted_total

    @property
    def has_too_many_sources(self) -> bool:
        """Whether the speaker used more SSRCs than anybody needs."""
        return self._datagrams.has_too_many_sources

    async def answer(self, offer: str) -> str:
        """Return the SDP answer to an offer; raises `Problem` if it cannot be used."""
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            for transceiver in self._connection.getTransceivers():
                if transceiver is not self._transceiver:
                    transceiver.direction = "inactive"
            transports = {one.receiver.transport for one in self._connection.getTransceivers()}
            for transport in transports:
                self._datagrams.guard(transport)
            self._payload_type = next(
                codec.payloadType
                for codec in self._transceiver._codecs
                if codec.mimeType.lower() == "audio/opus"
            )
            answer = await self._connection.createAnswer()
            await self._connection.setLocalDescription(answer)
        except OSError as error:
            raise Problem(
                503, "no-sockets", "No media socket can be opened", error.strerror or ""
            ) from error
        except Exception as error:  # aiortc's parser raises whatever a line makes it stumble over
            raise malformed(f"It was not understood ({type(error).__name__}).") from error
        return mend_answer(self._connection.localDescription.sdp)

    def send(self, payload: bytes) -> None:
        """Send 20 ms of Opus; does nothing unless connected. Never waits."""
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        transport = self._transceiver.sender.transport
        if transport.state != "connected":
            return
        sender: Any = self._transceiver.sender
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = _HEADER.pack(
            0x80, self._payload_type, self._sequence, self._timestamp, sender._ssrc
        )
        try:
            run_at_once(transport._send_rtp(header + payload))
        except (OSError, ValueError, pylibsrtp.Error):
            self.send_errors_total += 1
            return
        self._sent_packets += 1
        self._sent_bytes += len(payload)
        sender._RTCRtpSender__ntp_timestamp = current_ntp_time()
        sender._RTCRtpSender__rtp_timestamp = self._timestamp
        sender._RTCRtpSender__packet_count = self._sent_packets
        sender._RTCRtpSender__octet_count = self._sent_bytes

    async def close(self) -> None:
        """End the connection; never raises, never takes long."""
        self._on_packet = lambda *_: None
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._connection.close(), _CLOSE_S_MAX)
        # aiortc waits for its tasks first, and for ever for one that has died: sockets are ours.
        for transceiver in self._connection.getTransceivers():
            transport = transceiver.receiver.transport
            with contextlib.suppress(Exception):
                await asyncio.wait_for(transport.stop(), _CLOSE_S_MAX)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(transport.transport.stop(), _CLOSE_S_MAX)

    def _tap(self) -> None:
        receiver: Any = self._transceiver.receiver
        streams: dict[int, StreamStatistics] = receiver._RTCRtpReceiver__remote_streams

        async def take(packet: Any, arrival_time_ms: int) -> None:
            if packet.payload_type != self._payload_type or not packet.payload:
                self._foreign_total += 1
                return
            statistics = streams.get(packet.ssrc)
            if statistics is None:
                if len(streams) >= SOURCES_MAX:
                    self._foreign_total += 1
                    return
                statistics = streams[packet.ssrc] = StreamStatistics(SAMPLE_RATE)
            statistics.add(packet)
            statistics._jitter_q4 = min(statistics._jitter_q4, _JITTER_Q4_MAX)
            self._on_packet(packet.sequence_number, packet.timestamp, packet.payload)

        receiver._handle_rtp_packet = take
