"""Processes that die are replaced; processes that are told to go, go. Real processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from stentor.supervise.supervisor import Ended, Keep, PartPlan, Supervisor

SLEEPER = (
    sys.executable,
    "-c",
    "import sys,time\nif '--spare' in sys.argv: sys.stdin.readline()\ntime.sleep(60)",
)
STUBBORN = (
    sys.executable,
    "-c",
    "import signal,time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(60)",
)
ENVIRONMENT = dict(os.environ)


def test_part_that_is_killed_is_replaced_and_counted() -> None:
    supervisor = Supervisor(ENVIRONMENT)
    supervisor.add(PartPlan("one", SLEEPER))
    first = supervisor.facts()["one"].pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    ended = supervisor.run(30, lambda: supervisor.facts()["one"].pid not in (None, first))
    assert ended is Ended.TIME_UP
    assert supervisor.facts()["one"].restarts == 1
    supervisor.stop()


def test_spare_takes_over_from_the_part_that_died() -> None:
    supervisor = Supervisor(ENVIRONMENT)
    supervisor.add(PartPlan("one", SLEEPER, Keep.ALIVE_WITH_SPARE))
    supervisor.run(30, lambda: supervisor.facts()["one"].spare_pid is not None)
    before = supervisor.facts()["one"]
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    supervisor.run(30, lambda: supervisor.facts()["one"].pid not in (None, before.pid))
    assert supervisor.facts()["one"].pid == before.spare_pid
    supervisor.stop()


def test_full_disk_does_not_end_the_supervisor() -> None:
    def hindered(*_: object) -> None:
        raise OSError(28, "No space left on device")

    supervisor = Supervisor(ENVIRONMENT, (hindered,), hindered)
    supervisor.add(PartPlan("one", SLEEPER))
    assert supervisor.run(0.2) is Ended.TIME_UP
    assert supervisor.facts()["one"].pid is not None
    supervisor.stop()


def test_part_that_cannot_be_started_is_tried_again(monkeypatch) -> None:
    monkeypatch.setattr("stentor.supervise.supervisor.SPAWN_RETRY_S", 0.05)
    supervisor = Supervisor(ENVIRONMENT)
    supervisor.add(PartPlan("one", ("/nonexistent/program",)))
    supervisor.run(30, lambda: supervisor.facts()["one"].restarts > 1)
    assert supervisor.facts()["one"].pid is None
    assert supervisor.facts()["one"].restarts > 1
    supervisor.stop()


def test_part_that_is_done_is_not_started_again() -> None:
    supervisor = Supervisor(ENVIRONMENT)
    supervisor.add(PartPlan("one", (sys.executable, "-c", ""), Keep.UNTIL_DONE))
    supervisor.run(30, lambda: supervisor.facts()["one"].pid is None)
    supervisor.run(0.3)
    assert supervisor.facts()["one"].restarts == 0
    supervisor.stop()


def test_part_that_does_not_listen_is_ended_all_the_same(monkeypatch) -> None:
    monkeypatch.setattr("stentor.supervise.supervisor.STOP_GRACE_S", 0.3)
    supervisor = Supervisor(ENVIRONMENT)
    supervisor.add(PartPlan("one", STUBBORN))
    pid = supervisor.facts()["one"].pid
    assert pid is not None
    supervisor.run(0.3)
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 30, "it would sleep a minute"
    assert not Path(f"/proc/{pid}").exists()


def test_signal_ends_the_loop() -> None:
    supervisor = Supervisor(ENVIRONMENT)
    with supervisor.signals():
        signal.raise_signal(signal.SIGTERM)
        assert supervisor.run(30) is Ended.STOPPED
