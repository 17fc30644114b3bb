"""The whole path: people speak, others listen, it is recorded, and played again afterwards."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stentor.listen.run import Wish
from stentor.media.boxes import boxes
from stentor.rooms.state import OnAir
from support.listeners import Ear, listening
from support.programs import needs_program, program
from support.server import COMMAND, Server, serving
from support.voices import speaking, strength, tone_file

A, B = 440.0, 1_250.0
PARTS_5_S = 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with serving(tmp_path_factory.mktemp("path")) as one:
        yield one


@pytest.fixture
def tones(tmp_path: Path) -> tuple[Path, Path]:
    return tone_file(tmp_path / "a.wav", A), tone_file(tmp_path / "b.wav", B)


def test_two_voices_are_heard_recorded_and_played_again(
    server: Server, tones: tuple[Path, Path], tmp_path: Path
) -> None:
    room = server.create_room("Two voices", in_s=2.5, speakers=2)
    with (
        speaking(tones[0], room.link("host"), "--loop"),
        speaking(tones[1], room.link("speaker"), "--loop"),
        listening(room.url()) as (push,),
        listening(room.url(), rendition="opus24") as (opus,),
        listening(room.url(), hls=True) as (hls,),
    ):
        for ear in (push, opus, hls):
            ear.wait_parts(PARTS_5_S * 2, 30)
        with listening(room.url("/hls/dvr.m3u8"), seconds=4) as (dvr,):
            dvr.join()
        room.act("end")
        for ear in (push, opus, hls):
            ear.join()
    assert push.error is None
    for ear in (push, opus, hls, dvr):
        found = ear.findings
        assert (found.gaps, found.jumps, found.undecodable) == (0, 0, 0), ear.wish
        heard = ear.pcm(PARTS_5_S, PARTS_5_S * 2 - 1)
        assert strength(heard, A) > 0.2
        assert strength(heard, B) > 0.2
    assert dvr.findings.first_part == 0
    assert push.smooth
    assert push.findings.behind_s_mean is not None
    assert push.findings.behind_s_mean < 1.0 + push.held_up_s
    assert push.states[-1].phase == "ended"
    assert any(state.on_air is OnAir.VOICES for state in push.states)
    assert any(present.speaking for state in push.states for present in state.stage)
    _check_recording_is_what_was_heard(push, room.recording("aac48").read_bytes())
    replay = Ear(Wish(room.url(), hls=True, seconds=20)).start().join()
    assert replay.error is None
    assert replay.findings.first_part == 0
    assert replay.last_part == push.last_part


def _check_recording_is_what_was_heard(ear: Ear, recording: bytes) -> None:
    heard = [one.payload for one in boxes(bytes(ear.file)) if one.kind == "mdat"]
    recorded = [one.payload for one in boxes(recording) if one.kind == "mdat"]
    first = ear.findings.first_part
    assert first is not None
    assert heard == recorded[first : first + len(heard)]
    assert len(recorded) == ear.last_part + 1


@needs_program("ffmpeg", "ffprobe")
def test_commands_do_what_the_manual_says(
    server: Server, tones: tuple[Path, Path], tmp_path: Path
) -> None:
    room = server.create_room("By hand", in_s=1.5)
    out = tmp_path / "heard.mp4"
    with speaking(tones[0], room.link("host"), "--loop"):
        listened = subprocess.run(
            [*COMMAND, "listen", room.url(), "--seconds", "5", "--out", str(out), "--json"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert listened.returncode == 0, listened.stderr
    found = json.loads(listened.stdout)
    assert found["gaps"] == 0
    assert found["audio_s"] > 2
    probe = [program("ffprobe"), "-v", "error", "-show_entries", "format=duration", "-of", "json"]
    shown = subprocess.run([*probe, str(out)], capture_output=True, text=True, timeout=20)
    assert shown.stderr == ""
    duration = float(json.loads(shown.stdout)["format"]["duration"])
    assert duration == pytest.approx(found["audio_s"], abs=0.1)


def test_nothing_heard_is_an_error(server: Server) -> None:
    room = server.create_room("Too early", in_s=60)
    early = subprocess.run(
        [*COMMAND, "listen", room.url(), "--seconds", "1"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert early.returncode != 0
    assert "Nothing was heard: the room is scheduled." in early.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["listen", "http://127.0.0.1:{port}/r/no-such-room"], "."),
        (["listen", "http://127.0.0.1:1/r/room", "--seconds", "3"], "cannot be reached"),
        (["listen", "nonsense"], "not an address"),
        (["speak", "/nonexistent.wav", "{link}"], "cannot be read"),
        (["speak", "{text}", "{link}"], "has no audio in it"),
        (["speak", "{tone}", "http://127.0.0.1:{control}/studio#key=forged.link"], "."),
        (["speak", "{tone}", "http://127.0.0.1:1/studio#key=a.b"], "cannot be reached"),
        (["speak", "{tone}", "not-a-link"], "not a speaker's link"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    server: Server, tones: tuple[Path, Path], arguments: list[str], said: str
) -> None:
    text = tones[0].with_suffix(".txt")
    text.write_text("This is not audio. " * 50)
    room = server.create_room("Errors", in_s=60)
    values = {
        "port": server.port,
        "control": server.control_port,
        "link": room.link("speaker"),
        "tone": tones[0],
        "text": text,
    }
    refused = subprocess.run(
        [*COMMAND, *(one.format(**values) for one in arguments)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert refused.returncode != 0
    assert refused.stderr.startswith("stentor: ")
    assert refused.stderr.count("\n") == 1
    assert said in refused.stderr
