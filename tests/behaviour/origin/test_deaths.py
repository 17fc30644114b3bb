"""Stalls and deaths, at any moment, under virtual time: no hole, nothing made twice."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stentor.base.settings import Settings
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.origin.room import Room
from stentor.rooms.orders import Orders, Phase
from stentor.rooms.state import OnAir
from support.virtual_origin import EPOCH_MS, VirtualOrigin, silences


def orders(room: str = "r", **fields: object) -> Orders:
    return Orders(**{"room": room, "revision": 1, "title": "T", "epoch_ms": EPOCH_MS, **fields})  # type: ignore[arg-type]


@pytest.fixture
def origin(tmp_path: Path) -> VirtualOrigin:
    one = VirtualOrigin(tmp_path)
    one.order(orders())
    return one


def assert_whole(origin: VirtualOrigin, room: str = "r") -> None:
    assert origin.conflicts == []
    for name in RENDITIONS:
        assert origin.recorded(room, name) == origin.published(room, name)
    assert len({len(origin.parts[room, name]) for name in RENDITIONS}) == 1


def test_stage_that_stalls_is_silence_for_as_long_and_no_longer(origin: VirtualOrigin) -> None:
    stage = origin.stage("r")
    stage.speaking = True
    origin.run(4)
    stage.speaking = False
    origin.run(1.5)
    stage.speaking = True
    origin.run(4)
    assert_whole(origin)
    (gap,) = silences(origin.heard("r"))
    assert gap == (pytest.approx(3.0, abs=0.05), pytest.approx(4.5, abs=0.05))


def test_stage_that_dies_costs_what_it_was_away(origin: VirtualOrigin) -> None:
    stage = origin.stage("r")
    stage.speaking = True
    origin.run(4)
    stage.die()
    origin.run(2)
    assert origin.states["r"][-1].on_air is OnAir.SILENCE
    stage.speaking = True
    origin.run(4)
    assert origin.states["r"][-1].on_air is OnAir.VOICES
    ((start, end),) = silences(origin.heard("r"))
    assert end - start <= 2.05


def test_frames_within_the_hold_back_are_heard_and_later_ones_are_not(
    origin: VirtualOrigin,
) -> None:
    stage = origin.stage("r")
    stage.speaking = True
    stage.delay_s = 0.09
    origin.run(5)
    assert not silences(origin.heard("r"))
    stage.delay_s = 0.5
    origin.run(3)
    stage.delay_s = 0.0
    origin.run(3)
    assert_whole(origin)
    assert origin.schedule is not None
    programme = origin.schedule.rooms["r"].programme
    assert programme is not None
    assert programme.timeline.counts.late > 50
    assert silences(origin.heard("r"))[0][0] > 3.9


def test_origin_that_dies_loses_nothing_while_the_stage_lives(origin: VirtualOrigin) -> None:
    origin.stage("r").speaking = True
    origin.run(6)
    origin.kill()
    origin.run(1.7)
    origin.start()
    origin.run(4)
    assert_whole(origin)
    for name in RENDITIONS:
        assert silences(origin.heard("r", name)) == [], name
    steps = np.abs(np.diff(origin.heard("r", "aac96").astype(np.int32)))
    assert steps.max() < 2_500  # the seam does not click: the tone's own steps are 470


def test_what_the_stage_retained_is_waited_for_while_it_is_still_coming(
    origin: VirtualOrigin,
) -> None:
    stage = origin.stage("r")
    stage.speaking = True
    origin.run(6)
    origin.kill()
    origin.run(1.2)
    origin.start(stage_after_s=0.7)  # a busy machine: the rest of it comes then
    assert origin.schedule is not None
    for count in (60, 90):
        origin.run(0.25)
        for message in list(stage.retained)[:count]:
            origin.schedule.take(message)
    origin.run(4)
    assert_whole(origin)
    assert silences(origin.heard("r")) == []


def test_origin_and_stage_that_die_together_cost_two_seconds(origin: VirtualOrigin) -> None:
    stage = origin.stage("r")
    stage.speaking = True
    origin.run(6)
    origin.kill()
    stage.die()
    origin.run(1.5)
    origin.start()
    stage.speaking = True
    origin.run(4)
    assert_whole(origin)
    ((start, end),) = silences(origin.heard("r"))
    assert end - start < 2


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lives=st.lists(
        st.tuples(st.floats(0.01, 3.0), st.floats(0.0, 2.0), st.booleans()), min_size=1, max_size=4
    ),
    torn=st.lists(st.tuples(st.sampled_from(sorted(RENDITIONS)), st.integers(0, 300)), max_size=3),
)
def test_killed_at_any_moment_it_goes_on_without_a_hole(
    tmp_path_factory: pytest.TempPathFactory,
    lives: list[tuple[float, float, bool]],
    torn: list[tuple[str, int]],
) -> None:
    origin = VirtualOrigin(tmp_path_factory.mktemp("origin"))
    origin.order(orders())
    origin.stage("r").speaking = True
    origin.run(1)
    for alive_s, dead_s, speaking in lives:
        origin.stages["r"].speaking = speaking
        origin.run(alive_s)
        origin.kill()
        for name, nbytes in torn:  # what a write leaves that was cut short
            path = origin.folder.recording("r", name)
            if path.exists():
                with path.open("ab") as file:
                    file.write(bytes(range(256))[:nbytes])
            index = origin.folder.recording_index("r", name)
            if index.exists():
                with index.open("ab") as file:
                    file.write(b"\1" * (nbytes % 8))
        origin.run(dead_s)
        origin.start()
    origin.run(2)
    assert_whole(origin)
    expected = int((origin.now_s - 0.13) / 0.32)
    assert len(origin.parts["r", "aac48"]) >= expected
    origin.heard("r")  # every part decodes to 15,360 samples


def test_a_dead_origin_s_successor_gives_late_subscribers_the_window(
    origin: VirtualOrigin,
) -> None:
    origin.run(40)
    origin.kill()
    origin.start()
    origin.tick()
    replayed = [m for m in origin.window.replay() if m.rendition == "opus24"]
    numbers = [m.sequence for m in replayed[1:]]
    assert len(numbers) >= 96 - 1
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers))


def test_ten_minutes_without_an_origin_are_filled_at_once(origin: VirtualOrigin) -> None:
    origin.stage("r").speaking = True
    origin.run(3)
    origin.kill()
    origin.stages["r"].die()
    origin.clock.advance(600)
    origin.start()
    started = time.process_time()
    origin.run(1)
    took_s = time.process_time() - started
    assert_whole(origin)
    assert len(origin.parts["r", "aac48"]) >= 600 / 0.32
    assert took_s < 6.0, took_s  # of one processor, of any age; ten minutes are 600
    assert origin.heard("r").size > 600 * 48_000


def test_a_hole_beyond_the_bound_gives_the_room_up_and_says_so(tmp_path: Path) -> None:
    origin = VirtualOrigin(tmp_path, Settings(backfill_max_s=60))
    origin.order(orders())
    origin.run(4)
    parts = len(origin.parts["r", "aac48"])
    origin.kill()
    origin.clock.advance(90)
    origin.start()
    origin.run(1)
    last = origin.states["r"][-1]
    assert (last.phase, last.end_samples) == (Phase.ENDED, parts * PART_SAMPLES)
    assert origin.recorded("r") == origin.published("r")


def test_an_origin_that_was_stopped_for_a_while_catches_up(origin: VirtualOrigin) -> None:
    origin.run(3)
    origin.clock.advance(30)  # SIGSTOP, SIGCONT
    origin.run(2)
    assert_whole(origin)
    assert len(origin.parts["r", "aac48"]) >= int(33.85 / 0.32)


def test_room_that_ended_while_the_origin_was_dead_is_filled_up_to_its_end(
    origin: VirtualOrigin,
) -> None:
    origin.stage("r").speaking = True
    origin.run(4)
    origin.kill()
    origin.order(orders(revision=2, end_ms=EPOCH_MS + 4_000))
    origin.run(2)
    origin.start()
    origin.run(1)
    assert_whole(origin)
    assert len(origin.parts["r", "aac48"]) == 13
    assert origin.states["r"][-1].end_samples == 13 * PART_SAMPLES
    assert origin.ends["r", "aac48"] == 13
    gaps = silences(origin.heard("r"))
    assert not [gap for gap in gaps if gap[0] < 3.9]  # what the stage retained is in it


def test_ended_room_is_known_after_a_restart_from_its_files_alone(origin: VirtualOrigin) -> None:
    origin.order(orders(revision=2, end_ms=EPOCH_MS + 2_000))
    origin.run(5)
    told = origin.states["r"][-1]
    before = origin.recorded("r")
    origin.kill()
    origin.start()
    origin.run(1)
    again = origin.states["r"][-1]
    assert (again.phase, again.end_samples) == (told.phase, told.end_samples)
    assert again.revision > told.revision
    assert origin.recorded("r") == before
    assert {m.kind.name for m in origin.window.replay()} == {"STATE"}


def test_end_of_a_recording_that_a_power_cut_took_is_filled_up(origin: VirtualOrigin) -> None:
    origin.order(orders(revision=2, end_ms=EPOCH_MS + 6_000))
    origin.run(8)
    whole = len(origin.recorded("r"))
    origin.kill()
    path = origin.folder.recording("r", "aac48")
    with path.open("r+b") as file:
        file.truncate(whole - 1_000)
    index = origin.folder.recording_index("r", "aac48")
    with index.open("r+b") as file:
        file.truncate(index.stat().st_size - 8 * 4)
    origin.parts.clear()  # the edges lost power too
    origin.clock.advance(3_600)
    origin.start()
    origin.run(1)
    assert_whole(origin)
    assert len(origin.parts["r", "aac48"]) == origin.ends["r", "aac48"] == 19
    assert origin.states["r"][-1].end_samples == 19 * PART_SAMPLES


def test_a_disk_that_hangs_holds_up_no_part_for_long_and_gets_everything_later(
    origin: VirtualOrigin,
) -> None:
    origin.stage("r").speaking = True
    origin.run(4)
    origin.disk_hangs = True
    origin.run(6)
    late = [
        at - (m.sequence + 1) * 0.32 for at, m in origin.events if m.kind is Kind.PART and at > 3.2
    ]
    assert max(late) < 0.3  # for a second; then the disk is known to hang, and not waited for
    assert max(late[-12:]) < 0.03
    assert origin.states["r"][-1].recording is False
    origin.disk_hangs = False
    origin.run(3)
    assert origin.states["r"][-1].recording is True
    assert_whole(origin)
    assert silences(origin.heard("r")) == []


def test_no_part_is_published_that_is_not_in_the_file_while_the_disk_works(
    origin: VirtualOrigin,
) -> None:
    origin.stage("r").speaking = True
    published = VirtualOrigin._publish

    def checked(self: VirtualOrigin, message: Message) -> None:
        if message.kind is Kind.PART:
            assert origin.recorded("r", message.rendition).endswith(message.payload)
        published(self, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VirtualOrigin, "_publish", checked)
        origin.kill()
        origin.start()
        origin.run(4)
    assert len(origin.parts["r", "aac48"]) >= 9


def test_a_room_in_which_something_fails_is_begun_again_and_no_other_notices(
    origin: VirtualOrigin,
) -> None:
    origin.order(orders("other"))
    for room in ("r", "other"):
        origin.stage(room).speaking = True
    origin.run(4)
    assert origin.schedule is not None
    programme = origin.schedule.rooms["r"].programme
    assert programme is not None
    programme._encoders["aac96"] = None  # type: ignore[assignment]
    origin.run(0.5)
    assert "r" not in origin.schedule.rooms
    origin.order(orders(revision=2, title="Another title"))
    origin.run(5)
    for room in ("r", "other"):
        assert_whole(origin, room)
        assert len(origin.parts[room, "aac48"]) >= int((origin.now_s - 0.13) / 0.32)
    assert silences(origin.heard("other")) == []
    gaps = silences(origin.heard("r"))
    assert sum(end - start for start, end in gaps) < 1.6
    assert origin.states["r"][-1].title == "Another title"


def test_a_room_that_fails_each_time_is_tried_ever_more_rarely(origin: VirtualOrigin) -> None:
    began: list[float] = []

    def fail(*_: object) -> None:
        began.append(origin.now_s)
        raise RuntimeError("a fault of ours")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stentor.origin.room.Programme", fail)
        origin.run(10)
    assert np.diff(began) == pytest.approx([1, 2, 4], abs=0.1)
    origin.run(10)
    assert len(origin.parts["r", "aac48"]) >= int((origin.now_s - 0.13) / 0.32)


def test_a_thousand_rooms_that_wait_cost_next_to_nothing_and_start_on_time(
    tmp_path: Path,
) -> None:
    origin = VirtualOrigin(tmp_path)
    for number in range(1_000):
        origin.order(orders(f"room-{number}", epoch_ms=EPOCH_MS + 60_000 * (number + 1)))
    origin.run(0.1)
    looked = 0
    told = Room._tell

    def counted(room: Room, now_ns: int) -> None:
        nonlocal looked
        looked += 1
        told(room, now_ns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Room, "_tell", counted)
        origin.run(2)
        assert looked <= 2 * 1_100
    origin.clock.advance(57.8)
    origin.run(1.7)
    (first,) = [at for at, m in origin.events if m.kind is Kind.PART and m.rendition == "opus24"]
    assert first < 60 + 0.32 + 0.15
