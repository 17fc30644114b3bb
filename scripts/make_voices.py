#!/usr/bin/env python3
"""Speaks src/stentor/demo/interview.txt: host.opus, guest.opus and transcript.json beside it.

Each voice is silent, to the last bit, while the other speaks, and both files are equally long:
two speakers that loop them from the same moment hold the conversation. Needs Debian's flite;
run it with .venv/bin/python. What it makes is committed, so that ./run needs no synthesiser.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ogg_opus
from ogg_opus import PART_SAMPLES, RATE_HZ, Sound

FOLDER = Path(__file__).resolve().parents[1] / "src/stentor/demo"
LOUDNESS_LUFS = -18.0
PEAK_DBTP_MAX = -3.0
BIT_RATE = 32_000

SENTENCE_PAUSE_S = 0.30
TURN_PAUSE_S = 0.52
LEAD_S = 0.4
LOOP_PAUSE_S = 1.2


@dataclass(frozen=True)
class Voice:
    name: str
    flite: str
    duration_stretch: float
    tone_db: tuple[float, ...]  # at TONE_HZ, towards how speech sounds on average


TONE_HZ = (150, 550, 1700, 4900)
VOICES = {
    "HOST": Voice("host", "slt", 1.0, (-4, 3, 5, 7)),
    "GUEST": Voice("guest", "rms", 0.93, (-3, 3, 5, -1)),
}


def turns() -> list[tuple[Voice, list[str]]]:
    found = []
    for line in (FOLDER / "interview.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            who, text = line.split(": ", 1)
            found.append((VOICES[who], re.split(r"(?<=[.?!]) ", text)))
    return found


def speak(voice: Voice, text: str) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spoken.wav"
        stretch = f"duration_stretch={voice.duration_stretch}"
        command = ["flite", "-voice", voice.flite, "--setf", stretch, "-t", text, "-o", str(file)]
        subprocess.run(command, check=True)
        with wave.open(str(file)) as spoken:
            rate_hz = spoken.getframerate()
            samples = np.frombuffer(spoken.readframes(spoken.getnframes()), np.int16) / 32768
    return trimmed(shaped(resampled(samples, rate_hz), voice.tone_db))


def resampled(sound: Sound, rate_hz: int) -> Sound:
    """Band-limited, by a longer spectrum; a sentence is short enough to take it whole."""
    factor = RATE_HZ // rate_hz
    spectrum = np.fft.rfft(sound)
    longer = np.zeros(len(sound) * factor // 2 + 1, complex)
    longer[: len(spectrum)] = spectrum
    return np.fft.irfft(longer, len(sound) * factor) * factor


def shaped(sound: Sound, tone_db: tuple[float, ...]) -> Sound:
    """Take the rumble out and lift what makes words clear: at 16 kHz the voices are dull."""
    hz = np.maximum(np.fft.rfftfreq(len(sound), 1 / RATE_HZ), 1)
    rumble = 1 / (1 + (75 / hz) ** 6)
    tone = 10 ** (np.interp(np.log(hz), np.log(TONE_HZ), tone_db) / 20)
    return np.fft.irfft(np.fft.rfft(sound) * rumble * tone, len(sound))


def trimmed(sound: Sound) -> Sound:
    """Cut the synthesiser's silence away, fade the ends, and bring the sentence to one loudness."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    margin = RATE_HZ // 25
    sound = sound[max(0, loud[0] - margin) : loud[-1] + 2 * margin].copy()
    fade = np.linspace(0, 1, RATE_HZ // 100)
    sound[: len(fade)] *= fade
    sound[-len(fade) :] *= fade[::-1]
    rms = np.sqrt(np.mean(sound[np.abs(sound) > 0.01] ** 2))
    return sound * (0.1 / rms)


def main() -> None:
    if shutil.which("flite") is None:
        sys.exit("make_voices.py: flite is needed (Debian's package of that name)")
    placed: list[tuple[Voice, str, int, Sound]] = []
    cursor = int(LEAD_S * RATE_HZ)
    for voice, sentences in turns():
        for sentence in sentences:
            sound = speak(voice, sentence)
            placed.append((voice, sentence, cursor, sound))
            cursor += len(sound) + int(SENTENCE_PAUSE_S * RATE_HZ)
        cursor += int((TURN_PAUSE_S - SENTENCE_PAUSE_S) * RATE_HZ)
    parts = -(-(cursor + int(LOOP_PAUSE_S * RATE_HZ)) // PART_SAMPLES)
    length = parts * PART_SAMPLES

    for voice in VOICES.values():
        track = np.zeros(length)
        for speaker, _, start, sound in placed:
            if speaker is voice:
                track[start : start + len(sound)] += sound
        file = FOLDER / f"{voice.name}.opus"
        track = ogg_opus.at_loudness(track, LOUDNESS_LUFS, PEAK_DBTP_MAX)
        ogg_opus.write(file, track, BIT_RATE, "voip")
        print(ogg_opus.report(file))

    transcript = {
        "language": "en",
        "length_samples": length,
        "rate_hz": RATE_HZ,
        "lines": [
            {
                "speaker": voice.name,
                "start_ms": start * 1000 // RATE_HZ,
                "end_ms": (start + len(sound)) * 1000 // RATE_HZ,
                "text": text,
            }
            for voice, text, start, sound in placed
        ],
    }
    (FOLDER / "transcript.json").write_text(json.dumps(transcript, indent=2) + "\n")


if __name__ == "__main__":
    main()
