"""The jitter buffer: packets in whatever order they come, steps of decoding in the right one.

Indexed by sequence number, dimensioned by RTP timestamps (48 kHz), clocked by whoever asks for
the next step, every 20 ms. It decides what is decoded, what is recovered from the next packet's
FEC, what is concealed and what comes too late; it never waits and never touches a codec.
"""

from dataclasses import dataclass
from enum import Enum

from stentor.media.grid import FRAME_SAMPLES, SAMPLE_RATE

PACKETS_MAX = 128  # 2.5 s of 20 ms packets; more is a burst, of which the newest count
_STEP_SAMPLES_MIN = 120  # 2.5 ms: Opus's shortest
_JUMP_SAMPLES = SAMPLE_RATE * 2  # a timestamp this far off is a new stream
_JUMP_PACKETS = 500


class Arrival(Enum):
    """What became of a packet that came in."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    LATE = "late"
    RESTARTED = "restarted"  # kept, as the first of a stream that starts anew
    OVERFLOWED = "overflowed"  # kept; the oldest went


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet: extended sequence number and timestamp, and its length in samples."""

    sequence: int
    timestamp: int
    samples: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Decode:
    """Decode this packet."""

    packet: Packet


@dataclass(frozen=True, slots=True)
class Recover:
    """A packet is lost: recover its `samples` from the FEC in `following`."""

    following: Packet
    samples: int


@dataclass(frozen=True, slots=True)
class Conceal:
    """Nothing to decode: conceal `samples`. `paused` says that the sender chose not to send."""

    samples: int
    paused: bool = False


Step = Decode | Recover | Conceal


def _nearest(value: int, reference: int, bits: int) -> int:
    """Return the number congruent to `value` modulo 2**bits that lies nearest to `reference`."""
    span = 1 << bits
    distance = (value - reference) % span
    return reference + (distance - span if distance >= span // 2 else distance)


class JitterBuffer:
    """Holds packets until they are due. `depth` counts samples from the play head to the newest."""

    def __init__(self) -> None:
        self._packets: dict[int, Packet] = {}
        self._next_sequence: int | None = None  # None: nothing came yet
        self._head = 0  # timestamp of the next sample to decode
        self._end = 0  # timestamp after the newest packet
        self._length = FRAME_SAMPLES  # of the latest packet decoded or put in
        self.lost_total = 0  # never there when it was due
        self.late_samples = 0  # by how much the latest late packet missed its time

    @property
    def started(self) -> bool:
        """Whether any packet ever came."""
        return self._next_sequence is not None

    @property
    def depth(self) -> int:
        """Samples from the play head to the end of the newest packet; negative when starved."""
        return self._end - self._head

    @property
    def packet_samples(self) -> int:
        """How long this sender's packets are."""
        return self._length

    def __len__(self) -> int:
        return len(self._packets)

    def put(self, sequence: int, timestamp: int, samples: int, payload: bytes) -> Arrival:
        """Take a packet with its 16-bit sequence number and 32-bit timestamp."""
        if self._next_sequence is None:
            self._restart(Packet(sequence + (1 << 16), timestamp + (1 << 32), samples, payload))
            return Arrival.RESTARTED
        extended = _nearest(sequence, self._next_sequence, 16)
        time = _nearest(timestamp, self._head, 32)
        packet = Packet(extended, time, samples, payload)
        jumped = abs(time - self._head) > _JUMP_SAMPLES
        if jumped or abs(extended - self._next_sequence) > _JUMP_PACKETS:
            self._restart(packet)
            return Arrival.RESTARTED
        if extended < self._next_sequence:
            self.late_samples = self._head - time
            return Arrival.LATE
        if extended in self._packets:
            return Arrival.DUPLICATE
        if time + samples <= self._head:
            self.late_samples = self._head - time  # accepted all the same: see `step`
        self._packets[extended] = packet
        self._length = samples
        self._end = max(self._end, time + samples)
        if len(self._packets) > PACKETS_MAX:
            self._drop(min(self._packets))
            return Arrival.OVERFLOWED
        return Arrival.KEPT

    def skip_to_depth(self, samples: int) -> int:
        """Move the play head forward until `depth` is at most `samples`; return by how much."""
        before = self._head
        while self._packets and self.depth > samples:
            first = min(self._packets)
            packet = self._packets[first]
            if self._end - (packet.timestamp + packet.samples) < samples - packet.samples:
                break
            self._drop(first)
        if not self._packets and self.depth > samples:
            self._head = self._end - samples
        return self._head - before

    def step(self, samples: int) -> Step:
        """Return what to decode next; concealment is at most `samples` long."""
        if not self._packets:
            # The play head goes on, so a lost packet costs no delay. One that is merely late is
            # still taken when it comes (its sequence number is next), which adds its lateness.
            self._head += samples
            return Conceal(samples)
        assert self._next_sequence is not None
        sequence = min(self._packets)
        packet = self._packets[sequence]
        gap = (packet.timestamp - self._head) // _STEP_SAMPLES_MIN * _STEP_SAMPLES_MIN
        if gap <= 0:
            del self._packets[sequence]
            self.lost_total += sequence - self._next_sequence
            self._next_sequence = sequence + 1
            self._head = packet.timestamp + packet.samples
            return Decode(packet)
        if sequence == self._next_sequence:  # nothing lost: the sender paused (DTX)
            concealed = min(gap, samples)
            self._head += concealed
            return Conceal(concealed, paused=True)
        if gap <= packet.samples:
            self._head += gap
            return Recover(packet, gap)
        concealed = min(gap - packet.samples, samples)
        self._head += concealed
        return Conceal(concealed)

    def restart(self) -> None:
        """Forget everything: the next packet starts a new stream."""
        self._packets.clear()
        self._next_sequence = None

    def _restart(self, packet: Packet) -> None:
        self._packets = {packet.sequence: packet}
        self._next_sequence = packet.sequence
        self._head = packet.timestamp
        self._end = packet.timestamp + packet.samples
        self._length = packet.samples

    def _drop(self, sequence: int) -> None:
        packet = self._packets.pop(sequence)
        assert self._next_sequence is not None
        self._next_sequence = max(self._next_sequence, sequence + 1)
        self._head = max(self._head, packet.timestamp + packet.samples)
