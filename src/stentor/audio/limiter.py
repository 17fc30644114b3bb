"""Keeps a mix below a true-peak ceiling, 5 ms late.

The gain is found for blocks of 5 ms and goes in straight lines from block to block, so that it is
never above what either of two neighbours needs. Peaks between samples are estimated by fourfold
oversampling, as in ITU-R BS.1770.
"""

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.float32]

CEILING = np.float32(10 ** (-1.5 / 20))  # −1.5 dBTP
_BLOCK = 240
_RELEASE = np.float32(10 ** (0.05 / 20))  # gain may rise by 10 dB a second
_WORTH_OVERSAMPLING = 0.5  # below −6 dBFS no inter-sample peak reaches the ceiling
_LINE = np.arange(_BLOCK, dtype=np.float32) / _BLOCK
_TAPS = 12


def _phases() -> list[NDArray[np.float32]]:
    """Return the three interpolators between two samples: windowed sinc."""
    positions = np.arange(_TAPS) - (_TAPS // 2 - 1)
    window = np.hanning(_TAPS + 2)[1:-1]
    taps = []
    for quarter in (0.25, 0.5, 0.75):
        phase = np.sinc(positions - quarter) * window
        taps.append((phase / phase.sum()).astype(np.float32)[::-1].copy())
    return taps


_PHASES = _phases()


def block_peaks(samples: Pcm) -> NDArray[np.float32]:
    """Return the true peak of each block of 5 ms."""
    size = np.abs(samples)
    peaks: NDArray[np.float32] = size.reshape(-1, _BLOCK).max(axis=1)
    if peaks.max() > _WORTH_OVERSAMPLING:
        for taps in _PHASES:
            between = np.abs(np.convolve(samples, taps, "same"))
            peaks = np.maximum(peaks, between.reshape(-1, _BLOCK).max(axis=1))
    return peaks


class Limiter:
    """Frames in, the same frames out below the ceiling, delayed by one block."""

    def __init__(self) -> None:
        self._held = np.zeros(_BLOCK, np.float32)
        self._held_need = np.float32(1)  # the gain that the held block can bear
        self._gain = np.float32(1)  # at the beginning of the held block

    def process(self, frame: Pcm) -> Pcm:
        """Return the frame's worth of output; `frame` is a multiple of 5 ms long."""
        needs = np.minimum(CEILING / np.maximum(block_peaks(frame), CEILING), 1)
        joined = np.concatenate([self._held, frame])
        self._held = joined[len(frame) :]
        if self._gain == 1 and self._held_need == 1 and needs.min() == 1:
            return joined[: len(frame)]
        gains = np.empty(len(frame), np.float32)
        gain, need = self._gain, self._held_need
        for number, following in enumerate(needs):
            after = min(need, following, gain * _RELEASE)
            gains[number * _BLOCK : (number + 1) * _BLOCK] = gain + (after - gain) * _LINE
            gain, need = after, following
        self._gain, self._held_need = gain, need
        out: Pcm = joined[: len(frame)] * gains
        return out
