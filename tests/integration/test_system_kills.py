"""The kill matrix: `kill -9` each part during a conversation, and see who notices."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from stentor.media.grid import PART_S, PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from support.listeners import Ear, listening
from support.machine import Machine
from support.programs import program
from support.server import RoomMade, Server, serving, wait_until
from support.voices import Pcm, silent_windows, speaking, strength, tone_file

A, B = 440.0, 1_250.0
LOSS_S_MAX = 2.0
HICCUP_S = 1.0  # of packets that come too late though the machine holds nothing up
PLAYER_BUFFER_S = 1.28  # what a listener is given on joining: four parts


@dataclass
class Conversation:
    server: Server
    room: RoomMade
    machine: Machine
    push: list[Ear]
    hls: list[Ear]

    @property
    def ears(self) -> list[Ear]:
        return self.push + self.hls

    def go_on(self, parts: int) -> None:
        """Let everybody hear so many more parts."""
        wanted = [(ear, len(ear.parts) + parts) for ear in self.ears]
        for ear, count in wanted:
            ear.wait_parts(count)

    def end(self) -> None:
        self.room.act("end")
        for ear in self.ears:
            ear.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all: no part dies here as often as makes its supervisor wait (AT_ONCE_MAX)."""
    with serving(tmp_path_factory.mktemp("kills"), edges=2) as one:
        yield one


@pytest.fixture
def conversation(server: Server, tmp_path: Path, machine: Machine) -> Iterator[Conversation]:
    tones = tone_file(tmp_path / "a.wav", A), tone_file(tmp_path / "b.wav", B)
    with ExitStack() as stack:
        server.wait_spares()
        room = server.create_room("Conversation", in_s=1.5)
        stack.enter_context(speaking(tones[0], room.link("host"), "--loop"))
        stack.enter_context(speaking(tones[1], room.link("speaker"), "--loop"))
        push = stack.enter_context(listening(room.url(), count=8))
        hls = stack.enter_context(listening(room.url(), hls=True))
        machine.watch_anew()
        one = Conversation(server, room, machine, push, hls)
        for ear in one.push:
            ear.wait(lambda it: strength(it.pcm(it.last_part - 2), B) > 0.2, 15, "voices are heard")
        one.go_on(6)
        yield one


