"""The mix: everybody for the audience, everybody but oneself for each speaker.

Limited, each mix by a limiter of its own; those who contribute nothing share the full mix.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stentor.audio.limiter import Limiter
from stentor.media.grid import FRAME_SAMPLES

Pcm = NDArray[np.float32]

_SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


class Mixer:
    """Mixes one room, frame by frame."""

    def __init__(self) -> None:
        self._full = Limiter()
        self._others: dict[str, Limiter] = {}

    def begin(self) -> None:
        """Let nothing of what was mixed before into the full mix: the limiter holds 5 ms."""
        self._full = Limiter()

    def mix(self, voices: Mapping[str, Pcm]) -> tuple[Pcm, dict[str, Pcm]]:
        """Return the full mix, and for each of `voices` the mix without it.

        Who is not in `voices` hears the full mix. `voices` are float frames of 20 ms.
        """
        for gone in [seat for seat in self._others if seat not in voices]:
            del self._others[gone]
        if not voices:
            return self._full.process(_SILENCE), {}
        frames = list(voices.values())
        total: Pcm = np.add.reduce(frames)
        without = {
            seat: self._others.setdefault(seat, Limiter()).process(
                _SILENCE if len(frames) == 1 else total - frame
            )
            for seat, frame in voices.items()
        }
        return self._full.process(total), without
