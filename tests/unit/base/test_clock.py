"""The clock that all parts share: one offset, which stays while a room is live."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stentor.base.clock import ManualClock, SharedClock, SystemClock, decide_offset


@given(st.integers(), st.integers())
def test_offset_stays_while_a_room_is_live_and_follows_otherwise(now: int, measured: int) -> None:
    assert decide_offset(now, measured, any_room_live=True) == now
    assert decide_offset(now, measured, any_room_live=False) == measured


def test_shared_clock_starts_at_the_wall_clock(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "run" / "clock")
    assert abs(clock.now_ns() - time.time_ns()) < 50_000_000
    assert abs(clock.now_ns() - SystemClock().now_ns()) < 50_000_000


def test_every_clock_on_the_file_sees_a_new_offset_at_once(tmp_path: Path) -> None:
    supervisor, part = SharedClock(tmp_path / "clock"), SharedClock(tmp_path / "clock")
    assert supervisor.offset_ns == part.offset_ns
    supervisor.offset_ns += 3_600_000_000_000
    assert part.offset_ns == supervisor.offset_ns
    assert part.now_ns() - time.time_ns() > 3_599_000_000_000


def test_another_process_reads_the_same_time(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock")
    clock.offset_ns += 1_000_000_000_000
    code = (
        "import sys; from pathlib import Path; from stentor.base.clock import SharedClock;"
        "print(SharedClock(Path(sys.argv[1])).now_ns())"
    )
    before = clock.now_ns()
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "clock")], capture_output=True, check=True
    )
    assert before < int(answer.stdout) < clock.now_ns()


def test_offset_outlives_the_process_that_wrote_it(tmp_path: Path) -> None:
    first = SharedClock(tmp_path / "clock")
    first.offset_ns = -7
    del first
    assert SharedClock(tmp_path / "clock").offset_ns == -7


def test_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(5)
    assert (clock.now_ns(), clock.now_ns()) == (5, 5)
    clock.advance(1.5)
    assert clock.now_ns() == 1_500_000_005
