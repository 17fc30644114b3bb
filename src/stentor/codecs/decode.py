"""Whatever FFmpeg's libraries read, as the programme's samples; and parts back into samples.

Says in one sentence what cannot be read. What strangers send is read as a file of a known audio
kind only: never as a playlist that names other files or addresses.
"""

import contextlib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import TracebackType

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from stentor.base.errors import StentorError
from stentor.media.boxes import MalformedBox
from stentor.media.fragments import Fragment, read_codec, read_fragment
from stentor.media.grid import FRAME_SAMPLES, SAMPLE_RATE
from stentor.media.renditions import Codec

Pcm = npt.NDArray[np.int16]

_AUDIO_FORMATS = (
    "aac,aiff,amr,ape,au,caf,flac,m4a,matroska,mov,mp3,mp4,ogg,rf64,tta,w64,wav,webm,wv"
)
_BAD_PACKETS_MAX = 100  # in a row: then it is not audio but noise
_RATE_MIN, _RATE_MAX = 1_000, 768_000  # one packet of 1 Hz is an hour: 400 MB at 48 kHz
_TIMEOUT_S = 15.0  # for a peer that says nothing


class Unreadable(StentorError):
    """A source that cannot be read as audio."""


class Trust(Enum):
    """Whose source it is."""

    OURS = "ours"  # the operator named it: any kind, any protocol
    STRANGERS = "strangers"  # it was sent to us: a file, of an audio kind


class Source:
    """An open source; iterate over it for frames of 960 samples, 48 kHz mono.

    The last frame is filled up with silence. `seconds_max` cuts off what is longer.
    """

    def __init__(
        self, where: str | Path, *, seconds_max: float | None = None, trust: Trust = Trust.OURS
    ) -> None:
        self.name = str(where)
        self._frames_left = (
            None if seconds_max is None else round(seconds_max * SAMPLE_RATE / FRAME_SAMPLES)
        )
        options: dict[str, str] = {}
        if trust is Trust.STRANGERS:
            options = {"protocol_whitelist": "file", "format_whitelist": _AUDIO_FORMATS}
        place = "pipe:0" if self.name == "-" else self.name
        try:
            self._container = av.open(place, options=options, timeout=_TIMEOUT_S)
        except (FFmpegError, OSError, ValueError) as error:
            raise Unreadable(f"{self.name} cannot be read: {_reason(error)}.") from None
        if not self._container.streams.audio:
            self._container.close()
            raise Unreadable(f"{self.name} has no audio in it.")
        self._stream = self._container.streams.audio[0]
        if not _RATE_MIN <= (self._stream.rate or SAMPLE_RATE) <= _RATE_MAX:
            self._container.close()
            raise Unreadable(f"{self.name} has a sample rate of {self._stream.rate} Hz.")

    def __iter__(self) -> Iterator[Pcm]:
        """Yield frames of 960 samples; raises `Unreadable` if there is not one."""
        heard = False
        for frame in self._resampled():
            if self._frames_left is not None:
                if self._frames_left == 0:
                    return
                self._frames_left -= 1
            heard = True
            yield frame
        if not heard:
            raise Unreadable(f"{self.name} has no audio that can be decoded.")

    def close(self) -> None:
        """Let go of it."""
        self._container.close()

    def __enter__(self) -> "Source":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _resampled(self) -> Iterator[Pcm]:
        resampler = AudioResampler(
            format="s16", layout="mono", rate=SAMPLE_RATE, frame_size=FRAME_SAMPLES
        )
        try:
            for decoded in self._decoded():
                decoded.pts = None  # gaps and jumps in a file are none of our business
                for frame in resampler.resample(decoded):
                    yield _samples(frame)
            for frame in resampler.resample(None):
                pcm = _samples(frame)
                yield np.pad(pcm, (0, FRAME_SAMPLES - pcm.size))
        except (FFmpegError, OSError, ValueError) as error:
            raise Unreadable(f"{self.name} cannot be decoded: {_reason(error)}.") from None

    def _decoded(self) -> Iterator[AudioFrame]:
        bad_in_a_row = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
                bad_in_a_row = 0
            except av.error.InvalidDataError:
                bad_in_a_row += 1
                if bad_in_a_row > _BAD_PACKETS_MAX:
                    raise
                continue
            for frame in frames:
                assert isinstance(frame, AudioFrame)
                yield frame


def open_source(
    where: str | Path, *, seconds_max: float | None = None, trust: Trust = Trust.OURS
) -> Source:
    """Open a file, an address, or `-` for standard input; raises `Unreadable`."""
    return Source(where, seconds_max=seconds_max, trust=trust)


class PartDecoder:
    """Decodes the parts of one rendition, in order, into samples."""

    def __init__(self, init: bytes) -> None:
        try:
            self.codec, configuration = read_codec(init)
        except MalformedBox as error:
            raise Unreadable(f"The init segment is damaged: {error}.") from None
        name = "libopus" if self.codec is Codec.OPUS else "aac"
        context = av.CodecContext.create(name, "r")
        assert isinstance(context, AudioCodecContext)
        context.extradata = configuration
        context.sample_rate = SAMPLE_RATE
        context.layout = "mono"
        self._context = context

    def decode(self, part: bytes | Fragment) -> Pcm:
        """Return the part's samples, exactly as many as it claims; raises `Unreadable`."""
        try:
            fragment = part if isinstance(part, Fragment) else read_fragment(part)
            pieces = [
                _samples(frame)
                for data in fragment.frames
                for frame in self._context.decode(av.Packet(data))
            ]
        except (FFmpegError, MalformedBox, ValueError) as error:
            raise Unreadable(f"A part does not decode: {_reason(error)}.") from None
        pcm = np.concatenate(pieces) if pieces else np.empty(0, np.int16)
        if pcm.size != fragment.samples:
            raise Unreadable(f"A part of {fragment.samples} samples decodes to {pcm.size}.")
        return pcm


def _samples(frame: AudioFrame) -> Pcm:
    data = frame.to_ndarray().reshape(-1)[: frame.samples]
    if frame.format.name == "s16":
        return data.astype(np.int16, copy=False)
    return np.clip(np.rint(data * 32_768.0), -32_768, 32_767).astype(np.int16)


def _reason(error: Exception) -> str:
    with contextlib.suppress(AttributeError):
        text = getattr(error, "strerror", None)
        if text:
            return str(text).rstrip(".").lower()
    return str(error).rstrip(".") or type(error).__name__
