"""The hour: on the air within one second of it, whoever is late, however many wait."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from stentor.media.grid import PART_S
from stentor.rooms.state import OnAir
from support.listeners import listening
from support.machine import Machine
from support.server import COMMAND, Server, serving, wait_until
from support.voices import speaking, strength, tone_file

TONE = 700.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with serving(tmp_path_factory.mktemp("hour")) as one:
        yield one


def test_programme_starts_on_the_hour_with_the_first_speaker_ten_seconds_late(
    server: Server, tmp_path: Path
) -> None:
    tone = tone_file(tmp_path / "tone.wav", TONE)
    room = server.create_room("On the hour", in_s=6)
    hour_ns = room.epoch_ms * 1_000_000
    with listening(room.url(), count=3) as ears, listening(room.url(), hls=True) as shelf:
        for ear in (*ears, *shelf):
            ear.wait(lambda one: one.states, 5, "a listener waits")
            assert ear.parts == {}
        for ear in (*ears, *shelf):
            ear.wait_parts(1, 12)
        for ear in ears:
            assert ear.findings.first_part == 0
            assert 0 < ear.arrived_ns[0] - hour_ns < (1 + ears[0].held_up_s) * 1e9
        after_ns = shelf[0].arrived_ns[min(shelf[0].parts)] - hour_ns
        assert after_ns < (3 + shelf[0].held_up_s) * 1e9
        time.sleep(max(0.0, room.epoch_ms / 1000 + 10 - time.time()))
        with speaking(tone, room.link("host"), "--loop"):
            for ear in ears:
                ear.wait(lambda one: strength(one.pcm(one.last_part - 2), TONE) > 0.5, 8, "heard")
                ear.wait_more(6)
            heard_after_s = time.time() - room.epoch_ms / 1000
    for ear in ears:
        found = ear.findings
        assert (found.gaps, found.jumps) == (0, 0)
        assert ear.smooth
        assert 10 - 2 <= found.silent_s <= heard_after_s  # nobody spoke, and none was cut off
        assert found.behind_s_max is not None
        assert found.behind_s_max < 1.0 + ear.held_up_s
        seen = [state.on_air for state in ear.states]
        assert seen.index(OnAir.SILENCE) < seen.index(OnAir.VOICES)


def test_host_who_starts_early_is_heard_within_a_second_or_two(
    server: Server, tmp_path: Path, machine: Machine
) -> None:
    tone = tone_file(tmp_path / "tone.wav", TONE)
    room = server.create_room("Early", in_s=3600)
    with (
        speaking(tone, room.link("host"), "--loop"),
        listening(room.url()) as (ear,),
    ):
        ear.wait(lambda one: one.states, 5, "a listener waits")
        machine.watch_anew()
        began = time.monotonic()
        room.act("start")
        ear.wait_parts(1, 5)
        assert time.monotonic() - began < 2.0 + machine.held_up_s()
        ear.wait(lambda one: strength(one.pcm(), TONE) > 0.3, 6, "the host is heard")
        assert ear.findings.first_part == 0
        room.act("end")
        ear.join(5)
    assert ear.states[-1].phase == "ended"


def test_two_thousand_who_wait_for_the_hour_all_hear_within_three_seconds_of_it(
    server: Server, tmp_path: Path, machine: Machine
) -> None:
    count, waits_s, hears_s = 2_000, 10, 8
    room = server.create_room("Two thousand", in_s=waits_s)
    load = subprocess.Popen(
        [*COMMAND, "load", "listeners", room.url(), "--count", str(count), "--ramp", "4",
         "--seconds", str(waits_s + hears_s), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    path = f"/api/rooms/{room.id}/audience"
    wait_until(lambda: server.api("GET", path)["waiting"] == count, waits_s, "all of them wait")
    assert time.time() < room.epoch_ms / 1000
    machine.watch_anew()
    said, complained = load.communicate(timeout=60)
    assert load.returncode == 0, complained
    found = json.loads(said)
    assert found["heard"] == found["listeners"] == count
    assert found["after_hour_s"]["max"] < 3.0 + machine.held_up_s()
    assert (found["gaps"], found["lost"], found["broken"]) == (0, 0, 0)
    assert (found["differing_parts"], found["undecodable_parts"]) == (0, 0)


def test_room_that_nobody_speaks_in_is_whole_all_the_same(server: Server) -> None:
    room = server.create_room("Nobody", in_s=1.5)
    with listening(room.url()) as (ear,):
        ear.wait_parts(10, 15)
        room.act("end")
        ear.join(5)
    assert ear.findings.gaps == 0
    assert ear.findings.silent_s == pytest.approx(len(ear.parts) * PART_S)
    index = server.folder.recording_index(room.id, "aac48").read_bytes()
    assert len(index) // 8 in (ear.last_part + 1, ear.last_part + 2)