def check_recordings(one: Conversation) -> dict[str, Pcm]:
    """Every rendition is one valid file, complete, which FFmpeg decodes without a word."""
    decoded: dict[str, Pcm] = {}
    lengths = set()
    for rendition in RENDITIONS:
        path = one.room.recording(rendition)
        done = subprocess.run(
            [program("ffmpeg"), "-v", "warning", "-xerror", "-i", str(path), "-f", "s16le", "-"],
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == b""
        decoded[rendition] = np.frombuffer(done.stdout, np.int16)
        probe = subprocess.run(
            [program("ffprobe"), "-v", "error", "-show_entries", "packet=pts", "-of", "json",
             str(path)],
            capture_output=True, timeout=60,
        )  # fmt: skip
        times = [packet["pts"] for packet in json.loads(probe.stdout)["packets"]]
        step = RENDITIONS[rendition].codec.frame_samples
        assert times == list(range(0, len(times) * step, step)), "a hole in the recording"
        lengths.add(len(times) * step)
    assert len(lengths) == 1
    (length,) = lengths
    assert length % PART_SAMPLES == 0
    assert length // PART_SAMPLES >= max(ear.last_part for ear in one.ears) + 1
    return decoded


def lost_s(pcm: Pcm, before_part: int) -> float:
    """Return how much of the tones is missing, from a part on at which both were there."""
    windows = silent_windows(pcm[before_part * PART_SAMPLES :][: -PART_SAMPLES * 2])
    return float(windows.sum()) * 0.02


def test_nobody_notices_when_control_dies(conversation: Conversation) -> None:
    one = conversation
    old = one.server.kill("control")
    one.go_on(8)
    one.server.wait_restarted("control", old)
    wait_until(lambda: _answers(one), 10, "control answers again")
    one.end()
    for ear in one.ears:
        assert ear.findings.gaps == ear.findings.jumps == 0
        assert ear.findings.connections == 1
    assert all(ear.smooth for ear in one.push)
    for pcm in check_recordings(one).values():
        assert lost_s(pcm, 12) <= HICCUP_S + one.machine.held_up_s()


def test_listeners_of_an_edge_that_dies_are_back_within_their_buffer(
    conversation: Conversation,
) -> None:
    one = conversation
    old = one.server.kill("edge-0")
    one.go_on(10)
    one.server.wait_restarted("edge-0", old)
    one.end()
    returned = [ear for ear in one.push if ear.findings.connections > 1]
    stayed = [ear for ear in one.push if ear.findings.connections == 1]
    for ear in stayed:
        assert ear.findings.gaps == 0
        assert ear.smooth
    for ear in returned:
        assert ear.findings.gaps == 0
        assert ear.findings.stalled_s < PLAYER_BUFFER_S + ear.held_up_s
    assert all(ear.findings.gaps == 0 for ear in one.hls)
    check_recordings(one)


def test_recording_is_whole_when_all_edges_die(conversation: Conversation) -> None:
    one = conversation
    at = one.push[0].last_part
    for edge in ("edge-0", "edge-1"):
        one.server.kill(edge)
    one.go_on(8)
    one.end()
    for ear in one.ears:
        assert ear.error is None
        assert ear.last_part > at + 8
    for pcm in check_recordings(one).values():
        assert lost_s(pcm, at) <= HICCUP_S + one.machine.held_up_s()


@pytest.mark.parametrize("part", ["stage", "origin"])
def test_death_costs_at_most_two_seconds_of_programme(
    conversation: Conversation, part: str
) -> None:
    one = conversation
    at = one.push[0].last_part
    old = one.server.kill(part)
    one.server.wait_restarted(part, old, 3)
    one.go_on(20)
    one.end()
    for ear in one.push:
        assert (ear.findings.gaps, ear.findings.undecodable) == (0, 0)
        after = ear.pcm(at + round(LOSS_S_MAX / PART_S) + 3, at + 18)
        assert strength(after, A) > 0.2
        assert strength(after, B) > 0.2
        assert lost_s(ear.pcm(at, at + 18), 0) <= LOSS_S_MAX + one.machine.held_up_s()
        assert ear.findings.connections == 1
    assert all(ear.findings.gaps == 0 for ear in one.hls)
    for pcm in check_recordings(one).values():
        assert lost_s(pcm[: (at + 18) * PART_SAMPLES], at) <= LOSS_S_MAX + one.machine.held_up_s()


def test_conversation_survives_every_part_dying_in_turn(conversation: Conversation) -> None:
    one = conversation
    for part in ("stage", "control", "origin", "edge-0", "edge-1"):
        old = one.server.kill(part)
        one.server.wait_restarted(part, old)
        one.go_on(6)
    time.sleep(1)
    one.end()
    for ear in one.ears:
        assert ear.error is None
    for pcm in check_recordings(one).values():
        assert lost_s(pcm, 12) <= 2 * LOSS_S_MAX + one.machine.held_up_s()


def test_conversation_goes_on_when_the_whole_server_was_killed_and_started_again(
    conversation: Conversation,
) -> None:
    one = conversation
    pids = [facts["pid"] for facts in one.server.parts().values()]
    assert one.server.process is not None
    one.server.process.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 15, "all is gone")
    one.server.stop()
    one.server.start()
    one.go_on(12)
    one.end()
    for ear in one.ears:
        assert ear.error is None
    for ear in one.push:
        assert strength(ear.pcm(ear.last_part - 5), B) > 0.2, "speakers are back by themselves"
    check_recordings(one)


def _answers(one: Conversation) -> bool:
    try:
        return bool(one.server.api("GET", f"/api/rooms/{one.room.id}"))
    except httpx.TransportError:
        return False
