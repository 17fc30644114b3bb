"""Other people's players read what the edge serves: ffmpeg, mpv and GStreamer, push and HLS."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from stentor.media.grid import PART_S, SAMPLE_RATE
from stentor.rooms.orders import Phase
from support.edge import RunningEdge, edge_running
from support.programme import Tone
from support.programs import needs_program, program

PUSH = "/r/town-hall/live.mp4?rendition="
HLS = "/r/town-hall/hls/"


@pytest.fixture
def on_edge(tmp_path: Path) -> Iterator[RunningEdge]:
    with edge_running(tmp_path) as running:
        running.programme = Tone(running.feed)
        running.on_air(40)
        yield running


Pcm = npt.NDArray[np.float64]


def samples_of(path: Path) -> Pcm:
    """Return the samples of a file as one channel."""
    with av.open(str(path)) as container:
        pieces = []
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        for frame in container.decode(audio=0):
            pieces += [one.to_ndarray().reshape(-1) for one in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.float64)


def assert_is_the_tone(pcm: Pcm, seconds: float) -> None:
    pcm = pcm[4800:]  # a decoder that has just begun
    assert pcm.size > (seconds - 0.3) * SAMPLE_RATE
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(pcm.size)))
    peak_hz = np.argmax(spectrum) * SAMPLE_RATE / pcm.size
    assert peak_hz == pytest.approx(Tone.HERTZ, abs=2)
    windows = pcm[: pcm.size // 960 * 960].reshape(-1, 960)
    assert np.sqrt((windows**2).mean(axis=1)).min() > 500, "there is a hole in the tone"


def play(out: Path, bytes_wanted: int, *command: str) -> bytes:
    """Let a player write raw samples until there are enough; players of live streams never end."""
    player = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 40
        while not (out.exists() and out.stat().st_size >= bytes_wanted):
            assert player.poll() is None, player.communicate()[0][-2000:]
            assert time.monotonic() < deadline, "the player wrote too little"
            time.sleep(0.05)
        return out.read_bytes()[: bytes_wanted // 4 * 4]
    finally:
        player.kill()
        player.communicate()


def run(*command: str, timeout_s: float = 40) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@needs_program("ffmpeg")
@pytest.mark.parametrize(
    "address",
    [
        PUSH + "opus24",
        PUSH + "aac96",
        HLS + "master.m3u8",
        HLS + "opus.m3u8",
        HLS + "aac48/live.m3u8",
    ],
)
def test_ffmpeg_hears_the_tone(on_edge: RunningEdge, tmp_path: Path, address: str) -> None:
    out = tmp_path / "heard.wav"
    url = f"http://127.0.0.1:{on_edge.port}{address}"
    with on_edge.programme.at_real_time():
        run(program("ffmpeg"), "-v", "error", "-xerror", "-i", url, "-t", "3", str(out))
    assert_is_the_tone(samples_of(out), 3)


@needs_program("mpv")
@pytest.mark.parametrize("address", [PUSH + "aac48", HLS + "opus.m3u8"])
def test_mpv_hears_the_tone(on_edge: RunningEdge, tmp_path: Path, address: str) -> None:
    out = tmp_path / "heard.f32"
    options = ("--no-config", "--no-video", "--ao=pcm", "--ao-pcm-waveheader=no")
    url = f"http://127.0.0.1:{on_edge.port}{address}"
    with on_edge.programme.at_real_time():
        data = play(out, 3 * SAMPLE_RATE * 4, program("mpv"), *options, f"--ao-pcm-file={out}", url)
    assert_is_the_tone(np.frombuffer(data, np.float32).astype(np.float64) * 32_768, 3)


@needs_program("gst-launch-1.0")
@pytest.mark.parametrize("address", [PUSH + "aac48", HLS + "master.m3u8"])
def test_gstreamer_hears_the_tone(on_edge: RunningEdge, tmp_path: Path, address: str) -> None:
    out = tmp_path / "heard.s16"
    pipeline = (
        f"uridecodebin3 uri=http://127.0.0.1:{on_edge.port}{address} ! audioconvert"
        f" ! audioresample ! audio/x-raw,format=S16LE,channels=1,rate={SAMPLE_RATE}"
        f" ! filesink buffer-mode=unbuffered location={out}"
    )
    with on_edge.programme.at_real_time():
        data = play(out, 3 * SAMPLE_RATE * 2, program("gst-launch-1.0"), "-q", *pipeline.split())
    assert_is_the_tone(np.frombuffer(data, np.int16).astype(np.float64), 3)


@needs_program("ffprobe")
def test_ffprobe_finds_the_replay_as_long_as_the_programme(
    on_edge: RunningEdge, tmp_path: Path
) -> None:
    on_edge.programme.parts(33)
    on_edge.has_parts(73)
    on_edge.programme.write_recording(on_edge.folder)
    on_edge.programme.end()
    for address in (HLS + "aac48/dvr.m3u8", "/r/town-hall/recording/opus24.mp4"):
        found = subprocess.run(
            [
                program("ffprobe"),
                *("-v", "error", "-of", "json"),
                *("-show_entries", "format=duration:stream=codec_name"),
                f"http://127.0.0.1:{on_edge.port}{address}",
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        assert found.stderr == ""
        told = json.loads(found.stdout)
        assert float(told["format"]["duration"]) == pytest.approx(73 * PART_S, abs=0.1)
        assert told["streams"][0]["codec_name"] == ("aac" if "aac" in address else "opus")


@needs_program("ffmpeg")
def test_ffmpeg_waits_on_the_push_stream_for_the_hour(tmp_path: Path) -> None:
    with edge_running(tmp_path) as on_edge:
        programme = on_edge.programme = Tone(on_edge.feed)
        programme.open_doors()
        on_edge.has_parts(0)
        out = tmp_path / "heard.wav"
        url = f"http://127.0.0.1:{on_edge.port}{PUSH}aac48"
        player = subprocess.Popen(
            [program("ffmpeg"), "-v", "error", "-xerror", "-i", url, "-t", "2", str(out)],
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 10
        while not on_edge.edge.push.listeners:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        programme.state(Phase.LIVE)
        with programme.at_real_time():
            _, said = player.communicate(timeout=30)
        assert (player.returncode, said) == (0, "")
        assert_is_the_tone(samples_of(out), 2)
