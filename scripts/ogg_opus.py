"""Sound as numpy arrays, measured and written as Ogg Opus: what the make_*.py scripts share.

Everything here is mono, 48 kHz, float64 between -1 and 1.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pyebur128
from numpy.typing import NDArray

Sound = NDArray[np.float64]
RATE_HZ = 48_000
PART_SAMPLES = 15_360  # 0.32 s: the programme's smallest piece
FRAME_SAMPLES = 960


def loudness_lufs(sound: Sound) -> float:
    state = pyebur128.R128State(1, RATE_HZ, pyebur128.MeasurementMode.MODE_I)
    state.add_frames(np.ascontiguousarray(sound, dtype=np.float32), len(sound))
    return float(pyebur128.get_loudness_global(state))


def true_peak_dbtp(sound: Sound) -> float:
    state = pyebur128.R128State(1, RATE_HZ, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    state.add_frames(np.ascontiguousarray(sound, dtype=np.float32), len(sound))
    return float(20 * np.log10(max(pyebur128.get_true_peak(state, 0), 1e-9)))


def at_loudness(sound: Sound, target_lufs: float, peak_dbtp_max: float) -> Sound:
    """Scale to a loudness; what would pass the peak is bent, not cut, and the rest made up for."""
    ceiling = 10 ** ((peak_dbtp_max - 0.5) / 20)  # between samples it may be a little higher
    knee = 0.6 * ceiling
    room = ceiling - knee
    gain_db, bent = 0.0, sound
    for _ in range(8):
        gain_db += target_lufs - loudness_lufs(bent)
        louder = sound * 10 ** (gain_db / 20)
        size = np.abs(louder)
        bent = np.where(
            size > knee, np.sign(louder) * (knee + room * np.tanh((size - knee) / room)), louder
        )
    return bent


def write(file: Path, sound: Sound, bit_rate: int, application: str) -> None:
    """Encode; the length has to be whole frames, so that a loop has no hole of its own making."""
    if len(sound) % FRAME_SAMPLES:
        raise ValueError(f"{len(sound)} samples are not whole frames of {FRAME_SAMPLES}")
    samples = np.clip(np.round(sound * 32767), -32768, 32767).astype(np.int16)
    with av.open(str(file), "w", format="opus", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(
            "libopus", rate=RATE_HZ, options={"application": application, "frame_duration": "20"}
        )
        stream.codec_context.bit_rate = bit_rate
        stream.codec_context.layout = "mono"
        stream.codec_context.format = "s16"
        for start in range(0, len(samples), FRAME_SAMPLES):
            frame = av.AudioFrame.from_ndarray(
                samples[np.newaxis, start : start + FRAME_SAMPLES], format="s16", layout="mono"
            )
            frame.rate = RATE_HZ
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def read(file: Path) -> Sound:
    with av.open(str(file)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    whole = np.concatenate(frames, axis=1)[0]
    return whole / 32768 if whole.dtype == np.int16 else whole.astype(np.float64)


def report(file: Path) -> str:
    sound = read(file)
    return (
        f"{file.name}: {len(sound) / RATE_HZ:.2f} s, {file.stat().st_size // 1024} KiB, "
        f"{loudness_lufs(sound):.1f} LUFS, {true_peak_dbtp(sound):.1f} dBTP"
    )
