"""A wall clock that jumps: the conversation goes on, and the next one is on the new time."""

from __future__ import annotations

import sys
from pathlib import Path

import support
from stentor.base.clock import SharedClock, measured_offset_ns
from support.listeners import listening
from support.server import Server, serving, wait_until

HOUR_NS = 3_600_000_000_000
SCRIPT = Path(support.__file__).with_name("serve_with_clock.py")


def told_of_a_jump(server: Server, by_s: str) -> bool:
    return any("wall clock jumped" in line and by_s in line for line in server.log().splitlines())


def goes_on(server: Server, wrong: Path, before_ns: int, after_ns: int) -> None:
    """Let the wall clock jump during a conversation, which nobody notices."""
    room = server.create_room("Jump", in_s=1.0)
    clock = SharedClock(server.folder.clock)
    with listening(room.url()) as (ear,):
        ear.wait_parts(4)
        wrong.with_suffix(".new").write_text(str(after_ns))
        wrong.with_suffix(".new").rename(wrong)
        by_s = str((after_ns - before_ns) / 1e9)
        wait_until(lambda: told_of_a_jump(server, by_s), 5, "the jump is noticed")
        ear.wait_more(8)
        assert abs(clock.offset_ns - measured_offset_ns() - before_ns) < 1e9
        old = server.kill("origin")
        server.wait_restarted("origin", old)
        ear.wait_more(8)
        room.act("end")
        ear.join()
    assert (ear.findings.gaps, ear.findings.jumps) == (0, 0)
    wait_until(
        lambda: abs(clock.offset_ns - measured_offset_ns() - after_ns) < 1e9,
        10,
        "the new time is taken over once nothing is live",
    )


def test_conversation_goes_on_when_the_wall_clock_jumps(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    with serving(tmp_path, command=(sys.executable, str(SCRIPT), str(wrong), "serve")) as server:
        goes_on(server, wrong, 0, HOUR_NS)
        goes_on(server, wrong, HOUR_NS, -HOUR_NS)
