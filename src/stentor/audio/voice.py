"""One speaker's sound between playout and mix: level, speaking, gate, loudness.

It decides the gain towards −18 LUFS (measured on speech only, ±12 dB, 3 dB a second), whether the
speaker speaks, and when so little comes that the mix can do without. It mutes nobody: orders do.
"""

import math

import numpy as np
import pyebur128
import webrtcvad
from numpy.typing import NDArray

from stentor.media.grid import FRAME_SAMPLES, SAMPLE_RATE

Pcm = NDArray[np.float32]

TARGET_LUFS = -18.0
GAIN_DB_MAX = 12.0
SLEW_DB_PER_S = 3.0
SILENCE_DB = -120.0

_FRAMES_PER_S = SAMPLE_RATE // FRAME_SAMPLES
_SLEW_DB = SLEW_DB_PER_S / _FRAMES_PER_S
_MEASURE_FRAMES = 10  # look at the meter five times a second,
_SPEECH_FRAMES_MIN = 50  # once there was a second of speech
_GATE_DB = -58.0
_GATE_FRAMES = 50  # closes after a second below
_METER_FALL_DB = 1.0  # a frame: meters are looked at less often than speech changes
_SPEECH_DB = -48.0
_LOUD_DB = -30.0  # this loud, it is heard, whatever the detector of speech says
_SPEAKING_ON = 4  # frames of speech, each silent one takes off a quarter of one
_SPEAKING_MAX = 10
_RAMP = np.linspace(0, 1, FRAME_SAMPLES, dtype=np.float32)


def level_db(frame: Pcm) -> float:
    """Return the frame's RMS level in dBFS."""
    power = float(np.dot(frame, frame)) / len(frame)
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 1e-12 else SILENCE_DB


class Voice:
    """Takes a speaker's frames one by one, returns what goes into the mix."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(2)
        self._meter = pyebur128.R128State(1, SAMPLE_RATE, pyebur128.MeasurementMode.MODE_S)
        self._speech_frames = 0
        self._gain_db = 0.0
        self._wanted_db = 0.0
        self._gain = 1.0
        self._below_frames = _GATE_FRAMES
        self._open = False
        self._speech = 0.0
        self.speaking = False
        self.level_db = SILENCE_DB

    @property
    def gain_db(self) -> float:
        """The gain in force."""
        return self._gain_db

    def silence(self) -> None:
        """Take note of a tick without sound."""
        self.level_db = SILENCE_DB
        self._open = False
        self._below_frames = _GATE_FRAMES
        self._hear(False)

    def process(self, frame: Pcm) -> Pcm | None:
        """Return the frame as the mix should have it, or None when it adds nothing."""
        level = level_db(frame)
        self.level_db = max(level, self.level_db - _METER_FALL_DB)
        audible = level > _GATE_DB
        self._below_frames = 0 if audible else self._below_frames + 1
        if not self._open and not audible:
            self._hear(False)
            return None
        speech = level > _SPEECH_DB and self._is_speech(frame)
        if speech:
            self._measure(frame)
        self._hear(speech or level > _LOUD_DB)
        return self._gated(self._levelled(frame))

    def _is_speech(self, frame: Pcm) -> bool:
        pcm = np.clip(frame * 32_767, -32_768, 32_767).astype(np.int16)
        return bool(self._vad.is_speech(pcm.tobytes(), SAMPLE_RATE))

    def _measure(self, frame: Pcm) -> None:
        self._meter.add_frames(np.ascontiguousarray(frame), len(frame))
        self._speech_frames += 1
        if self._speech_frames < _SPEECH_FRAMES_MIN or self._speech_frames % _MEASURE_FRAMES:
            return
        loudness = pyebur128.get_loudness_shortterm(self._meter)
        if math.isfinite(loudness):
            wanted = TARGET_LUFS - loudness
            self._wanted_db = max(-GAIN_DB_MAX, min(GAIN_DB_MAX, wanted))

    def _levelled(self, frame: Pcm) -> Pcm:
        difference = self._wanted_db - self._gain_db
        if abs(difference) < 1e-3:
            return frame * np.float32(self._gain) if self._gain != 1.0 else frame
        self._gain_db += max(-_SLEW_DB, min(_SLEW_DB, difference))
        before, self._gain = self._gain, 10 ** (self._gain_db / 20)
        levelled: Pcm = frame * (np.float32(before) + np.float32(self._gain - before) * _RAMP)
        return levelled

    def _gated(self, frame: Pcm) -> Pcm:
        if not self._open:
            self._open = True
            return frame * _RAMP
        if self._below_frames >= _GATE_FRAMES:
            self._open = False
            return frame * _RAMP[::-1]
        return frame

    def _hear(self, speech: bool) -> None:
        step = 1.0 if speech else -0.25
        self._speech = max(0.0, min(float(_SPEAKING_MAX), self._speech + step))
        if self._speech >= _SPEAKING_ON:
            self.speaking = True
        elif self._speech == 0:
            self.speaking = False
