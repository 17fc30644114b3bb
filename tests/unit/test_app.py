"""The shared clock follows the wall clock, except while somebody is on the air."""

from __future__ import annotations

from pathlib import Path

from stentor.app import ClockKeeper
from stentor.base.clock import SharedClock, measured_offset_ns
from stentor.rooms.orders import Orders
from stentor.store.orders import OrdersFolder

HOUR_NS = 3_600_000_000_000


def keeper(tmp_path: Path, epoch_in_s: float | None) -> tuple[ClockKeeper, SharedClock, list[int]]:
    clock = SharedClock(tmp_path / "clock")
    clock.offset_ns = start = measured_offset_ns()
    folder = OrdersFolder(tmp_path / "orders")
    if epoch_in_s is not None:
        epoch_ms = round(clock.now_ns() / 1e6 + epoch_in_s * 1000)
        folder.write(Orders("r", 1, "Room", epoch_ms))
    measured = [start]
    return ClockKeeper(clock, folder, lambda: measured[0]), clock, measured


def test_clock_that_jumps_is_followed_while_nothing_is_live(tmp_path: Path) -> None:
    one, clock, measured = keeper(tmp_path, None)
    measured[0] += HOUR_NS
    one.keep()
    assert clock.offset_ns == measured[0]


def test_clock_that_jumps_is_ignored_while_a_room_is_live(tmp_path: Path) -> None:
    one, clock, measured = keeper(tmp_path, -10)
    before = clock.offset_ns
    measured[0] += HOUR_NS
    one.keep()
    assert clock.offset_ns == before


def test_clock_does_not_jump_right_before_the_hour(tmp_path: Path) -> None:
    one, clock, measured = keeper(tmp_path, 1)
    before = clock.offset_ns
    measured[0] -= HOUR_NS
    one.keep()
    assert clock.offset_ns == before
