#!/usr/bin/env python3
"""Makes src/stentor/demo/hold.opus: what a room hears before the first word, if nobody chose else.

Eight slow bars in D, our own, from sines alone. Time is a circle while it is made (every note and
the room's echo run over the end into the beginning), so the loop has no seam. 25.6 s are 80 parts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import ogg_opus
from ogg_opus import PART_SAMPLES, RATE_HZ, Sound

FILE = Path(__file__).resolve().parents[1] / "src/stentor/demo/hold.opus"
LOUDNESS_LUFS = -24.0
PEAK_DBTP_MAX = -6.0
BIT_RATE = 40_000

LENGTH = 80 * PART_SAMPLES
BARS = 8
BAR_S = LENGTH / BARS / RATE_HZ  # 3.2 s: four beats at 75 a minute
STEP_S = BAR_S / 8

# Each bar: the bass, a chord that breathes, and the eight steps of a broken chord (0 rests).
# MIDI numbers: 62 is the D above middle C.
SCORE: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...] = (
    (38, (57, 61, 66), (62, 66, 69, 73, 76, 73, 69, 66)),  # Dmaj9
    (35, (57, 62, 66), (59, 66, 69, 74, 78, 74, 69, 66)),  # Bm7
    (43, (55, 59, 66), (62, 66, 71, 74, 78, 74, 71, 0)),  # Gmaj7
    (45, (57, 59, 64), (64, 69, 71, 76, 74, 71, 69, 0)),  # Asus2
    (42, (57, 61, 64), (61, 64, 69, 73, 76, 73, 69, 64)),  # F#m7
    (43, (55, 59, 62), (62, 67, 71, 74, 79, 74, 71, 67)),  # G
    (40, (55, 59, 66), (64, 67, 71, 74, 78, 76, 71, 0)),  # Em9
    (45, (55, 59, 64), (62, 64, 69, 71, 74, 71, 0, 0)),  # A9sus4
)
# A tune above it, a few long notes: (step from the start, MIDI number, length in steps).
TUNE = ((4, 81, 6), (12, 78, 6), (20, 83, 5), (26, 81, 5), (36, 80, 5), (42, 78, 5))
TUNE += ((50, 79, 4), (55, 78, 4), (60, 76, 4))


def hz(note: int) -> float:
    return 440.0 * 2 ** ((note - 69) / 12)


def put(track: Sound, start_s: float, sound: Sound) -> None:
    """Add a sound; what reaches past the end begins again at the start."""
    where = (int(start_s * RATE_HZ) + np.arange(len(sound))) % LENGTH
    np.add.at(track, where, sound)


def bell(note: int, loud: float) -> Sound:
    """A soft electric piano: a sine whose overtone is bright at the touch and soon gone."""
    t = np.arange(int(2.4 * RATE_HZ)) / RATE_HZ
    touch = 1.1 * np.exp(-t / 0.25) * np.sin(2 * np.pi * 2 * hz(note) * t)
    fall = np.exp(-t / 0.7) * np.minimum(t / 0.008, 1) * np.minimum((2.4 - t) / 0.1, 1)
    return loud * fall * np.sin(2 * np.pi * hz(note) * t + touch)


def breath(note: int, length_s: float, loud: float, overtone: float = 0.12) -> Sound:
    """A pad: two sines a little apart, that swell and go."""
    t = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    swell = np.sin(np.pi * t / length_s) ** 1.5
    near = sum(np.sin(2 * np.pi * hz(note) * detune * t) for detune in (0.9985, 1.0015))
    return loud * swell * (near / 2 + overtone * np.sin(4 * np.pi * hz(note) * t))


def echoing(track: Sound) -> Sound:
    """A soft room: seeded noise that fades in two seconds, wound round the circle."""
    t = np.arange(LENGTH) / RATE_HZ
    room = np.random.default_rng(62).standard_normal(LENGTH) * np.exp(-t / 0.45)
    spectrum = np.fft.rfft(room / np.sqrt(np.sum(room**2)))
    away = np.fft.rfftfreq(LENGTH, 1 / RATE_HZ)
    spectrum = spectrum / (1 + (away / 2500) ** 2)
    return track + 0.45 * np.fft.irfft(np.fft.rfft(track) * spectrum, LENGTH)


def tune() -> Sound:
    track = np.zeros(LENGTH)
    for bar, (bass, chord, steps) in enumerate(SCORE):
        bar_start_s = bar * BAR_S
        put(track, bar_start_s, 0.8 * bell(bass + 12, 0.5))
        put(track, bar_start_s - 0.4, breath(bass, BAR_S + 0.8, 0.34, overtone=0.5))
        for note in chord:
            put(track, bar_start_s - 0.8, breath(note, BAR_S + 1.6, 0.13))
        for step, note in enumerate(steps):
            if note:
                accent = 0.36 if step % 4 == 0 else 0.24
                put(track, bar_start_s + step * STEP_S, bell(note, accent))
    for step, note, length in TUNE:
        put(track, step * STEP_S, breath(note, length * STEP_S, 0.10))
        put(track, step * STEP_S + 0.02, bell(note, 0.16))
    return echoing(track)


def breathing_at_the_seam(track: Sound) -> Sound:
    """Dip for 10 ms under the first touch: a codec starts from silence and would click there."""
    rise = np.sin(np.linspace(0, np.pi / 2, RATE_HZ // 100)) ** 2
    track[: len(rise)] *= rise
    track[-len(rise) :] *= rise[::-1]
    return track


def main() -> None:
    loop = ogg_opus.at_loudness(tune(), LOUDNESS_LUFS, PEAK_DBTP_MAX)
    ogg_opus.write(FILE, breathing_at_the_seam(loop), BIT_RATE, "audio")
    print(ogg_opus.report(FILE))


if __name__ == "__main__":
    main()
