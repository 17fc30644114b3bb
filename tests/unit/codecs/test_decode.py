"""Sources and parts as samples; what cannot be read is said in a sentence."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
import pytest

from stentor.base.errors import StentorError
from stentor.codecs.decode import PartDecoder, Trust, Unreadable, open_source
from stentor.codecs.encode import RenditionEncoder
from stentor.media.fragments import fragment
from stentor.media.renditions import RENDITIONS


def write_wave(path: Path, seconds: float, rate: int = 44_100, channels: int = 2) -> Path:
    places = np.arange(int(seconds * rate))
    mono = (8_000 * np.sin(2 * math.pi * 440 * places / rate)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(mono, channels).tobytes())
    return path


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1), (8_000, 1), (96_000, 2)])
def test_a_source_becomes_frames_of_960_samples_at_48_khz(
    tmp_path: Path, rate: int, channels: int
) -> None:
    with open_source(write_wave(tmp_path / "a.wav", 1.25, rate, channels)) as source:
        frames = list(source)
    assert {(frame.size, frame.dtype.name) for frame in frames} == {(960, "int16")}
    assert len(frames) in (62, 63)
    assert np.abs(np.concatenate(frames)).max() == pytest.approx(8_000, rel=0.05)


def test_a_source_is_cut_off_at_its_limit(tmp_path: Path) -> None:
    with open_source(write_wave(tmp_path / "a.wav", 3), seconds_max=0.5) as source:
        assert len(list(source)) == 25


@pytest.mark.parametrize("trust", Trust)
@pytest.mark.parametrize("content", [b"", b"hello " * 500, b"RIFF\xff\xff\xff\xffWAVEfmt "])
def test_what_is_no_audio_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, trust: Trust
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(StentorError, match=r"a\.bin .*\.$"), open_source(path, trust=trust) as it:
        list(it)


def test_a_sample_rate_that_would_make_hours_of_a_few_bytes_is_refused(tmp_path: Path) -> None:
    path = write_wave(tmp_path / "a.wav", 4_000, rate=1, channels=1)
    with pytest.raises(Unreadable, match="1 Hz"):
        open_source(path, seconds_max=1)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"nothing\.mp3 cannot be read: no such file"):
        open_source(tmp_path / "nothing.mp3")


def test_a_strangers_playlist_cannot_name_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    encoder = RenditionEncoder(RENDITIONS["aac48"])
    parts = encoder.encode(np.zeros(48_000, np.int16))
    secret.write_bytes(encoder.init + b"".join(part.data for part in parts))
    playlist = tmp_path / "tune.mp3"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{secret}\n#EXT-X-ENDLIST\n")
    concat = tmp_path / "tune.txt"
    concat.write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    for path in (playlist, concat):
        with pytest.raises(Unreadable):
            open_source(path, trust=Trust.STRANGERS)
    with open_source(secret, trust=Trust.STRANGERS) as source:
        assert list(source)


def test_damage_in_the_middle_of_a_file_does_not_end_it(tmp_path: Path) -> None:
    encoder = RenditionEncoder(RENDITIONS["aac48"])
    rng = np.random.default_rng(3)
    parts = encoder.encode((3_000 * rng.normal(size=480_000)).astype(np.int16))
    data = bytearray(encoder.init + b"".join(part.data for part in parts))
    middle = len(data) // 2
    place = data.index(b"mdat", middle) + 4
    data[place : place + 150] = bytes(150)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    with open_source(path) as source:
        assert len(list(source)) > 450


def test_a_damaged_part_is_unreadable_and_says_so() -> None:
    encoder = RenditionEncoder(RENDITIONS["opus24"])
    decoder = PartDecoder(encoder.init)
    with pytest.raises(Unreadable):
        decoder.decode(b"\0" * 40)
    with pytest.raises(Unreadable):
        decoder.decode(fragment(0, 960, [b"\xff\xff\xff"] * 16))
    with pytest.raises(Unreadable):
        PartDecoder(b"not an init")
