"""What goes out at each index of one room's programme: the stage's frame, the hold tune, silence.

Pure: frames and the clock come in, frames in unbroken order go out. A frame that is there goes out
at once; one that is not is waited for until the hold-back is over, and is silence from then on.
Nothing is ever taken back, and nothing comes before its time.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
import numpy.typing as npt

from stentor.media.grid import FRAME_SAMPLES, PART_SAMPLES, SAMPLE_RATE, parts_in
from stentor.rooms.state import OnAir

Pcm = npt.NDArray[np.int16]

HELD_SAMPLES_MAX = 5 * SAMPLE_RATE  # the stage retains three seconds
_EARLY_SAMPLES = 2 * FRAME_SAMPLES  # a stage's tick may be a little ahead of ours
_FADE_FRAMES = 20  # the hold tune leaves within 0.4 s of the first word
_WORD_RMS = 184.0  # −45 dBFS: louder than a room with nobody speaking
_WORD_FRAMES = 2
_RAMP_SAMPLES = 240  # 5 ms: a voice that is cut off does not click
_ON_AIR_SAMPLES = SAMPLE_RATE // 2  # so long a voice's pause of frames is not news
_SILENCE = np.zeros(FRAME_SAMPLES, np.int16)


class Taken(Enum):
    """What became of a frame."""

    HELD = auto()
    LATE = auto()
    EARLY = auto()
    MALFORMED = auto()
    BEYOND_END = auto()


@dataclass(slots=True)
class TimelineCounts:
    """What a timeline has done so far, in frames."""

    voices: int = 0
    silence: int = 0
    hold: int = 0
    late: int = 0
    refused: int = 0


class Timeline:
    """One room's programme as frames of 960 samples, from `first_index` on."""

    def __init__(
        self,
        first_index: int = 0,
        *,
        hold_back_samples: int = SAMPLE_RATE // 10,
        hold: Pcm | None = None,
        word_heard: bool = False,
    ) -> None:
        self.next_index = first_index
        self.end_index: int | None = None
        self.counts = TimelineCounts()
        self._hold_back_samples = hold_back_samples
        self._hold = hold if hold is not None and hold.size else None
        self._fade_left = 0 if word_heard else _FADE_FRAMES
        self._fading = False
        self._loud_frames = 0
        self._held: dict[int, Pcm] = {}
        self._newest_held = -1
        self._last_voice_index: int | None = None
        self._last_sample = 0

    # -- what comes in --------------------------------------------------------------------

    def take(self, index: int, payload: bytes) -> Taken:
        """Take one frame of the stage."""
        if index % FRAME_SAMPLES or index < 0 or len(payload) != 2 * FRAME_SAMPLES:
            self.counts.refused += 1
            return Taken.MALFORMED
        if index < self.next_index:
            self.counts.late += 1
            return Taken.LATE
        if self.end_index is not None and index >= self.end_index:
            return Taken.BEYOND_END
        if index >= self.next_index + HELD_SAMPLES_MAX and not self._make_room(index):
            self.counts.refused += 1
            return Taken.EARLY
        self._held[index] = np.frombuffer(payload, np.int16)
        self._newest_held = max(self._newest_held, index)
        return Taken.HELD

    def set_hold(self, hold: Pcm | None) -> None:
        """Play this before the first word from now on; None: silence."""
        self._hold = hold if hold is not None and hold.size else None

    def set_end(self, end_index: int | None) -> None:
        """End the programme with the part that `end_index` falls into, None: not yet.

        What went out stays: an end in the past is an end at once.
        """
        self.end_index = None if end_index is None else max(end_index, self.next_index)

    # -- what is known ------------------------------------------------------------------------

    @property
    def end_parts(self) -> int | None:
        """How many parts the whole programme has, once its end is known."""
        return None if self.end_index is None else parts_in(self.end_index)

    @property
    def ended(self) -> bool:
        """Everything has gone out."""
        return self.end_parts is not None and self.next_index >= self.end_parts * PART_SAMPLES

    @property
    def newest_held(self) -> int:
        """The newest index that a frame came for, −1 if none."""
        return self._newest_held

    @property
    def word_heard(self) -> bool:
        """The first word was spoken: the hold tune does not come back."""
        return self._fading or self._fade_left == 0

    @property
    def on_air(self) -> OnAir:
        """What the programme is made of just now."""
        if self._hold is not None and self._fade_left > 0:
            return OnAir.HOLD
        last = self._last_voice_index
        if last is not None and self.next_index - last <= _ON_AIR_SAMPLES:
            return OnAir.VOICES
        return OnAir.SILENCE

    # -- what goes out ------------------------------------------------------------------------

    def advance(self, now_index: int, frames_max: int, *, filling: bool = True) -> list[Pcm]:
        """Return the frames that go out now, at most `frames_max`.

        Without `filling` nothing is taken for missing yet: the stage's window is still to come.
        """
        frames: list[Pcm] = []
        while len(frames) < frames_max and not self.ended:
            index = self.next_index
            if self.end_index is not None and index >= self.end_index:
                frames.append(self._fill(index))  # padding of the last part: no need to wait
            elif index in self._held:
                if index > now_index + _EARLY_SAMPLES:
                    break
                frames.append(self._voice(index, self._held.pop(index)))
            elif filling and now_index >= index + FRAME_SAMPLES + self._hold_back_samples:
                frames.append(self._fill(index))
            else:
                break
            self.next_index += FRAME_SAMPLES
        return frames

    def skip_silent_parts(self, now_index: int, parts_max: int) -> int:
        """Pass over whole parts that are overdue and empty; return how many.

        Nothing is skipped but from the beginning of a part, and never one with a voice in it.
        """
        if self.next_index % PART_SAMPLES or parts_max < 1:
            return 0
        limit = now_index - FRAME_SAMPLES - self._hold_back_samples
        if self.end_index is not None:
            limit = min(limit, self.end_index)
        if self._held:
            limit = min(limit, *self._held)
        parts = min(parts_max, (limit - self.next_index) // PART_SAMPLES)
        if parts < 1:
            return 0
        self.next_index += parts * PART_SAMPLES
        self.counts.silence += parts * (PART_SAMPLES // FRAME_SAMPLES)
        self._last_sample = 0
        return parts

    def _make_room(self, index: int) -> bool:
        """After a long stall the newest frames are worth more than the oldest that are held."""
        oldest = index - HELD_SAMPLES_MAX
        for held in [held for held in self._held if held <= oldest]:
            del self._held[held]
            self.counts.refused += 1
        return len(self._held) < HELD_SAMPLES_MAX // FRAME_SAMPLES

    def _voice(self, index: int, frame: Pcm) -> Pcm:
        self.counts.voices += 1
        self._last_voice_index = index
        if self.end_index is not None and index + FRAME_SAMPLES > self.end_index:
            frame = frame.copy()
            frame[self.end_index - index :] = 0
        if self._hold is not None and self._fade_left:
            frame = self._with_hold(index, frame)
        self._last_sample = int(frame[-1])
        return frame

    def _fill(self, index: int) -> Pcm:
        if self._hold is not None and self._fade_left:
            self.counts.hold += 1
            return self._with_hold(index, _SILENCE)
        self.counts.silence += 1
        if self._last_sample == 0:
            return _SILENCE
        frame = np.zeros(FRAME_SAMPLES, np.int16)
        frame[:_RAMP_SAMPLES] = np.linspace(self._last_sample, 0, _RAMP_SAMPLES)
        self._last_sample = 0
        return frame

    def _with_hold(self, index: int, frame: Pcm) -> Pcm:
        """Lay the hold tune under a frame, and let it go once there was a word."""
        assert self._hold is not None
        loud = float(np.sqrt(np.mean(np.square(frame, dtype=np.float64)))) > _WORD_RMS
        self._loud_frames = self._loud_frames + 1 if loud else 0
        self._fading = self._fading or self._loud_frames >= _WORD_FRAMES
        places = np.arange(index, index + FRAME_SAMPLES) % self._hold.size
        before = self._fade_left / _FADE_FRAMES
        if self._fading:
            self._fade_left -= 1
        gain = np.linspace(before, self._fade_left / _FADE_FRAMES, FRAME_SAMPLES)
        mixed = frame + self._hold[places] * gain
        return np.clip(mixed, -32_768, 32_767).astype(np.int16)
