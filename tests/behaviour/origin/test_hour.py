"""The hour, the first word and the end, under virtual time."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from stentor.base.settings import Settings
from stentor.feed.wire import Kind
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.origin import recording
from stentor.rooms.orders import Orders, Phase, Role
from stentor.rooms.state import OnAir, Present, StageState
from support.virtual_origin import EPOCH_MS, VirtualOrigin, silences, tone


def orders(room: str = "r", **fields: object) -> Orders:
    return Orders(**{"room": room, "revision": 1, "title": "T", "epoch_ms": EPOCH_MS, **fields})  # type: ignore[arg-type]


@pytest.fixture
def origin(tmp_path: Path) -> VirtualOrigin:
    return VirtualOrigin(tmp_path)


def test_programme_runs_from_the_hour_to_the_sample_with_nobody_there(
    origin: VirtualOrigin,
) -> None:
    origin.order(orders())
    origin.run(0.99)
    assert not [m for _, m in origin.events if m.kind is Kind.PART]
    origin.run(10.02)
    firsts = [at for at, m in origin.events if m.kind is Kind.PART and m.sequence == 0]
    assert len(firsts) == 3
    assert max(firsts) <= 0.32 + 0.15
    for name in RENDITIONS:
        assert len(origin.parts["r", name]) == int((10 - 0.12) / 0.32)
        assert np.abs(origin.heard("r", name)).max() < 5
        assert origin.recorded("r", name) == origin.published("r", name)


def test_parts_leave_in_time_and_at_their_pace(origin: VirtualOrigin) -> None:
    origin.order(orders())
    stage = origin.stage("r")
    stage.speaking = True
    origin.run(11)
    for at, message in origin.events:
        if message.kind is Kind.PART:
            due = (message.sequence + 1) * 0.32
            assert -0.025 < at - due < 0.025, message.sequence  # nothing waits for what is there


def test_inits_and_state_are_there_an_hour_before(tmp_path: Path) -> None:
    origin = VirtualOrigin(tmp_path, Settings(doors_open_s=20))
    origin.order(orders(epoch_ms=EPOCH_MS + 40_000))
    origin.run(19)
    assert origin.states["r"][0].phase is Phase.SCHEDULED
    assert len(origin.states["r"]) == 1
    assert not origin.inits
    origin.run(4)
    assert set(origin.inits) == {("r", name) for name in RENDITIONS}
    before = len(origin.states["r"])
    origin.run(15)
    assert len(origin.states["r"]) - before >= 1  # a heartbeat keeps waiting connections alive


def test_heartbeats_come_at_least_every_ten_seconds_while_live(origin: VirtualOrigin) -> None:
    origin.order(orders())
    origin.run(40)
    told = [at for at, m in origin.events if m.kind is Kind.STATE]
    assert max(np.diff(told)) <= 10.1
    revisions = [state.revision for state in origin.states["r"]]
    assert revisions == sorted(revisions)


def test_hold_tune_plays_until_the_first_word_and_never_again(origin: VirtualOrigin) -> None:
    hold = origin.folder.hold("r")
    hold.parent.mkdir(parents=True)
    places = np.arange(48_000)
    tune = (3_000 * np.sin(2 * np.pi * 1_000 * places / 48_000)).astype(np.int16)
    hold.write_bytes(tune.tobytes())
    origin.order(orders(hold=True))
    stage = origin.stage("r")
    origin.run(11)  # the first speaker is ten seconds late
    assert origin.states["r"][-1].on_air is OnAir.HOLD
    stage.speaking = True
    origin.run(5)
    assert origin.states["r"][-1].on_air is OnAir.VOICES
    stage.speaking = False
    origin.run(3)
    assert origin.states["r"][-1].on_air is OnAir.SILENCE
    pcm = origin.heard("r").astype(np.float64)

    def share(start_s: float, end_s: float, hertz: float) -> float:
        piece = pcm[int(start_s * 48_000) : int(end_s * 48_000)]
        wave = np.exp(-2j * np.pi * hertz * np.arange(piece.size) / 48_000)
        return float(2 * np.abs(np.mean(piece * wave)))

    assert share(0.5, 9.5, 1_000) == pytest.approx(3_000, rel=0.1)
    assert share(10.6, 14.5, 1_000) < 30
    assert share(10.1, 14.5, 400) == pytest.approx(9_000, rel=0.1)
    assert not [gap for gap in silences(pcm) if gap[0] < 14.9]  # the tune hands over, no hole
    assert share(16, 17.5, 1_000) < 5
    assert share(16, 17.5, 400) < 5


def test_programme_ends_at_a_part_boundary_and_whoever_asks_is_told(origin: VirtualOrigin) -> None:
    origin.order(orders(end_ms=EPOCH_MS + 5_000))
    origin.stage("r").speaking = True
    origin.run(7)
    parts = -(-5 * 48_000 // PART_SAMPLES)
    last = origin.states["r"][-1]
    assert (last.phase, last.end_samples) == (Phase.ENDED, parts * PART_SAMPLES)
    for name in RENDITIONS:
        assert origin.ends["r", name] == parts
        assert len(origin.parts["r", name]) == parts
        assert origin.recorded("r", name) == origin.published("r", name)
    assert np.abs(origin.heard("r", "opus24")[5 * 48_000 + 960 :]).max() < 500  # nothing after
    kinds = [m.kind for _, m in origin.events]
    ended_at = max(n for n, (_, m) in enumerate(origin.events) if m.kind is Kind.STATE)
    assert ended_at < kinds.index(Kind.END)  # listeners hear why before the stream ends


def test_media_of_an_ended_room_leave_the_window_and_its_state_stays(origin: VirtualOrigin) -> None:
    origin.order(orders(end_ms=EPOCH_MS + 2_000))
    origin.run(10)
    assert {m.kind for m in origin.window.replay()} == {Kind.STATE, Kind.INIT, Kind.PART, Kind.END}
    origin.run(30)
    assert {m.kind for m in origin.window.replay()} == {Kind.STATE}


def test_room_called_off_before_the_hour_never_ran(origin: VirtualOrigin) -> None:
    origin.order(orders())
    origin.run(0.5)
    origin.order(orders(revision=2, end_ms=EPOCH_MS - 400))
    origin.run(3)
    assert origin.states["r"][-1].phase is Phase.ENDED
    assert origin.states["r"][-1].end_samples == 0
    assert not origin.parts
    assert not origin.folder.recording("r", "aac48").exists()


def test_room_is_moved_while_it_waits_and_stays_once_it_runs(origin: VirtualOrigin) -> None:
    origin.order(orders())
    origin.run(0.5)
    origin.order(orders(revision=2, epoch_ms=EPOCH_MS + 2_000))
    origin.run(2.4)
    assert not origin.parts
    origin.run(2)
    assert origin.parts
    origin.order(orders(revision=3, epoch_ms=EPOCH_MS + 60_000))
    origin.run(2)
    assert origin.states["r"][-1].epoch_ms == EPOCH_MS + 2_000
    assert origin.recorded("r") == origin.published("r")
    assert len(origin.parts["r", "aac48"]) >= 5


def test_room_ends_by_itself_after_the_longest_time(tmp_path: Path) -> None:
    origin = VirtualOrigin(tmp_path, Settings(room_duration_max_s=60))
    origin.order(orders())
    origin.run(63)
    assert origin.states["r"][-1].phase is Phase.ENDED
    assert len(origin.parts["r", "aac48"]) == -(-60 * 48_000 // PART_SAMPLES)


def test_room_beyond_the_limit_waits_and_then_starts_whole(tmp_path: Path) -> None:
    origin = VirtualOrigin(tmp_path, Settings(live_rooms_max=1))
    origin.order(orders("first", end_ms=EPOCH_MS + 3_000))
    origin.order(orders("second"))
    origin.run(3)
    assert {room for room, _ in origin.parts} == {"first"}
    assert origin.states["second"][-1].phase is Phase.SCHEDULED
    origin.run(3)
    assert origin.states["second"][-1].phase is Phase.LIVE
    assert origin.published("second")


def test_who_waits_in_the_green_room_is_not_told(origin: VirtualOrigin) -> None:
    present = Present("s", "Ada", Role.HOST, speaking=True)
    origin.order(orders())
    origin.run(0.1)
    origin.tell(StageState("r", (present,)))
    origin.run(0.5)
    assert origin.states["r"][-1].stage == ()
    origin.run(2)
    assert origin.states["r"][-1].stage == (present,)


def test_who_was_on_a_stage_that_died_is_away_and_comes_back(origin: VirtualOrigin) -> None:
    present = Present("s", "Ada", Role.HOST, speaking=True)
    origin.order(orders())
    origin.run(1.5)
    origin.tell(StageState("r", (present,)))
    origin.run(1)
    assert origin.schedule is not None
    origin.schedule.lose_stage(origin.clock.now_ns())
    origin.run(0.5)
    assert not origin.states["r"][-1].stage[0].away  # a spare stage is back by now
    origin.run(1)
    assert origin.states["r"][-1].stage[0].away
    assert not origin.states["r"][-1].stage[0].speaking
    origin.schedule.find_stage()
    origin.tell(StageState("r", (present,)))
    origin.run(1)
    assert origin.states["r"][-1].stage == (present,)


def test_state_that_changes_fast_is_told_five_times_a_second_at_most(origin: VirtualOrigin) -> None:
    origin.order(orders())
    origin.run(1.5)
    before = len(origin.states["r"])
    for n in range(200):
        origin.tell(StageState("r", (Present("s", "Ada", Role.HOST, speaking=n % 2 == 0),)))
        origin.run(0.01)
    assert 8 <= len(origin.states["r"]) - before <= 11


def test_several_rooms_share_an_origin_and_each_is_whole(origin: VirtualOrigin) -> None:
    for n in range(4):
        origin.order(orders(f"room-{n}", epoch_ms=EPOCH_MS + 130 * n))
        origin.stage(f"room-{n}", tone).speaking = n % 2 == 0
    origin.run(5)
    for n in range(4):
        for name in RENDITIONS:
            assert origin.recorded(f"room-{n}", name) == origin.published(f"room-{n}", name)
        assert bool(silences(origin.heard(f"room-{n}"))) == bool(n % 2)


def test_memory_for_a_full_disk_is_one_limit_for_all_rooms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 1024 * 1024
    origin = VirtualOrigin(tmp_path, Settings(recording_pending_bytes_max=limit))
    for room in ("a", "b", "c"):
        origin.order(orders(room))
        origin.stage(room).speaking = True
    origin.run(2)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recording.os, "pwrite", full)
    origin.run(30)
    assert origin.schedule is not None
    recorders = [room.recorder for room in origin.schedule.rooms.values()]
    assert sum(one.pending_bytes for one in recorders if one) <= limit
    assert sum(one.lost_parts for one in recorders if one) > 0
    assert not origin.states["a"][-1].recording
    monkeypatch.undo()
    origin.run(2)
    assert origin.states["a"][-1].recording
    for room in ("a", "b", "c"):
        for name in RENDITIONS:
            assert len(origin.parts[room, name]) >= int(32.8 / 0.32)  # nobody missed anything
            with av.open(str(origin.folder.recording(room, name))) as container:
                samples = sum(frame.samples for frame in container.decode(audio=0))
            assert samples == len(origin.parts[room, name]) * PART_SAMPLES
