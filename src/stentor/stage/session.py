"""One speaker's session: from the packets of a peer to a frame for the mix, at every tick.

It decides whether the session is alive; never whether it may speak (orders do, through `muted`).
"""

import math
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from stentor.audio.playout import Playout
from stentor.audio.voice import Voice
from stentor.codecs.opus import OpusDecoder, OpusEncoder, OpusError, packet_samples
from stentor.rooms.orders import Seat
from stentor.stage.datagrams import OnValidated
from stentor.stage.peer import Direction, Peer

Pcm = NDArray[np.float32]

ALIVE_NS = 2_000_000_000  # without RTP for longer, a speaker is away
PACKETS_PER_TICK = 4  # 5 ms packets are the shortest that anybody sends
PACKETS_AHEAD_MAX = 1_000  # what may come in one burst
RETURN_BITRATE = 32_000
RETURN_COMPLEXITY = 0  # 0.3 % of a core; at 32 kbit/s nobody hears the difference
RETURN_LOSS_PERCENT = 10


class Flood(Exception):
    """A session sent more than audio can be."""


class Liveness(Enum):
    """What a session's silence on the network means."""

    CONNECTING = "connecting"
    ALIVE = "alive"
    AWAY = "away"
    DEAD = "dead"


def return_encoder() -> OpusEncoder:
    """Return an encoder for what speakers hear."""
    return OpusEncoder(
        RETURN_BITRATE, complexity=RETURN_COMPLEXITY, loss_percent=RETURN_LOSS_PERCENT
    )


@dataclass(slots=True)
class Session:
    """A peer in a seat. Its times are of the process's uptime, which no hand can set.

    `up_ns` is set at every tick, so packets need not ask for the time.
    """

    id: str
    room: str
    seat: Seat
    direction: Direction
    created_ns: int
    dead_after_ns: int
    connect_within_ns: int
    up_ns: int = 0
    heard_ns: int = 0  # when RTP came last; 0: never
    playout: Playout = field(default_factory=lambda: Playout(OpusDecoder()))
    voice: Voice = field(default_factory=Voice)
    encoder: OpusEncoder | None = None
    broken_total: int = 0
    failed: bool = False  # something of ours went wrong with it: it is ended, the others go on
    answer: str = ""  # SDP
    gone: str = ""  # why it is over
    on_validated: OnValidated = lambda _address, _port: None  # hears of each good check of ICE's
    allowance: int = PACKETS_AHEAD_MAX  # packets that may still come before this is a flood
    peer: Peer = field(init=False)

    def __post_init__(self) -> None:
        self.up_ns = self.created_ns
        self.peer = Peer(self.direction, self._take, self._admit, self.on_validated)
        if self.direction is Direction.SPEAKS_AND_HEARS:
            self.encoder = return_encoder()

    def liveness(self) -> Liveness:
        """Say how this session stands at `up_ns`."""
        if self.failed or self.peer.is_over:
            return Liveness.DEAD
        if not self.heard_ns:
            waited = self.up_ns - self.created_ns
            return Liveness.CONNECTING if waited < self.connect_within_ns else Liveness.DEAD
        silent = self.up_ns - self.heard_ns
        if silent < ALIVE_NS:
            return Liveness.ALIVE
        return Liveness.AWAY if silent < self.dead_after_ns else Liveness.DEAD

    def holds_seat(self) -> bool:
        """Whether another session for the seat is refused: it has just come, or is heard."""
        return self.up_ns - max(self.heard_ns, self.created_ns) < ALIVE_NS

    def frame(self) -> Pcm | None:
        """Return this tick's contribution to the mix, if there is one."""
        if self.allowance < 0:
            raise Flood(f"more than {PACKETS_PER_TICK * 50} packets a second")
        if self.peer.has_too_many_sources:
            raise Flood("too many sources")
        self.allowance = min(PACKETS_AHEAD_MAX, self.allowance + PACKETS_PER_TICK)
        frame = self.playout.pull()
        if frame is not None and not math.isfinite(np.dot(frame, frame)):
            self.broken_total += 1  # one such sample would stay in the mix for ever
            frame = None
        if frame is None or self.seat.muted:
            self.voice.silence()
            return None
        return self.voice.process(frame)

    def encode(self, frame: Pcm) -> bytes:
        """Return what this speaker hears, as Opus."""
        assert self.encoder is not None
        return self.encoder.encode(frame)

    def _admit(self) -> bool:
        """Say whether a packet of whatever kind may still come."""
        self.allowance -= 1
        return self.allowance >= 0

    def _take(self, sequence: int, timestamp: int, payload: bytes) -> None:
        self.heard_ns = self.up_ns
        try:
            samples = packet_samples(payload)
        except OpusError:
            self.broken_total += 1
            return
        self.playout.put(sequence, timestamp, samples, payload)
