"""A source as a voice: read ahead in a thread, encoded as Opus, one packet each 20 ms of the clock.

The clock drives: what does not come in time is silence, what nobody takes is gone, as with a
microphone. Sends in-band FEC, so that a lost packet can be repaired.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from stentor.base.errors import StentorError
from stentor.codecs.decode import Pcm, Unreadable, open_source
from stentor.media.grid import FRAME_SAMPLES, SAMPLE_RATE

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE
_AHEAD_FRAMES = 100  # 2 s are read ahead, then the reader waits
_LATE_S_MAX = 1.0  # after a longer sleep of the whole machine the voice goes on from now
SILENCE: Pcm = np.zeros(FRAME_SAMPLES, np.int16)


class _End(Enum):
    END = auto()


class Reader:
    """Reads a source in a thread of its own, again from the start if it is to `loop`."""

    def __init__(self, source: str, *, loop: bool, skip_s: float = 0.0) -> None:
        """Begin to open and read it; what cannot be read is said by `wait_first`."""
        self._frames: queue.Queue[Pcm | _End | StentorError] = queue.Queue(_AHEAD_FRAMES)
        self._source = source
        self._loop = loop
        self._skip_s = skip_s
        self._closed = False
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)
        self._thread.start()

    def next_frame(self) -> Pcm | StentorError | None:
        """Return a frame, None at the end, silence if none has come yet, or what went wrong."""
        try:
            found = self._frames.get_nowait()
        except queue.Empty:
            return SILENCE
        return None if found is _End.END else found

    async def wait_first(self) -> None:
        """Return once there is something to say; raises what went wrong instead."""
        while self._frames.empty():
            await asyncio.sleep(0.005)
        first = self._frames.queue[0]
        if isinstance(first, StentorError):
            raise first

    def close(self) -> None:
        """Stop reading."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            self._frames.get_nowait()

    def _read(self) -> None:
        try:
            for frame in self._all_frames():
                if self._closed:
                    return
                self._frames.put(frame)
            self._frames.put(_End.END)
        except StentorError as error:
            self._frames.put(error)

    def _all_frames(self) -> Iterator[Pcm]:
        skip = round(self._skip_s / FRAME_S)
        while True:
            count = 0
            with open_source(self._source) as source:
                for frame in source:
                    count += 1
                    if count > skip:
                        yield frame
            skip = max(0, skip - count)
            if not self._loop:
                return


class OpusVoice:
    """Encodes 20 ms frames of mono voice."""

    def __init__(self, bitrate: int) -> None:
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = SAMPLE_RATE
        context.layout = "mono"
        context.format = "s16"
        context.bit_rate = bitrate
        context.time_base = Fraction(1, SAMPLE_RATE)
        context.options = {
            "application": "voip",
            "frame_duration": "20",
            "fec": "1",
            "packet_loss": "10",
        }
        self._context = context
        self._pts = 0

    def encode(self, pcm: Pcm) -> bytes:
        """Return one packet for one frame."""
        frame = AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._pts
        self._pts += FRAME_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


async def speak_frames(
    reader: Reader,
    bitrate: int,
    send: Callable[[int, bytes], None],
    start_at: float,
    may_begin: Callable[[], bool] = lambda: True,
) -> None:
    """Send a packet each 20 ms from `start_at` on (monotonic), until the source ends.

    Until the source `may_begin`, silence is sent. Packets are numbered by sample. Raises
    `Unreadable` if the source fails on the way.
    """
    encoder = OpusVoice(bitrate)
    number, skipped = 0, 0
    await asyncio.sleep(max(0.0, start_at - time.monotonic()))
    while True:
        frame = reader.next_frame() if may_begin() else SILENCE
        if frame is None:
            return
        if isinstance(frame, StentorError):
            raise Unreadable(str(frame))
        send(number * FRAME_SAMPLES, encoder.encode(frame))
        number += 1
        late_s = time.monotonic() - (start_at + (number + skipped) * FRAME_S)
        if late_s > _LATE_S_MAX:
            skipped += int(late_s / FRAME_S)
        else:
            await asyncio.sleep(max(0.0, -late_s))
