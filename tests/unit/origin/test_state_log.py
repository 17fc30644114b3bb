"""The log of a room's states: bounded, the end always in it, and of no matter to the programme."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stentor.base.paths import DataFolder
from stentor.codecs.encode import SilentParts
from stentor.media.renditions import RENDITIONS
from stentor.origin import state_log as state_log_module
from stentor.origin.past import load_states
from stentor.origin.recorder import RoomRecorder
from stentor.origin.state_log import StateLog
from stentor.rooms.orders import Phase, Role
from stentor.rooms.state import OnAir, Present, RoomState

LIMIT = 8 * 1024
QUIET = RoomState(
    room="r",
    revision=0,
    title="T",
    phase=Phase.LIVE,
    epoch_ms=1,
    sample_index=0,
    on_air=OnAir.VOICES,
    stage=(Present("s", "Ada", Role.HOST),),
)


def state(number: int, *, speaking: bool = False, title: str = "T") -> RoomState:
    stage = (Present("s", "Ada", Role.HOST, speaking=speaking),)
    return msgspec.structs.replace(QUIET, revision=number, stage=stage, title=title)


def say(log: StateLog, numbers: range) -> None:
    for number in numbers:
        log.note(state(number, speaking=number % 2 == 0))
        assert log.write()


def test_states_are_read_back_as_they_were_noted(tmp_path: Path) -> None:
    log = StateLog(tmp_path / "r" / "states.jsonl", LIMIT)
    noted = [state(1), state(2, speaking=True), state(3, title="U")]
    for one in noted:
        log.note(one)
    assert log.waits
    assert log.write()
    assert not log.waits
    assert load_states(tmp_path / "r" / "states.jsonl", LIMIT) == noted
    assert log.left_out == 0


def test_who_speaks_is_left_out_first_then_everything_but_the_end(tmp_path: Path) -> None:
    path = tmp_path / "states.jsonl"
    log = StateLog(path, LIMIT)
    say(log, range(100))
    assert LIMIT * 0.7 < path.stat().st_size <= LIMIT * 0.75
    left_out, kept = log.left_out, len(load_states(path, LIMIT))
    assert kept + left_out == 100
    log.note(state(100, title="U"))
    assert log.write()
    assert load_states(path, LIMIT)[-1].title == "U"
    for number in range(101, 200):
        log.note(state(number, title=str(number)))
        assert log.write()
    assert LIMIT * 0.9 < path.stat().st_size <= LIMIT
    assert log.left_out > left_out + 50
    log.note(msgspec.structs.replace(QUIET, phase=Phase.ENDED, end_samples=5))
    assert log.write()
    assert load_states(path, 2 * LIMIT)[-1].phase is Phase.ENDED


def test_limit_holds_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "states.jsonl"
    for _ in range(5):
        log = StateLog(path, LIMIT)
        say(log, range(100))
    assert path.stat().st_size <= LIMIT


def test_what_waits_for_a_disk_is_bounded_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_log_module, "_LINES_MAX", 10)
    path = tmp_path / "states.jsonl"
    path.mkdir()  # what cannot be written to
    log = StateLog(path, LIMIT)
    for number in range(25):
        log.note(state(number))
        assert not log.write()
    assert log.left_out == 15
    path.rmdir()
    assert log.write()
    assert [one.revision for one in load_states(path, LIMIT)] == list(range(15, 25))


def test_state_log_that_cannot_be_written_is_of_no_matter_to_the_programme(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.state_log("r").mkdir(parents=True)
    silent = {"opus24": SilentParts(RENDITIONS["opus24"])}
    recorder = RoomRecorder(folder, "r", silent, 1 << 20, LIMIT)
    for number in range(5):
        recorder.note_state(state(number))
        recorder.append("opus24", [silent["opus24"].part(number)])
        assert recorder.has("opus24", number)
    recorder.look(10**10)
    assert not recorder.behind
    assert recorder.first_error() is None
    assert recorder.errors > 0
    recorder.close()
