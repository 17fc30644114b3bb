"""`stentor load listeners`: what it counts is what happened."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from stentor.admission.lanes import target_s
from stentor.media.grid import PART_S
from support.edge import edge_running, eventually
from support.machine import Machine
from support.programme import Tone

MARGIN_S = target_s(1) - PART_S  # by so much a part may be late before a player runs dry


def load(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from stentor.cli import main; main()", "load", "listeners"]
    return subprocess.run(
        [*command, url, *options], capture_output=True, text=True, timeout=60, check=False
    )


def found(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def test_200_listeners_hear_everything_in_time(tmp_path: Path, machine: Machine) -> None:
    with edge_running(tmp_path) as on_edge:
        epoch_ms = time.time_ns() // 1_000_000 - 40 * 320
        on_edge.programme = Tone(on_edge.feed, epoch_ms=epoch_ms)
        on_edge.on_air(40)
        with on_edge.programme.at_real_time():
            url = f"http://127.0.0.1:{on_edge.port}/r/town-hall"
            options = ("--count", "200", "--seconds", "5", "--sample", "10", "--json")
            machine.watch_anew()
            tally = found(load(url, *options))
            held_up_s = machine.held_up_s()
        assert tally["listeners"] == tally["heard"] == tally["wanted"] == 200
        assert tally["stalls"] == 0 or held_up_s > MARGIN_S
        for name in ("gaps", "refused", "lost", "broken", "differing_parts", "jumps"):
            assert tally[name] == 0, name
        assert tally["first_audio_s"]["p95"] < 3 + held_up_s
        assert 0 < tally["behind_s"]["p50"] < 4 + held_up_s
        late_parts = held_up_s / PART_S
        assert tally["parts"] > 200 * (12 - late_parts)
        assert tally["sampled_parts"] > 20 * (12 - late_parts)
        assert tally["decoded_parts"] > 12
        assert tally["undecodable_parts"] == 0
        assert on_edge.edge.counts.joined == 200


def test_programme_that_stops_is_a_stall_for_everyone(tmp_path: Path) -> None:
    with edge_running(tmp_path) as on_edge:
        on_edge.programme = Tone(on_edge.feed)
        on_edge.on_air(10)

        def publish_and_stop() -> None:
            eventually(lambda: on_edge.edge.push.listeners == 20, timeout_s=20)
            for _ in range(4):
                time.sleep(0.32)
                on_edge.programme.parts(1)

        publishing = threading.Thread(target=publish_and_stop)
        publishing.start()
        url = f"http://127.0.0.1:{on_edge.port}/r/town-hall"
        tally = found(load(url, "--count", "20", "--seconds", "4", "--json"))
        publishing.join()
        assert tally["stalled_listeners"] == 20
        assert tally["gaps"] == 0


def test_room_that_ends_is_no_loss(tmp_path: Path, machine: Machine) -> None:
    with edge_running(tmp_path) as on_edge:
        on_edge.programme = Tone(on_edge.feed)
        on_edge.on_air(10)

        def end_soon() -> None:
            with on_edge.programme.at_real_time():
                eventually(lambda: on_edge.edge.push.listeners == 10, timeout_s=20)
                on_edge.has_parts(on_edge.programme.next + 3)
            on_edge.programme.end()

        ending = threading.Thread(target=end_soon)
        ending.start()
        url = f"http://127.0.0.1:{on_edge.port}/r/town-hall"
        began = time.monotonic()
        tally = found(load(url, "--count", "10", "--seconds", "50", "--json"))
        ending.join()
        assert time.monotonic() - began < 45, "it ends with the room"
        assert (tally["listeners"], tally["lost"]) == (10, 0)
        assert tally["stalls"] == 0 or machine.held_up_s() > MARGIN_S


def test_other_machines_and_impossible_wishes_are_refused_in_one_sentence() -> None:
    for url, option in (
        ("http://192.0.2.1/r/hall", "1"),
        ("http://127.0.0.1:1/r/hall", "0"),
        ("http://127.0.0.1:1/", "1"),
    ):
        done = load(url, "--count", option, "--seconds", "1")
        assert done.returncode == 2
        assert done.stderr.startswith("stentor: ")
        assert done.stderr.count("\n") == 1


def test_nobody_there_is_said_and_is_an_error() -> None:
    done = load("http://127.0.0.1:9/r/hall", "--count", "3", "--seconds", "1")
    assert done.returncode == 4
    assert "Nobody could listen" in done.stderr
