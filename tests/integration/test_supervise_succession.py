"""A part is replaced by a process that takes over, or all stays as it was. Real processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.supervise.roll import Roll, RollState, Step
from stentor.supervise.succession import Outcome
from stentor.supervise.supervisor import PartPlan, Supervisor

SLEEPER = (sys.executable, "-c", "import time\ntime.sleep(60)")
FAILS = (sys.executable, "-c", "raise SystemExit(7)")
ENVIRONMENT = dict(os.environ)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    one = Supervisor(ENVIRONMENT)
    one.add(PartPlan("a", SLEEPER))
    one.add(PartPlan("b", SLEEPER))
    yield one
    one.stop()


def _pid(supervisor: Supervisor, name: str = "a") -> int:
    pid = supervisor.facts()[name].pid
    assert pid is not None
    return pid


def _gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_successor_is_the_part_once_it_serves_and_the_old_one_may_take_its_time(
    supervisor: Supervisor,
) -> None:
    old, serving = _pid(supervisor), []
    found = supervisor.succeed(
        "a", SLEEPER, ENVIRONMENT | {"NEW": "1"}, serving.__contains__, within_s=30, leaves_s=30
    )
    assert found is not None
    supervisor.run(0.3)
    assert _pid(supervisor) == old
    serving.append(found.process.pid)
    supervisor.run(30, lambda: found.outcome is Outcome.SERVING)
    new = _pid(supervisor)
    assert new == found.process.pid
    supervisor.run(0.3)
    assert not _gone(old)
    os.kill(old, signal.SIGTERM)
    supervisor.run(30, lambda: _gone(old))
    assert supervisor.facts()["a"].restarts == 0
    # When it dies it comes back as it was: with the environment that it was given.
    os.kill(new, signal.SIGKILL)
    supervisor.run(30, lambda: supervisor.facts()["a"].pid not in (None, new))
    assert b"NEW=1" in Path(f"/proc/{_pid(supervisor)}/environ").read_bytes().split(b"\0")


def test_old_process_that_does_not_leave_in_time_is_ended(supervisor: Supervisor) -> None:
    old = _pid(supervisor)
    supervisor.succeed("a", SLEEPER, ENVIRONMENT, lambda pid: True, within_s=30, leaves_s=0.2)
    supervisor.run(30, lambda: _gone(old))
    assert _gone(old)
    assert not _gone(_pid(supervisor))


def test_successor_that_fails_or_hangs_changes_nothing(supervisor: Supervisor) -> None:
    old = _pid(supervisor)
    for command, why, within_s in ((FAILS, "exit code 7", 60), (SLEEPER, "took too long", 1)):
        found = supervisor.succeed(
            "a", command, ENVIRONMENT, lambda pid: False, within_s=within_s, leaves_s=1
        )
        assert found is not None
        supervisor.run(30, lambda found=found: found.outcome is Outcome.FAILED)
        assert why in found.why
        assert _gone(found.process.pid)
        assert _pid(supervisor) == old
        assert not _gone(old)


def test_part_whose_old_process_and_successor_both_die_is_started_again(
    supervisor: Supervisor,
) -> None:
    old = _pid(supervisor)
    found = supervisor.succeed(
        "a", SLEEPER, ENVIRONMENT, lambda pid: False, within_s=30, leaves_s=1
    )
    assert found is not None
    os.kill(old, signal.SIGKILL)
    supervisor.run(30, lambda: supervisor.facts()["a"].pid is None)
    assert supervisor.facts()["a"].pid is None  # perhaps the successor has what it had
    os.kill(found.process.pid, signal.SIGKILL)
    supervisor.run(30, lambda: supervisor.facts()["a"].pid is not None)
    assert not _gone(_pid(supervisor))


def test_end_of_the_supervisor_is_the_end_of_all_processes(supervisor: Supervisor) -> None:
    old = _pid(supervisor)
    supervisor.succeed("a", SLEEPER, ENVIRONMENT, lambda pid: True, within_s=9, leaves_s=60)
    found = supervisor.succeed("b", SLEEPER, ENVIRONMENT, lambda pid: False, within_s=9, leaves_s=9)
    assert found is not None
    supervisor.run(0.3)
    every = [old, _pid(supervisor), _pid(supervisor, "b"), found.process.pid]
    assert not any(map(_gone, every))
    supervisor.stop()
    deadline = time.monotonic() + 30
    while not all(map(_gone, every)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("fails", [False, True])
def test_roll_replaces_one_after_the_other_and_stops_at_the_first_that_fails(
    supervisor: Supervisor, fails: bool
) -> None:
    before = {name: _pid(supervisor, name) for name in "ab"}
    serving: set[int] = set()
    done: list[str] = []
    steps = [
        Step("a", FAILS if fails else SLEEPER, serving.__contains__),
        Step("b", SLEEPER, serving.__contains__),
    ]
    roll = Roll(supervisor, steps, ENVIRONMENT, 0.1, lambda name, seconds: done.append(name))

    def at_most_one() -> bool:
        state = roll.step()
        successors = [one for one in _children() if one not in known]
        assert len(successors) <= 1
        serving.update(successors)
        known.update(successors)
        return state is not RollState.ROLLING

    known = set(before.values()) | set(_children())
    if fails:
        serving = set()  # it dies before it serves
        steps[0] = Step("a", FAILS, lambda pid: False)
    supervisor.run(10, at_most_one)
    if fails:
        assert roll.step() is RollState.FAILED
        assert (roll.failed_at, done) == ("a", [])
        assert "exit code 7" in roll.why
        assert {name: _pid(supervisor, name) for name in "ab"} == before
    else:
        assert roll.step() is RollState.DONE
        assert done == ["a", "b"]
        assert not {_pid(supervisor, name) for name in "ab"} & set(before.values())


def _children() -> list[int]:
    me = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]
