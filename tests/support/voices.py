"""Speakers for tests: tones as files, `stentor speak` as processes, and ears that know tones."""

from __future__ import annotations

import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stentor.media.grid import SAMPLE_RATE

Pcm = npt.NDArray[np.int16]
WINDOW = 960  # 20 ms


def tone_file(path: Path, hertz: float, seconds: float = 10.0, level: float = 0.2) -> Path:
    """Write a WAV file of a steady tone that can be looped without a click."""
    count = round(round(seconds * hertz) / hertz * SAMPLE_RATE)
    samples = np.sin(2 * np.pi * hertz * np.arange(count) / SAMPLE_RATE) * level * 32_767
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@contextmanager
def speaking(source: Path | str, link: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `stentor speak --json` for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stentor", "speak", str(source), link, "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def strength(pcm: Pcm, hertz: float) -> float:
    """Return how much of the sound's power lies within 15 Hz of a frequency: 0 to 1."""
    if pcm.size == 0:
        return 0.0
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64) * np.hanning(pcm.size))) ** 2
    frequencies = np.fft.rfftfreq(pcm.size, 1 / SAMPLE_RATE)
    total = float(spectrum.sum())
    return float(spectrum[np.abs(frequencies - hertz) < 15].sum()) / total if total else 0.0


def silent_windows(pcm: Pcm, level: float = 0.002) -> npt.NDArray[np.bool_]:
    """Say of each 20 ms whether it is silent."""
    whole = pcm[: pcm.size // WINDOW * WINDOW].reshape(-1, WINDOW).astype(np.float64)
    quiet: npt.NDArray[np.bool_] = np.sqrt(np.mean(whole**2, axis=1)) < level * 32_768
    return quiet


def longest_run_s(windows: npt.NDArray[np.bool_]) -> float:
    """Return the longest run of True, in seconds."""
    longest = run = 0
    for one in windows:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest * WINDOW / SAMPLE_RATE
