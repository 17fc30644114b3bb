"""One speaker's playout: a frame of 20 ms at every tick, whatever the network did.

It decides when to start, how deep the buffer should be (adapting, bounded), when to stop, and how
to follow the sender's clock: by a frame dropped or repeated in silence, or, when a burst or a
stall left far too much, by a skip at once. It never queues beyond that, and never waits.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stentor.audio.concealment import Concealer
from stentor.audio.jitter import Arrival, Decode, JitterBuffer, Recover
from stentor.media.grid import FRAME_SAMPLES

Pcm = NDArray[np.float32]

MARGIN_SAMPLES_MAX = 6 * FRAME_SAMPLES  # what lateness may add to the depth: 120 ms
_MARGIN_SAMPLES_AT_FIRST = FRAME_SAMPLES
_MARGIN_DECAY_TICKS = 500  # 10 s without a late packet take 10 ms off the margin
_EXCESS_SAMPLES_MAX = 5 * FRAME_SAMPLES  # 100 ms too deep: skip at once
_SHORT_TICKS = 10  # what was seen for 200 ms decides a skip,
_LONG_TICKS = 100  # and for 2 s a drop or an insertion in silence
_STOP_AFTER_SAMPLES = 25 * FRAME_SAMPLES  # of concealment: then the next packet starts anew
_QUIET_PEAK = 10 ** (-50 / 20)


class Decoder(Protocol):
    """What the playout needs of a codec. Any of these may raise ValueError."""

    def decode(self, packet: bytes) -> Pcm: ...
    def recover(self, following: bytes, samples: int) -> Pcm: ...
    def conceal(self, samples: int) -> Pcm: ...


@dataclass(slots=True)
class Counts:
    """What happened to one speaker's packets, since the beginning."""

    received: int = 0
    late: int = 0
    duplicate: int = 0
    broken: int = 0  # not decodable
    overflowed: int = 0
    recovered: int = 0  # by FEC
    concealed: int = 0  # frames
    skipped_samples: int = 0
    inserted_samples: int = 0


class _Least:
    """The least of the last one to two periods of so many ticks."""

    def __init__(self, ticks: int) -> None:
        self._ticks = ticks
        self.reset()

    def reset(self) -> None:
        self._count = 0
        self._before: int | None = None
        self._now: int | None = None

    def add(self, value: int) -> int | None:
        """Take a value; return the least, once a whole period was seen."""
        self._now = value if self._now is None else min(self._now, value)
        least = None if self._before is None else min(self._before, self._now)
        self._count += 1
        if self._count == self._ticks:
            self._before, self._now, self._count = self._now, None, 0
            least = self._before if least is None else least
        return least


