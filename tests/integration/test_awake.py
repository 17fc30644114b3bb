"""What keeps a core awake beside a trial says how fast that core is."""

from __future__ import annotations

import os
from pathlib import Path

from stentor.trials.awake import Worked, kept_awake
from support.edge import eventually


def test_a_core_is_kept_awake_by_work_that_is_counted_and_yields_to_everything() -> None:
    core = min(os.sched_getaffinity(0))
    with kept_awake([core]) as awake:
        one = awake[core]
        eventually(lambda: one.worked.pieces > 0, 60)
        before = one.worked
        eventually(lambda: one.worked.pieces > before.pieces, 60)
        assert one.worked.since(before).piece_s > 0
        assert os.sched_getaffinity(one.pid) == {core}
        assert os.sched_getscheduler(one.pid) == os.SCHED_IDLE
        pid = one.pid
    assert not Path(f"/proc/{pid}").exists()


def test_where_nothing_was_done_the_speed_is_unknown() -> None:
    assert Worked(7, 0.1).since(Worked(7, 0.1)).piece_s == 0.0
