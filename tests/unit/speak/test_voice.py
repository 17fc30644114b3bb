"""A source as a voice: paced by the clock, and clear about what it cannot read."""

from __future__ import annotations

import time
import wave
from pathlib import Path

import numpy as np
import pytest

from stentor.codecs.decode import Unreadable
from stentor.speak.voice import FRAME_S, OpusVoice, Reader, speak_frames


def tone(path: Path, seconds: float) -> str:
    samples = np.arange(round(seconds * 48_000))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes((np.sin(samples * 0.05) * 8_000).astype("<i2").tobytes())
    return str(path)


async def spoken(reader: Reader, start_at: float) -> list[tuple[float, int, bytes]]:
    sent: list[tuple[float, int, bytes]] = []
    await reader.wait_first()
    await speak_frames(
        reader, 48_000, lambda at, data: sent.append((time.monotonic(), at, data)), start_at
    )
    return sent


async def test_packets_leave_by_the_clock(tmp_path: Path) -> None:
    began = time.monotonic() + 0.05
    sent = await spoken(Reader(tone(tmp_path / "a.wav", 0.6), loop=False), began)
    assert [at for _, at, _ in sent] == [n * 960 for n in range(30)]
    assert all(when >= began + n * FRAME_S - 0.001 for n, (when, _, _) in enumerate(sent))
    assert all(len(data) > 20 for _, _, data in sent[2:])


async def test_looping_voice_goes_on_after_its_end(tmp_path: Path) -> None:
    reader = Reader(tone(tmp_path / "a.wav", 0.1), loop=True)
    await reader.wait_first()
    frames = 0
    deadline = time.monotonic() + 30
    while frames < 30 and time.monotonic() < deadline:
        frame = reader.next_frame()
        assert isinstance(frame, np.ndarray)
        frames += int(frame.any())
    reader.close()
    assert frames == 30


async def test_skipped_beginning_is_not_spoken(tmp_path: Path) -> None:
    reader = Reader(tone(tmp_path / "a.wav", 0.6), loop=False, skip_s=0.5)
    assert len(await spoken(reader, time.monotonic())) == 5


async def test_file_that_is_no_audio_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("no audio " * 100)
    with pytest.raises(Unreadable, match=r"a\.txt"):
        await Reader(str(text), loop=False).wait_first()


def test_packets_are_mono_opus_of_twenty_milliseconds() -> None:
    voice = OpusVoice(48_000)
    data = b""
    for n in range(5):
        data = voice.encode((np.sin(np.arange(n * 960, (n + 1) * 960) * 0.05) * 8_000).astype("i2"))
    stereo, frames = data[0] & 4, data[0] & 3
    assert (stereo, frames) == (0, 0)
