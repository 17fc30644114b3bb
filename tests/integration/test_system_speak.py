"""`stentor speak`: what it can read is heard, and what ends it is said in a sentence."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.listeners import listening
from support.programs import needs_program, program
from support.server import COMMAND, RoomMade, Server, serving, wait_until
from support.voices import speaking, strength, tone_file

TONE = 700.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("speak")) as one:
        yield one


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    return tone_file(tmp_path / "tone.wav", TONE, seconds=4)


def present(server: Server, room: RoomMade) -> list[str]:
    answer = httpx.get(server.url(f"/r/{room.id}/state.json"))
    if answer.status_code == 404:  # made this moment
        return []
    return [one["name"] for one in answer.json()["stage"] if not one["away"]]


def test_speaker_leaves_when_the_recording_is_over(server: Server, tone: Path) -> None:
    room = server.create_room("Once", in_s=0.5)
    with listening(room.url()) as (ear,), speaking(tone, room.link("host")) as speaker:
        assert speaker.wait(20) == 0
        wait_until(lambda: not present(server, room), 5, "the seat is empty")
        room.act("end")
        ear.join()
    heard_s = ear.findings.audio_s - ear.findings.silent_s
    assert heard_s == pytest.approx(4, abs=1 + ear.held_up_s)


def test_recording_can_wait_for_the_hour(server: Server, tone: Path) -> None:
    room = server.create_room("Wait", in_s=60)
    with (
        speaking(tone, room.link("host"), "--on-air") as speaker,
        listening(room.url()) as (ear,),
    ):
        assert speaker.stdout is not None
        events = iter(speaker.stdout)
        assert (
            next(json.loads(line) for line in events if '"state"' in line)["phase"] == "scheduled"
        )
        time.sleep(2)
        room.act("start")
        assert speaker.wait(30) == 0
        room.act("end")
        ear.join()
    heard_s = ear.findings.audio_s - ear.findings.silent_s
    assert heard_s == pytest.approx(4, abs=1 + ear.held_up_s)


@needs_program("ffmpeg")
def test_what_comes_on_standard_input_is_heard(server: Server, tone: Path) -> None:
    room = server.create_room("Pipe", in_s=0.5)
    source = subprocess.Popen(
        [program("ffmpeg"), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(tone),
         "-c:a", "libmp3lame", "-f", "mp3", "-"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    speaker = subprocess.Popen([*COMMAND, "speak", "-", room.link("host")], stdin=source.stdout)
    try:
        with listening(room.url()) as (ear,):
            ear.wait(lambda it: strength(it.pcm(it.last_part - 2), TONE) > 0.5, 20, "the pipe")
    finally:
        source.kill()
        source.wait()
        assert source.stdout is not None
        source.stdout.close()
        assert speaker.wait(10) == 0


def test_ctrl_c_ends_a_speaker_who_waits_for_standard_input(server: Server) -> None:
    room = server.create_room("Silent pipe", in_s=60)
    speaker = subprocess.Popen(
        [*COMMAND, "speak", "-", room.link("host")], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert speaker.stderr is not None
    status = Path(f"/proc/{speaker.pid}/status")
    caught = re.compile(r"SigCgt:\t([0-9a-f]+)")

    def listens_to_sigterm() -> bool:
        found = caught.search(status.read_text())
        return found is not None and bool(int(found[1], 16) & 1 << signal.SIGTERM - 1)

    wait_until(listens_to_sigterm, 20, "it is up")
    speaker.send_signal(signal.SIGINT)
    assert speaker.wait(10) == 0
    assert speaker.stderr.read() == b""
    speaker.stderr.close()


def test_address_can_be_a_speaker(server: Server, tone: Path) -> None:
    """One room's programme is another's speaker."""
    first = server.create_room("First", in_s=0.5)
    second = server.create_room("Second", in_s=0.5)
    with speaking(tone, first.link("host"), "--loop"):
        with listening(first.url()) as (ear,):
            ear.wait_parts(14, 20)
        url = first.url("/hls/dvr.m3u8")
        with speaking(url, second.link("host")), listening(second.url()) as (ear,):
            ear.wait(lambda it: strength(it.pcm(it.last_part - 2), TONE) > 0.5, 20, "the address")


def test_speaker_whose_link_is_withdrawn_is_out_and_told_why(server: Server, tone: Path) -> None:
    room = server.create_room("Withdrawn", in_s=0.5)
    with speaking(tone, room.link("speaker"), "--loop") as speaker, listening(room.url()) as (ear,):
        ear.wait(lambda it: strength(it.pcm(it.last_part - 2), TONE) > 0.5, 20, "the speaker")
        seat = room.links("speaker")[0]["id"]
        server.api("DELETE", f"/api/rooms/{room.id}/links/{seat}")
        assert speaker.wait(10) != 0
        assert speaker.stderr is not None
        said = speaker.stderr.read()
    assert said.startswith("stentor: ")
    assert said.count("\n") == 1
    again = subprocess.run(
        [*COMMAND, "speak", str(tone), room.link("speaker")],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert again.returncode != 0
    assert again.stderr.count("\n") == 1


def test_second_speaker_on_the_same_link_is_refused_and_the_first_stays(
    server: Server, tone: Path
) -> None:
    room = server.create_room("Twice", in_s=0.5)
    with speaking(tone, room.link("host"), "--loop") as first:
        wait_until(lambda: present(server, room), 30, "the first is there")
        second = subprocess.run(
            [*COMMAND, "speak", str(tone), room.link("host")],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert second.returncode != 0
        assert second.stderr.count("\n") == 1
        assert first.poll() is None
        assert present(server, room)


def test_speaker_ends_with_the_room(server: Server, tone: Path) -> None:
    room = server.create_room("Over", in_s=0.5)
    with speaking(tone, room.link("host"), "--loop") as speaker:
        wait_until(lambda: present(server, room), 30, "somebody is there")
        wait_until(lambda: time.time() * 1000 > room.epoch_ms + 500, 5)
        room.act("end")
        assert speaker.wait(10) == 0
        assert speaker.stdout is not None
        events = [json.loads(line)["event"] for line in speaker.stdout]
    assert events[-1] == "ended"