class Playout:
    """Packets in at any time, one frame out at each tick."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._jitter = JitterBuffer()
        self._rest = np.zeros(0, np.float32)  # decoded beyond the last frame
        self._primed = False
        self._concealer = Concealer()
        self._margin = _MARGIN_SAMPLES_AT_FIRST
        self._since_late_ticks = 0
        self._long_least: int | None = None
        self._short = _Least(_SHORT_TICKS)
        self._long = _Least(_LONG_TICKS)
        self.counts = Counts()

    @property
    def lost_total(self) -> int:
        """Packets that were never there when they were due."""
        return self._jitter.lost_total

    @property
    def depth(self) -> int:
        """Samples held: what a packet that comes now will wait."""
        return max(0, self._jitter.depth) + len(self._rest) if self._primed else 0

    @property
    def target(self) -> int:
        """The least depth that is wished for, in samples.

        The frame that is due, the packet after it (its FEC repairs the due one), and a margin.
        """
        return FRAME_SAMPLES + self._jitter.packet_samples + self._margin

    def put(self, sequence: int, timestamp: int, samples: int, payload: bytes) -> None:
        """Take a packet of `samples` (as its own header says)."""
        self.counts.received += 1
        match self._jitter.put(sequence, timestamp, samples, payload):
            case Arrival.LATE:
                self.counts.late += 1
                self._note_late(self._jitter.late_samples)
            case Arrival.DUPLICATE:
                self.counts.duplicate += 1
            case Arrival.OVERFLOWED:
                self.counts.overflowed += 1
            case Arrival.RESTARTED:
                self._primed = False
            case Arrival.KEPT:
                if self._primed and self._jitter.late_samples > 0:
                    self._note_late(self._jitter.late_samples)
        self._jitter.late_samples = 0

    def pull(self) -> Pcm | None:
        """Return the frame of this tick, or None when there is nothing but silence."""
        if not self._prime():
            return None
        self._follow_depth()
        frame, ended = self._next_frame()
        if ended:
            return None
        if np.abs(frame).max() < _QUIET_PEAK:
            frame = self._follow_clock(frame)
        return frame

    def _prime(self) -> bool:
        """Say whether playing; start as soon as the buffer is deep enough, never deeper."""
        if self._primed:
            return True
        if not len(self._jitter) or self._jitter.depth < self.target:
            return False
        self.counts.skipped_samples += self._jitter.skip_to_depth(self.target)
        self._rest = self._rest[:0]
        self._primed, self._concealer = True, Concealer()
        self._forget_depths()
        return True

    def _next_frame(self) -> tuple[Pcm, bool]:
        """Return a frame, and whether this speaker has fallen silent for good."""
        pieces = [self._rest] if len(self._rest) else []
        have = len(self._rest)
        while have < FRAME_SAMPLES:
            piece = self._decode_step(FRAME_SAMPLES - have)
            pieces.append(piece)
            have += len(piece)
        whole = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        self._rest = whole[FRAME_SAMPLES:]
        ended = self._concealer.run_samples >= _STOP_AFTER_SAMPLES
        if ended:
            self._primed = False
            self._jitter.restart()
        return whole[:FRAME_SAMPLES], ended

    def _decode_step(self, samples: int) -> Pcm:
        step = self._jitter.step(samples)
        try:
            match step:
                case Decode(packet):
                    return self._concealer.heard(self._decoder.decode(packet.payload))
                case Recover(following, wanted):
                    piece = self._decoder.recover(following.payload, wanted)
                    self.counts.recovered += 1
                    return self._concealer.heard(piece)
                case _:
                    piece = self._decoder.conceal(step.samples)
                    if step.paused:
                        return piece
        except ValueError:
            self.counts.broken += 1
            length = step.packet.samples if isinstance(step, Decode) else step.samples
            piece = np.zeros(length, np.float32)
        self.counts.concealed += 1
        return self._concealer.conceal(piece)

    def _follow_depth(self) -> None:
        """Skip at once what a burst or a stall left over."""
        if self._concealer.run_samples:
            return  # loss says nothing about delay
        depth = self._jitter.depth + len(self._rest)
        self._long_least = self._long.add(depth)
        least = self._short.add(depth)
        if least is not None and least > self.target + _EXCESS_SAMPLES_MAX:
            skipped = self._jitter.skip_to_depth(self.target)
            if skipped:
                self.counts.skipped_samples += skipped
                self._forget_depths()
        self._since_late_ticks += 1
        if self._since_late_ticks >= _MARGIN_DECAY_TICKS:
            self._since_late_ticks = 0
            self._margin = max(_MARGIN_SAMPLES_AT_FIRST, self._margin - FRAME_SAMPLES // 2)

    def _follow_clock(self, quiet: Pcm) -> Pcm:
        """In silence: drop a frame when the buffer is too deep, repeat one when too shallow."""
        least = self._long_least
        if least is None:
            return quiet
        if least >= self.target + FRAME_SAMPLES and len(self._jitter):
            self.counts.skipped_samples += FRAME_SAMPLES
            self._forget_depths()
            frame, ended = self._next_frame()
            return quiet if ended else frame
        if least <= self.target - FRAME_SAMPLES:
            self.counts.inserted_samples += FRAME_SAMPLES
            self._rest = np.concatenate([quiet[::-1], self._rest])
            self._forget_depths()
        return quiet

    def _note_late(self, samples: int) -> None:
        self._since_late_ticks = 0
        wanted = self._margin + min(max(samples, 0), FRAME_SAMPLES)
        self._margin = min(MARGIN_SAMPLES_MAX, wanted)

    def _forget_depths(self) -> None:
        self._short.reset()
        self._long.reset()
        self._long_least = None
