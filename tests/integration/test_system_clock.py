"""A wall clock that jumps: the conversation goes on, and the next one is on the new time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import support
from stentor.base.clock import SharedClock, measured_offset_ns
from support.listeners import listening
from support.server import serving, wait_until

HOUR_NS = 3_600_000_000_000
SCRIPT = Path(support.__file__).with_name("serve_with_clock.py")


@pytest.mark.parametrize("jump_ns", [HOUR_NS, -HOUR_NS])
def test_conversation_goes_on_when_the_wall_clock_jumps(tmp_path: Path, jump_ns: int) -> None:
    wrong = tmp_path / "wrong"
    with serving(tmp_path, command=(sys.executable, str(SCRIPT), str(wrong), "serve")) as server:
        room = server.create_room("Jump", in_s=1.0)
        clock = SharedClock(server.folder.clock)
        with listening(room.url()) as (ear,):
            ear.wait_parts(4)
            wrong.with_suffix(".new").write_text(str(jump_ns))
            wrong.with_suffix(".new").rename(wrong)
            wait_until(lambda: "wall clock jumped" in server.log(), 5, "the jump is noticed")
            ear.wait_more(8)
            assert abs(clock.offset_ns - measured_offset_ns()) < 1e9
            old = server.kill("origin")
            server.wait_restarted("origin", old)
            ear.wait_more(8)
            room.act("end")
            ear.join()
        assert (ear.findings.gaps, ear.findings.jumps) == (0, 0)
        wait_until(
            lambda: abs(clock.offset_ns - measured_offset_ns() - jump_ns) < 1e9,
            10,
            "the new time is taken over once nothing is live",
        )
