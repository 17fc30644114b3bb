"""What one listener heard: every part checked against the one before it, and against the clock.

Parts and times come in, findings come out; it opens nothing and waits for nothing. A listener is
taken to play from the first part on at the speed of time, with what has come as its buffer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np

from stentor.base.errors import StentorError
from stentor.codecs.decode import PartDecoder, Pcm
from stentor.media.boxes import Box, Event, MalformedBox, box, read_event
from stentor.media.fragments import Fragment, fragment, read_moof
from stentor.media.grid import PART_SAMPLES, SAMPLE_RATE, time_of
from stentor.rooms.state import EMSG_SCHEME, RoomState, decode_room_state

JUMP_SCHEME = "urn:stentor:jump:1"
SILENT_RMS = 16.0  # of 32,768: −66 dBFS
START_BUFFER_S = 0.5  # as the web player: so much in hand before the first sound


class Findings(msgspec.Struct):
    """What is printed at the end, and as JSON. `None` is not known."""

    rendition: str = ""
    parts: int = 0
    audio_s: float = 0.0
    silent_s: float = 0.0
    silent_s_longest: float = 0.0
    first_audio_s: float | None = None  # from the request, or from the hour if that was later
    first_part: int | None = None
    last_part: int | None = None
    gaps: int = 0  # parts that never came, without being told so
    gap_parts: int = 0
    jumps: int = 0  # moved to the live edge, and told so
    jump_parts: int = 0
    stalls: int = 0
    stalled_s: float = 0.0
    undecodable: int = 0
    repeated: int = 0
    connections: int = 0
    behind_s_mean: float | None = None  # newest sample at hand against the programme clock
    behind_s_max: float | None = None
    title: str = ""
    phase: str = ""


@dataclass(slots=True)
class Heard:
    """One listener's ears. `on_pcm` gets each part's number and samples, `on_state` each state."""

    started_ns: int
    on_pcm: Callable[[int, Pcm], None] = lambda part, pcm: None
    on_state: Callable[[RoomState], None] = lambda state: None
    on_file: Callable[[bytes], None] = lambda data: None
    findings: Findings = field(default_factory=Findings)
    state: RoomState | None = None
    _decoder: PartDecoder | None = None
    _init: list[Box] = field(default_factory=list)
    _moof: bytes | None = None
    _next_sample: int | None = None
    _jumped: bool = False
    _silent_samples: int = 0
    _play_sample: int = 0
    _play_from_ns: int | None = None
    _behind: list[float] = field(default_factory=list)
    _file_part: int = 0

    @property
    def next_part(self) -> int | None:
        """The part that ought to come next."""
        return None if self._next_sample is None else self._next_sample // PART_SAMPLES

    def take(self, one: Box, now_ns: int) -> None:
        """Take a box that arrived at `now_ns`; raises `StentorError` for a stream that is none."""
        try:
            match one.kind:
                case "ftyp":
                    self._init = [one]
                case "moov":
                    self._begin((*self._init, one))
                case "moof":
                    self._moof = one.payload
                case "mdat" if self._moof is not None:
                    part, self._moof = read_moof(self._moof, one.payload), None
                    self._take_part(part, now_ns)
                case "emsg":
                    self._take_event(read_event(one.payload))
                case _:
                    pass
        except MalformedBox as error:
            raise StentorError(f"The stream is damaged: {error}.") from None

    def connected(self) -> None:
        """Note that a connection was made."""
        self.findings.connections += 1
        self._moof = None

    def _begin(self, init: tuple[Box, ...]) -> None:
        data = b"".join(box(one.kind, one.payload) for one in init)
        self._decoder = PartDecoder(data)
        if self.findings.parts == 0:
            self.on_file(data)

    def _take_part(self, part: Fragment, now_ns: int) -> None:
        found = self.findings
        if self._next_sample is not None:
            if part.decode_time < self._next_sample:
                found.repeated += 1
                return
            if part.decode_time > self._next_sample:
                self._missed((part.decode_time - self._next_sample) // PART_SAMPLES)
        self._jumped = False
        number = part.decode_time // PART_SAMPLES
        if found.first_part is None:
            self._first(number, now_ns)
        self._next_sample = part.decode_time + part.samples
        found.parts += 1
        found.last_part = number
        found.audio_s += part.samples / SAMPLE_RATE
        self._listen(number, part)
        self.on_file(fragment(self._file_part, part.frame_samples, part.frames))
        self._file_part += 1
        self._judge_time(part, now_ns)

    def _first(self, number: int, now_ns: int) -> None:
        since_ns = self.started_ns
        if self.state is not None:
            since_ns = max(since_ns, self.state.epoch_ms * 1_000_000)
        self.findings.first_part = number
        self.findings.first_audio_s = (now_ns - since_ns) / 1e9

    def _missed(self, parts: int) -> None:
        if self._jumped:
            self.findings.jumps += 1
            self.findings.jump_parts += parts
        else:
            self.findings.gaps += 1
            self.findings.gap_parts += parts

    def _listen(self, number: int, part: Fragment) -> None:
        if self._decoder is None:
            raise StentorError("The stream has no init segment.")
        try:
            pcm = self._decoder.decode(part)
        except StentorError:
            self.findings.undecodable += 1
            return
        if float(np.sqrt(np.mean(np.square(pcm, dtype=np.float64)))) < SILENT_RMS:
            self._silent_samples += pcm.size
            self.findings.silent_s += pcm.size / SAMPLE_RATE
            longest = self._silent_samples / SAMPLE_RATE
            self.findings.silent_s_longest = max(self.findings.silent_s_longest, longest)
        else:
            self._silent_samples = 0
        self.on_pcm(number, pcm)

    def _judge_time(self, part: Fragment, now_ns: int) -> None:
        """Compare with the programme clock, and with a player that would have run dry."""
        end = part.decode_time + part.samples
        if self.state is not None:
            self._behind.append((now_ns - time_of(self.state.epoch_ms, end)) / 1e9)
            self._behind = self._behind[-10_000:]
            self.findings.behind_s_mean = sum(self._behind) / len(self._behind)
            self.findings.behind_s_max = max(self._behind)
        if self._play_from_ns is None:
            if self._play_sample == 0:
                self._play_sample = part.decode_time
            if end - self._play_sample >= START_BUFFER_S * SAMPLE_RATE:
                self._play_from_ns = now_ns
            return
        wanted = self._play_sample + (now_ns - self._play_from_ns) * SAMPLE_RATE // 1_000_000_000
        late = wanted - part.decode_time
        if late > 0:
            self.findings.stalls += 1
            self.findings.stalled_s += late / SAMPLE_RATE
            self._play_sample, self._play_from_ns = part.decode_time, None

    def _take_event(self, event: Event) -> None:
        if event.scheme == JUMP_SCHEME:
            self._jumped = True
        elif event.scheme == EMSG_SCHEME:
            try:
                state = decode_room_state(event.data)
            except msgspec.MsgspecError:
                raise StentorError("The room's state in the stream is unreadable.") from None
            self.take_state(state)

    def take_state(self, state: RoomState) -> None:
        """Take the room's state, from the stream or beside it."""
        self.state = state
        self.findings.title, self.findings.phase = state.title, str(state.phase)
        self.on_state(state)
