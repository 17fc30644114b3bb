"""One listener of a load: what it has got, whether it follows, and how its player fares. Pure.

The socket is somebody else's; bytes and times come in.
"""

import hashlib
from typing import Protocol

from stentor.load.player import MARGIN_S, Player
from stentor.load.reading import BrokenStream, Memory, Said, read_head
from stentor.load.report import Tally
from stentor.media.grid import PART_S, PART_SAMPLES, SAMPLE_RATE

_NS = 1_000_000_000


class Decoder(Protocol):
    """Whatever can say whether a part decodes."""

    def begin(self, init: bytes) -> None:
        """A stream begins."""
        ...

    def takes(self, part: bytes) -> bool:
        """Say whether a part decodes to what it claims."""
        ...


class Bench:
    """What the listeners of one process share."""

    def __init__(self, tally: Tally, buffer_s: float | None) -> None:
        self.tally = tally
        self.memory = Memory()
        self.buffer_s = buffer_s
        self.epoch_ms: int | None = None
        self.digests: dict[int, bytes] = {}
        self.ended = False


class Listener:
    """From the connect to the end."""

    __slots__ = (
        "_bench",
        "_decoder",
        "_head_seen",
        "_player",
        "_sampled",
        "_tail",
        "attempts",
        "began_ns",
        "ended",
        "next_part",
        "stalls",
        "status",
    )

    def __init__(self, bench: Bench, *, sampled: bool, decoder: Decoder | None) -> None:
        self._bench = bench
        self._sampled = sampled
        self._decoder = decoder
        self._tail = b""
        self._head_seen = False
        self._player: Player | None = None
        self.attempts = 0  # connections in a row that brought nothing
        self.began_ns = 0
        self.ended = False
        self.next_part = -1
        self.stalls = 0
        self.status = 0

    def connecting(self, now_ns: int) -> None:
        """A connection begins, perhaps not the first one."""
        if self.began_ns == 0:
            self.began_ns = now_ns
        self._tail = b""
        self._head_seen = False
        self.status = 0

    def take(self, data: bytes, now_ns: int, wall_ns: int) -> None:
        """Take bytes as they come; raises `BrokenStream`."""
        self._bench.tally.bytes += len(data)
        if self._tail:
            data, self._tail = self._tail + data, b""
        if not self._head_seen:
            head = read_head(data)
            if head is None:
                self._tail = data
                return
            self._head_seen = True
            self.status = head.status
            if head.status != 200:
                return
            if self._player is None:
                period_s = head.period_s or PART_S
                self._player = Player(self._bench.buffer_s or period_s + MARGIN_S)
            data = data[head.length :]
        if self.status == 200 and data:
            said = self._bench.memory.read(data)
            self._tail = data[said.used :]
            self._take(said, now_ns, wall_ns)

    def finish(self, now_ns: int) -> None:
        """The load is over: a buffer that ran dry by now counts."""
        if self._player is not None and not self.ended and self._player.dry_ns(now_ns):
            self._note_stall(self._player.dry_ns(now_ns))
        tally = self._bench.tally
        tally.heard += self.next_part >= 0
        tally.stalled_listeners += self.stalls > 0

    def _take(self, said: Said, now_ns: int, wall_ns: int) -> None:
        tally = self._bench.tally
        tally.jumps += said.jumps
        if said.state is not None:
            self._bench.epoch_ms = said.state.epoch_ms
        if said.init and self._decoder is not None:
            self._decoder.begin(said.init)
        if said.parts:
            self._take_parts(said, now_ns, wall_ns)
        if said.ended:
            self.ended = self._bench.ended = True

    def _take_parts(self, said: Said, now_ns: int, wall_ns: int) -> None:
        tally = self._bench.tally
        expected = self.next_part
        fresh: list[int] = []
        for number in said.parts:
            if number >= expected:
                fresh.append(number)
                expected = number + 1
        tally.repeated += len(said.parts) - len(fresh)
        if not fresh:
            return
        first_ever = self.next_part < 0
        contiguous = first_ever or fresh[0] == self.next_part
        in_order = fresh[-1] - fresh[0] == len(fresh) - 1
        if not (contiguous and in_order) and not said.jumps:
            tally.gaps += 1
        self.next_part = fresh[-1] + 1
        self.attempts = 0
        tally.parts += len(fresh)
        if first_ever:
            self._note_first(now_ns, wall_ns)
        assert self._player is not None
        stalled_ns = self._player.take(
            fresh[0], len(fresh), now_ns, contiguous=contiguous and in_order
        )
        if stalled_ns:
            self._note_stall(stalled_ns)
        self._note_distance(now_ns, wall_ns)
        if self._sampled:
            self._check(said)

    def _note_first(self, now_ns: int, wall_ns: int) -> None:
        tally, epoch_ms = self._bench.tally, self._bench.epoch_ms
        waited_ns = now_ns - self.began_ns
        began_wall_ns = wall_ns - waited_ns
        if epoch_ms is not None and began_wall_ns < epoch_ms * 1_000_000:
            tally.after_hour_s.add((wall_ns - epoch_ms * 1_000_000) / _NS)
        else:
            tally.first_audio_s.add(waited_ns / _NS)

    def _note_distance(self, now_ns: int, wall_ns: int) -> None:
        epoch_ms = self._bench.epoch_ms
        if epoch_ms is None or self._player is None:
            return
        clock_s = wall_ns / _NS - epoch_ms / 1000
        self._bench.tally.delivered_s.add(clock_s - self.next_part * PART_SAMPLES / SAMPLE_RATE)
        if self._player.playing:
            heard_s = self._player.position(now_ns) / SAMPLE_RATE
            self._bench.tally.behind_s.add(clock_s - heard_s)

    def _note_stall(self, stalled_ns: int) -> None:
        self.stalls += 1
        self._bench.tally.stalls += 1
        self._bench.tally.stalled_s += stalled_ns / _NS

    def _check(self, said: Said) -> None:
        """Every listener must get the same bytes for the same part, and they must decode."""
        tally, digests = self._bench.tally, self._bench.digests
        for number, part in zip(said.parts, said.media, strict=True):
            digest = hashlib.blake2b(part, digest_size=16).digest()
            tally.sampled_parts += 1
            if digests.setdefault(number, digest) != digest:
                tally.differing_parts += 1
            if len(digests) > 10_000:
                digests.pop(next(iter(digests)))
            if self._decoder is not None:
                tally.decoded_parts += 1
                tally.undecodable_parts += not self._decoder.takes(part)


__all__ = ["Bench", "BrokenStream", "Decoder", "Listener"]
