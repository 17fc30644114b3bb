"""Recordings that take long to take up: live rooms come first, and none waits for another's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stentor.base.settings import Settings
from stentor.feed.window import Window
from stentor.media.renditions import RENDITIONS
from stentor.origin.house import House
from stentor.origin.room import WINDOW_PARTS, Life
from stentor.origin.schedule import Schedule
from stentor.rooms.orders import Orders, Phase
from stentor.rooms.state import RoomState, encode_state
from support.virtual_origin import EPOCH_MS, VirtualOrigin, silent_parts

TICK_MS = 20


class SlowFiles:
    """An origin's schedule; what takes long is done when the test says so."""

    def __init__(self, root: Path) -> None:
        self.origin = VirtualOrigin(root)
        self.origin.kill()
        self.apart: list[Callable[[], None]] = []
        self.now_ms = EPOCH_MS
        self.schedule = Schedule(
            House(
                Settings(data=str(root)),
                self.origin.folder,
                silent_parts(),
                self.origin._publish,
                Window(WINDOW_PARTS).retire,
                submit_apart=self.apart.append,
            )
        )

    def order(self, *orders: Orders) -> None:
        self.schedule.apply(orders, self.now_ms * 1_000_000)

    def run(self, ms: int) -> None:
        for _ in range(ms // TICK_MS):
            while self.schedule.tick(self.now_ms * 1_000_000):
                pass
            self.now_ms += TICK_MS

    def life(self, room: str) -> Life:
        return self.schedule.rooms[room].life

    def put_ended(self, room: str, *, whole: bool) -> Orders:
        folder, parts = self.origin.folder, 3
        epoch_ms = EPOCH_MS - 3_600_000
        state = RoomState(room, room, Phase.ENDED, epoch_ms, end_samples=parts * 15_360)
        folder.state_log(room).parent.mkdir(parents=True)
        folder.state_log(room).write_bytes(encode_state(state) + b"\n")
        for name in RENDITIONS:
            folder.recording(room, name).write_bytes(silent_parts()[name].init)
            folder.recording_index(room, name).write_bytes(bytes(8 * parts if whole else 0))
        return Orders(room, 1, room, epoch_ms, end_ms=epoch_ms + parts * 320)


def live(room: str) -> Orders:
    return Orders(room, 1, room, EPOCH_MS - 1_000)


def test_room_whose_files_take_long_delays_no_other_and_tells_nothing_untrue(
    tmp_path: Path,
) -> None:
    slow = SlowFiles(tmp_path)
    slow.order(live("a"), live("b"))
    slow.run(100)
    assert len(slow.apart) == 2
    slow.apart.pop(1)()
    slow.run(2_000)
    assert (slow.life("a"), slow.life("b")) == (Life.TAKING_UP, Life.ON_AIR)
    assert len(slow.origin.parts["b", "aac48"]) >= 5
    assert "a" not in slow.origin.states
    slow.apart.pop()()
    slow.run(2_000)
    assert slow.origin.states["a"][0].phase is Phase.LIVE
    parts = slow.origin.parts["a", "aac48"]
    assert sorted(parts) == list(range(len(parts)))
    assert len(parts) >= 14  # silence for what was not made in time


def test_ended_rooms_are_looked_at_after_live_ones_and_mended_one_at_a_time(
    tmp_path: Path,
) -> None:
    slow = SlowFiles(tmp_path)
    ended = [slow.put_ended(f"ended{number}", whole=True) for number in range(30)]
    torn = [slow.put_ended(f"torn{number}", whole=False) for number in range(3)]
    slow.order(*torn, *ended, live("r"))
    slow.run(400)
    assert set(slow.schedule.rooms) == {"r"}
    slow.apart.pop()()
    slow.run(400)
    assert slow.life("r") is Life.ON_AIR
    assert all(slow.life(one.room) is Life.RETIRED for one in ended)
    assert all(slow.origin.states[one.room][-1].phase is Phase.ENDED for one in ended)
    for left in (3, 2, 1):
        assert sum(slow.life(one.room) is Life.WAITING for one in torn) == left - 1
        (job,) = slow.apart
        slow.apart.clear()
        job()
        slow.run(3_000)
    assert all(slow.life(one.room) in (Life.ENDED, Life.RETIRED) for one in torn)
    assert all(slow.origin.ends[one.room, "aac48"] == 3 for one in torn)


def test_room_that_fails_while_its_files_are_taken_up_is_not_begun_twice_at_once(
    tmp_path: Path,
) -> None:
    slow = SlowFiles(tmp_path)
    slow.order(live("r"))
    slow.run(40)
    slow.schedule._put_aside(slow.schedule.rooms["r"])
    slow.run(5_000)
    assert "r" not in slow.schedule.rooms
    slow.apart.pop()()
    slow.run(100)
    assert len(slow.apart) == 1
    slow.apart.pop()()
    slow.run(1_000)
    assert slow.life("r") is Life.ON_AIR
