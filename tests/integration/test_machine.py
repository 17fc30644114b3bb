"""What the machine is blamed for in tests of real time is what it did, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from support.machine import watched_machine

_BUSY = "import time; end = time.monotonic() + 60\nwhile time.monotonic() < end: pass"


def test_what_a_process_does_to_itself_is_not_the_machines_fault() -> None:
    with watched_machine() as machine:
        time.sleep(1.0)
    assert machine.held_up_s() < 1.0, "sleeping is no queueing"


def test_time_in_which_more_wants_to_run_than_can_is_counted_though_they_are_gone() -> None:
    with watched_machine() as machine:
        crowd = [
            subprocess.Popen((sys.executable, "-ISc", _BUSY))
            for _ in range(3 * len(os.sched_getaffinity(0)))
        ]
        try:
            deadline = time.monotonic() + 30
            while machine.held_up_s() < 1.0:
                assert time.monotonic() < deadline, "each of them runs a third of the time"
        finally:
            for one in crowd:
                one.kill()
                one.wait()
    assert machine.held_up_s() >= 0.8, "the last moment of who is gone may be missing"


def test_time_in_which_nothing_ran_is_counted() -> None:
    with watched_machine() as machine:
        me = os.getpid()
        (watch,) = Path(f"/proc/{me}/task/{me}/children").read_text().split()
        os.kill(int(watch), signal.SIGSTOP)  # as if all had stood still
        time.sleep(0.4)
        os.kill(int(watch), signal.SIGCONT)
    assert machine.held_up_s() >= 0.3
