"""Programme samples in, parts of one rendition out: as many parts as whole 15,360 samples went in.

A part is complete the moment that its last sample is in; nothing is looked at ahead. The price is
that what is heard lies `delay_samples` behind the grid (AAC 2,048, Opus 312). Never knows what
time it is or where the parts go.
"""

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from stentor.media.fragments import fragment, init_segment
from stentor.media.grid import PART_SAMPLES, SAMPLE_RATE
from stentor.media.renditions import Codec, Rendition

Pcm = npt.NDArray[np.int16]

_SILENT_PARTS = 3  # after so many parts of silence the encoder has nothing else in mind


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its number since the room's epoch, and `moof` + `mdat`."""

    number: int
    data: bytes


class RenditionEncoder:
    """Encodes one rendition of one programme, starting at the beginning of a part."""

    def __init__(self, rendition: Rendition, first_part: int = 0) -> None:
        self.rendition = rendition
        self._frame_samples = rendition.codec.frame_samples
        self._frames_per_part = PART_SAMPLES // self._frame_samples
        self._pending = np.empty(0, np.int16)
        self._frames: list[bytes] = []
        self._pts = 0
        self._part = first_part
        self._context = _open(rendition)
        if rendition.codec is Codec.AAC:
            # FFmpeg's AAC gives a packet only when it has the next frame too; with a frame of
            # silence first, fifteen frames in are fifteen packets out.
            self._encode(np.zeros(self._frame_samples, np.int16))

    @property
    def init(self) -> bytes:
        """The rendition's init segment."""
        return init_segment(self.rendition, self._context.extradata or b"")

    @property
    def delay_samples(self) -> int:
        """How much later than its place on the grid a sample is heard."""
        return 2_048 if self.rendition.codec is Codec.AAC else 312

    def encode(self, pcm: Pcm) -> list[Part]:
        """Take samples (any number of them) and return the parts that they complete."""
        pending = np.concatenate((self._pending, pcm)) if self._pending.size else pcm
        start = 0
        while pending.size - start >= self._frame_samples:
            self._encode(pending[start : start + self._frame_samples])
            start += self._frame_samples
        self._pending = pending[start:].copy()
        parts: list[Part] = []
        while len(self._frames) >= self._frames_per_part:
            frames = self._frames[: self._frames_per_part]
            del self._frames[: self._frames_per_part]
            parts.append(Part(self._part, fragment(self._part, self._frame_samples, frames)))
            self._part += 1
        return parts

    def finish(self) -> list[Part]:
        """Fill the part that was begun, if any, with silence and return it."""
        held = self._pending.size + len(self._frames) * self._frame_samples
        return self.encode(np.zeros(-held % PART_SAMPLES, np.int16))

    def _encode(self, pcm: Pcm) -> None:
        if self.rendition.codec is Codec.AAC:
            planes = (pcm.astype(np.float32) / 32_768.0)[np.newaxis]
            frame = AudioFrame.from_ndarray(planes, format="fltp", layout="mono")
        else:
            frame = AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = self._pts
        self._pts += self._frame_samples
        self._frames += [bytes(packet) for packet in self._context.encode(frame)]


class SilentParts:
    """Parts of silence of one rendition at next to no cost: encoded once, numbered on demand."""

    def __init__(self, rendition: Rendition) -> None:
        encoder = RenditionEncoder(rendition)
        self._frame_samples = rendition.codec.frame_samples
        self._frames: list[bytes] = []
        silence = np.zeros(self._frame_samples, np.int16)
        for _ in range(_SILENT_PARTS * encoder._frames_per_part):
            encoder._encode(silence)
        self._frames = encoder._frames[-encoder._frames_per_part :]
        self.init = encoder.init

    def part(self, number: int) -> Part:
        """Return part `number` as silence."""
        return Part(number, fragment(number, self._frame_samples, self._frames))


class LoopedParts:
    """Parts of a sound of whole parts that comes again and again: encoded once, and numbered."""

    def __init__(self, rendition: Rendition, pcm: Pcm) -> None:
        encoder = RenditionEncoder(rendition)
        self._frame_samples = rendition.codec.frame_samples
        for at in range(0, len(pcm), self._frame_samples):
            encoder._encode(pcm[at : at + self._frame_samples])
        self._per_part = encoder._frames_per_part
        self._frames = encoder._frames[: len(pcm) // PART_SAMPLES * self._per_part]
        self.init = encoder.init

    @property
    def media_bytes(self) -> int:
        """The bytes of all frames, without what is around them."""
        return sum(map(len, self._frames))

    def part(self, number: int) -> Part:
        """Return part `number`."""
        at = number * self._per_part % len(self._frames)
        return Part(
            number, fragment(number, self._frame_samples, self._frames[at : at + self._per_part])
        )


def _open(rendition: Rendition) -> AudioCodecContext:
    match rendition.codec:
        case Codec.AAC:
            context = av.CodecContext.create("aac", "w")
            options = {"aac_coder": "twoloop"}
        case Codec.OPUS:
            context = av.CodecContext.create("libopus", "w")
            options = {"application": "audio", "vbr": "constrained", "frame_duration": "20"}
    assert isinstance(context, AudioCodecContext)
    context.sample_rate = SAMPLE_RATE
    context.layout = "mono"
    context.format = "fltp" if rendition.codec is Codec.AAC else "s16"
    context.bit_rate = rendition.bitrate
    context.options = options
    context.thread_count = 1
    context.open()
    return context
