"""The committed sounds: the two voices fit together, and the hold tune loops."""

import json
from pathlib import Path

import av
import numpy as np

import stentor.demo

FOLDER = Path(stentor.demo.__file__).parent
PART_SAMPLES = 15_360


def decoded(name: str) -> np.ndarray:
    with av.open(str(FOLDER / name)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        assert container.streams.audio[0].layout.name == "mono"
    return np.concatenate(frames, axis=1)[0]


def test_voices_are_equally_long_and_whole_parts() -> None:
    host, guest = decoded("host.opus"), decoded("guest.opus")
    assert len(host) == len(guest)
    assert len(host) % PART_SAMPLES == 0


def test_one_voice_is_silent_while_the_other_speaks_as_the_transcript_says() -> None:
    voices = {name: decoded(f"{name}.opus") for name in ("host", "guest")}
    transcript = json.loads((FOLDER / "transcript.json").read_text())
    assert transcript["length_samples"] == len(voices["host"])
    for line in transcript["lines"]:
        other = "guest" if line["speaker"] == "host" else "host"
        during = slice(line["start_ms"] * 48, line["end_ms"] * 48)
        assert np.sqrt(np.mean(voices[line["speaker"]][during] ** 2)) > 0.05, line["text"]
        assert np.abs(voices[other][during]).max() < 0.001, line["text"]


def test_transcript_is_what_the_script_says() -> None:
    transcript = json.loads((FOLDER / "transcript.json").read_text())
    spoken = " ".join(line["text"] for line in transcript["lines"])
    script = [
        line.split(": ", 1)[1]
        for line in (FOLDER / "interview.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert spoken == " ".join(script)


def test_hold_tune_is_whole_parts_and_has_no_step_at_its_seam() -> None:
    tune = decoded("hold.opus")
    assert len(tune) % PART_SAMPLES == 0
    assert abs(tune[0] - tune[-1]) < np.quantile(np.abs(np.diff(tune)), 0.99)
    assert np.abs(tune).max() < 0.5
