"""Fills holes that FEC could not: the last periods of the voice go on, then fade.

libopus conceals too, but in its speech modes a steady sound drops by 20 dB within one packet;
where what was heard last is periodic, repeating it is less of a hole. Else libopus's guess is
taken. Full for 100 ms, silent after 200 ms.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.media.grid import FRAME_SAMPLES

Pcm = NDArray[np.float32]

FULL_SAMPLES = 5 * FRAME_SAMPLES
SILENT_AFTER_SAMPLES = 10 * FRAME_SAMPLES

_HISTORY = 2_880  # 60 ms
_TEMPLATE = 960
_LAG_MIN, _LAG_MAX = 240, 1_440  # 5 to 30 ms: one period of a low voice, several of a high one
_PERIODIC = 0.6  # correlation above which repeating is better than libopus's guess
_CROSS = np.linspace(0, 1, 240, dtype=np.float32)  # 5 ms


def _best_lag(history: Pcm) -> tuple[int, float]:
    """Return the lag at which the last 20 ms resemble what was before most, and how much."""
    template = history[-_TEMPLATE:]
    energy = float(np.dot(template, template))
    if energy < 1e-6:
        return _LAG_MIN, 0.0
    searched = history[-_TEMPLATE - _LAG_MAX : -_LAG_MIN]
    products = np.correlate(searched, template, "valid")  # the last one is the shortest lag
    squares = np.concatenate([[0.0], np.cumsum(searched.astype(np.float64) ** 2)])
    energies = squares[_TEMPLATE:] - squares[:-_TEMPLATE]
    likeness = products / np.sqrt(np.maximum(energies, 1e-9) * energy)
    best = int(likeness.argmax())
    return _LAG_MAX - best, float(likeness[best])


class Concealer:
    """Follows one speaker's sound; is asked only in holes, and once after each."""

    def __init__(self) -> None:
        self._before = np.zeros(0, np.float32)
        self._last = np.zeros(0, np.float32)
        self._period: Pcm | None = None
        self.run_samples = 0  # how long the present hole is

    def heard(self, piece: Pcm) -> Pcm:
        """Take a real piece; return it, joined smoothly to the hole before it, if there was one."""
        if self.run_samples:
            piece = self._joined(piece)
            self.run_samples, self._period = 0, None
        if len(piece) >= _HISTORY:
            self._before, self._last = self._last, piece
        else:
            self._before, self._last = (
                np.concatenate([self._before, self._last])[-_HISTORY:],
                piece,
            )
        return piece

    def conceal(self, guess: Pcm) -> Pcm:
        """Return as many samples as `guess`, libopus's own concealment, has."""
        if not self.run_samples:
            self._start()
        piece = guess if self._period is None else self._repeated(len(guess))
        piece = self._faded(piece)
        self.run_samples += len(guess)
        return piece

    def _start(self) -> None:
        history = np.concatenate([self._before, self._last])[-_HISTORY:]
        if len(history) < _HISTORY:
            return
        lag, likeness = _best_lag(history)
        if likeness >= _PERIODIC:
            self._period = history[-lag:].copy()

    def _repeated(self, samples: int) -> Pcm:
        assert self._period is not None
        places = np.arange(self.run_samples, self.run_samples + samples) % len(self._period)
        return self._period[places]

    def _faded(self, piece: Pcm) -> Pcm:
        start, length = self.run_samples, len(piece)
        if start + length <= FULL_SAMPLES:
            return piece
        if start >= SILENT_AFTER_SAMPLES:
            return np.zeros(length, np.float32)
        places = np.arange(start, start + length, dtype=np.float32)
        gain = (SILENT_AFTER_SAMPLES - places) / (SILENT_AFTER_SAMPLES - FULL_SAMPLES)
        faded: Pcm = (piece * np.clip(gain, 0, 1)).astype(np.float32)
        return faded

    def _joined(self, piece: Pcm) -> Pcm:
        length = min(len(_CROSS), len(piece))
        if self.run_samples >= SILENT_AFTER_SAMPLES:
            tail = np.zeros(length, np.float32)
        elif self._period is None:
            return piece  # libopus joins its own guess to what follows
        else:
            tail = self._faded(self._repeated(length))
        joined = piece.copy()
        joined[:length] = tail * (1 - _CROSS[:length]) + piece[:length] * _CROSS[:length]
        return joined
