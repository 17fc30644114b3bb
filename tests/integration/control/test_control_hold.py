"""The hold tune: whatever people have lying about becomes samples, or a clear refusal."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from support.control import ControlProcess, controlling, token_of


def tune(seconds: float = 1.0, rate: int = 22_050, hertz: float = 440.0) -> bytes:
    times = np.arange(int(seconds * rate)) / rate
    samples = (np.sin(2 * np.pi * hertz * times) * 12_000).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def held(control: ControlProcess, room: str) -> np.ndarray:
    return np.frombuffer(control.folder.hold(room).read_bytes(), "<i2")


def left_over(control: ControlProcess) -> list[str]:
    names = [path.name for path in control.folder.hold("x").parent.iterdir()]
    return [name for name in names if not name.endswith(".s16")]


def test_tune_becomes_samples_of_the_programme_and_is_ordered(control: ControlProcess) -> None:
    room = control.create_room()
    path = f"/api/rooms/{room['room']}/hold"
    answer = control.call("PUT", path, content=tune(), token=token_of(room, "host"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["hold"] is True
    assert control.orders(room["room"]).hold
    samples = held(control, room["room"])
    assert abs(samples.size - 48_000) <= 1_920
    middle = samples[9_600:38_400]
    spectrum = np.abs(np.fft.rfft(middle))
    assert abs(np.argmax(spectrum) * 48_000 / middle.size - 440) < 5
    assert left_over(control) == []


def test_another_tune_replaces_the_first_and_none_takes_it_away(control: ControlProcess) -> None:
    room = control.create_room()["room"]
    path = f"/api/rooms/{room}/hold"
    control.call("PUT", path, content=tune(0.5))
    first = control.orders(room).revision
    control.call("PUT", path, content=tune(1.0, 44_100, 880))
    assert control.orders(room).revision == first + 1
    assert held(control, room).size > 40_000
    assert control.call("DELETE", path).json()["hold"] is False
    assert not control.folder.hold(room).exists()
    assert not control.orders(room).hold
    assert left_over(control) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        tune()[:60],
        b"\0" * 50_000,
        struct.pack("<4sI4s", b"RIFF", 36, b"WAVE"),
    ],
    ids=["nothing", "text", "playlist", "concat", "torn", "zeros", "header"],
)
def test_what_is_not_audio_is_refused_and_nothing_stays(
    control: ControlProcess, content: bytes
) -> None:
    room = control.create_room()["room"]
    answer = control.call("PUT", f"/api/rooms/{room}/hold", content=content)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "urn:stentor:problem:unreadable"
    assert str(control.folder.root) not in answer.text
    assert not control.folder.hold(room).exists()
    assert control.orders(room).revision == 1
    assert left_over(control) == []


def test_refused_tune_leaves_the_earlier_one(control: ControlProcess) -> None:
    room = control.create_room()["room"]
    path = f"/api/rooms/{room}/hold"
    control.call("PUT", path, content=tune())
    before = held(control, room)
    assert control.call("PUT", path, content=b"noise").status_code == 422
    assert np.array_equal(held(control, room), before)


def test_tune_comes_too_late_after_the_hour(control: ControlProcess) -> None:
    room = control.create_room(at="now")["room"]
    import time

    deadline = time.monotonic() + 30
    while control.call("GET", f"/api/rooms/{room}").json()["phase"] != "live":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert control.call("PUT", f"/api/rooms/{room}/hold", content=tune()).status_code == 409


def test_long_tune_is_cut_off(tmp_path: Path) -> None:
    with controlling(tmp_path, {"hold_duration_max_s": 2}) as control:
        room = control.create_room()["room"]
        answer = control.call("PUT", f"/api/rooms/{room}/hold", content=tune(5.0))
        assert answer.status_code == 200
        assert held(control, room).size == 2 * 48_000
