"""Crowds of a load: how they come, wait, lose their connection and go; and who must have agreed."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stentor.admission.lanes import target_s
from stentor.base.errors import UsageError
from stentor.edge.crush import CrushAnswers
from stentor.load.consent import ask_consent
from stentor.load.target import Target, read_target
from stentor.media.grid import PART_S
from support.edge import RunningEdge, edge_running, eventually
from support.machine import watched_machine
from support.programme import Tone
from support.tls import Pair

STENTOR = [sys.executable, "-c", "from stentor.cli import main; main()"]
FINE = ("gaps", "refused", "lost", "broken", "differing_parts", "undecodable_parts")

MARGIN_S = target_s(1) - PART_S  # by so much a part may be late before a player runs dry


@contextlib.contextmanager
def on_the_air(tmp_path: Path, **settings: Any) -> Iterator[RunningEdge]:
    with edge_running(tmp_path, **settings) as edge:
        edge.programme = Tone(edge.feed, epoch_ms=time.time_ns() // 1_000_000 - 60 * 320)
        edge.on_air(60)
        with edge.programme.at_real_time():
            yield edge


def load(
    edge: RunningEdge, count: int, seconds: float, *options: str, scheme: str = "http"
) -> dict[str, Any]:
    url = f"{scheme}://127.0.0.1:{edge.port}/r/{edge.programme.room}"
    command = [*STENTOR, "load", "listeners", url, "--count", str(count)]
    with watched_machine() as machine:
        done = subprocess.run(
            [*command, "--seconds", str(seconds), "--sample", "10", "--json", *options],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures | {"held_up_s": machine.held_up_s()}


def check_all_is_fine(found: dict[str, Any]) -> None:
    assert {name: found[name] for name in FINE} == dict.fromkeys(FINE, 0)
    assert found["stalls"] == 0 or found["held_up_s"] > MARGIN_S


def test_all_who_are_cut_at_once_come_back_where_they_were(tmp_path: Path) -> None:
    with on_the_air(tmp_path) as edge:
        found = load(edge, 100, 4, "--arrivals", "rejoin", "--all-at", "2")
        assert found["cut"] == found["reconnects"] == 100
        assert found["listeners"] == 100
        check_all_is_fine(found)
        assert found["missed_parts"] == 0
        assert found["back_s"]["p95"] < 1.0 + found["held_up_s"]
        assert edge.edge.counts.joined == 200


def test_all_who_leave_at_once_are_no_loss(tmp_path: Path) -> None:
    with on_the_air(tmp_path) as edge:
        found = load(edge, 50, 20, "--arrivals", "exit", "--all-at", "2")
        assert (found["left"], found["heard"], found["lost"]) == (50, 50, 0)
        assert found["stalls"] == 0 or found["held_up_s"] > MARGIN_S


def test_slow_and_flaky_listeners_troubles_are_their_own(tmp_path: Path) -> None:
    with on_the_air(tmp_path) as edge:
        options = ("--slow", "0.2", "--flaky", "0.2", "--leaving", "0.2", "--seed", "7")
        found = load(edge, 100, 4.5, *options)
        assert found["odd_stalls"] > 0
        assert found["cut"] > 0
        assert found["left"] > 0
        check_all_is_fine(found)


def test_crowd_at_a_narrow_door_waits_in_line_and_all_are_let_in(tmp_path: Path) -> None:
    with on_the_air(tmp_path, edge_admissions_per_s_max=20, door_network_burst=1000) as edge:
        found = load(edge, 80, 7, "--ramp", "0.5")
        assert found["listeners"] == found["heard"] == 80
        assert found["waited"] > 20
        assert found["in_line"] == found["tickets_lost"] == 0
        check_all_is_fine(found)
        assert 0.5 < found["wait_s"]["max"] < 7 + found["held_up_s"]
        assert found["wait_error_s"]["p50"] < found["wait_s"]["max"]
        assert found["served_audio_s"]["p95"] < 1.0 + found["held_up_s"]


@pytest.mark.parametrize("options", [(), ("--heads",)])
def test_slow_lane_is_read_whole_whatever_the_pieces(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with on_the_air(tmp_path, edge_lane_ms_min=3840) as edge:
        found = load(edge, 60, 5, "--decode", "6", *options)
        assert (found["by_head"] > 0) == bool(options)
        assert found["lanes"] == {"3840": 60}
        check_all_is_fine(found)
        # Enough to have played all the time; when the next ones are due is by when one came.
        assert found["sampled_parts"] * PART_S > 6 * (5 - found["held_up_s"])
        assert found["decoded_parts"] == found["sampled_parts"]


def test_listeners_over_tls_are_checked_as_all_others(tmp_path: Path) -> None:
    with on_the_air(tmp_path, **Pair(tmp_path / "tls").settings) as edge:
        found = load(edge, 40, 3, "--arrivals", "rejoin", "--all-at", "1.5", scheme="https")
        assert found["listeners"] == found["heard"] == found["cut"] == 40
        check_all_is_fine(found)
        assert found["decoded_parts"] > 0


def test_advised_listeners_move_before_they_leave_and_miss_nothing(tmp_path: Path) -> None:
    with on_the_air(tmp_path) as edge:
        push = edge.edge.push

        def advise_once(_now_ns: int) -> None:
            if push.listeners == 30 and not edge.edge.counts.advised:
                for lane in tuple(push.lanes()):
                    push.advise(lane, lane.parts, 1.0, "deploy")

        edge.edge.loop.every(0.1, advise_once)
        found = load(edge, 30, 4)
        assert found["moved"] == found["listeners"] == 30
        check_all_is_fine(found)
        assert found["missed_parts"] == 0  # what both connections bring is heard once
        assert edge.edge.counts.joined == 60


def stentor(*arguments: str) -> str:
    done = subprocess.run([*STENTOR, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def challenged(edge: RunningEdge) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/load-consent?nonce=" + "0" * 32)
        return connection.getresponse().status


def test_operators_consent_is_asked_signed_and_kept_to(tmp_path: Path) -> None:
    with on_the_air(tmp_path) as edge:
        room = edge.programme.room
        target = Target("127.0.0.1", edge.port, room, "aac48", own_machine=False)
        with pytest.raises(UsageError, match="Nobody at"):
            ask_consent(target, "0" * 64, 1, 1)
        data = ("--data", str(edge.folder.root))
        secret = stentor("load", "allow", room, "--for", "1m", "--listeners", "50", *data)
        assert edge.folder.load_consent.stat().st_mode & 0o777 == 0o600
        eventually(lambda: challenged(edge) == 200)
        ask_consent(target, secret, 50, 50)
        for count, seconds, which, why in (
            (51, 10, secret, "50 listeners"),
            (50, 61, secret, "more seconds"),
            (50, 10, "0" * 64, "another secret"),
        ):
            with pytest.raises(UsageError, match=why):
                ask_consent(target, which, count, seconds)
        stentor("load", "forbid", *data)
        eventually(lambda: challenged(edge) == 404)


def test_place_elsewhere_is_no_target_without_consent() -> None:
    with pytest.raises(UsageError, match="consent of who runs it"):
        read_target("http://192.0.2.1/r/hall")
    assert not read_target("http://192.0.2.1/r/hall", consent=True).own_machine


def test_who_is_told_a_shared_place_comes_again_without_asking_for_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrushAnswers, "look", lambda crush, *_: setattr(crush, "on", True))
    with on_the_air(tmp_path) as edge:
        found = load(edge, 30, 7)
        counts = edge.edge.counts
        assert found["heard"] == counts.joined == 30
        # Who was accepted before they had said anything is served as ever.
        assert found["waited"] == counts.line_shared > 0
        assert counts.requests == 30 + counts.line_shared
        check_all_is_fine(found)
