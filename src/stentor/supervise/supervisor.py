"""Keeps a set of parts running: restarts what dies, holds spares ready, stops all in order.

One thread, one loop: process descriptors, a wake-up pipe for signals, and deadlines. It knows
nothing of what the parts do; what has to happen between deaths is handed in as chores.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

from stentor.base.logs import log
from stentor.supervise.process import Process, ended_by
from stentor.supervise.restart import decide_restart, remember_death
from stentor.supervise.succession import Leaving, Outcome, Succession

SPARE_AFTER_S = 2.0  # a new spare waits until the one that took over has settled
STOP_GRACE_S = 3.0
SPAWN_RETRY_S = 1.0
_TICK_S = 0.1


class Keep(Enum):
    """How a part is kept running."""

    ALIVE = auto()
    ALIVE_WITH_SPARE = auto()  # it takes `--spare`: to get ready and wait for the word
    UNTIL_DONE = auto()  # an end without error is no death


@dataclass(frozen=True, slots=True)
class PartPlan:
    """One part to keep running."""

    name: str
    command: tuple[str, ...]
    keep: Keep = Keep.ALIVE


class Ended(Enum):
    """Why the supervisor's loop came back."""

    STOPPED = auto()
    TIME_UP = auto()


@dataclass(slots=True)
class _Kept:
    plan: PartPlan
    process: Process | None = None
    spare: Process | None = None
    deaths: tuple[float, ...] = ()
    restarts: int = 0
    start_at: float | None = None
    spare_at: float | None = None
    environment: Mapping[str, str] | None = None  # its own, since it was replaced
    succession: Succession | None = None
    leaving: list[Leaving] = field(default_factory=list)

    def processes(self) -> list[Process]:
        """Return all that run for this part."""
        successor = self.succession.process if self.succession else None
        found = (successor, self.process, self.spare, *(one.process for one in self.leaving))
        return [process for process in found if process is not None]


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What can be said of a part from outside."""

    pid: int | None
    spare_pid: int | None
    restarts: int


@dataclass(slots=True)
class Supervisor:
    """Runs parts until told to stop. `chores` are called about ten times a second."""

    environment: Mapping[str, str]
    chores: Sequence[Callable[[], None]] = ()
    on_change: Callable[[Mapping[str, PartFacts]], None] = lambda facts: None
    on_hangup: Callable[[], None] | None = None  # else SIGHUP is the wish to stop, too
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _stopping: bool = False
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stopping

    def add(self, plan: PartPlan, environment: Mapping[str, str] | None = None) -> None:
        """Start a part, perhaps in an environment of its own, and keep it running from now on."""
        kept = self._kept[plan.name] = _Kept(plan, environment=environment)
        self._start(kept)
        if plan.keep is Keep.ALIVE_WITH_SPARE:
            kept.spare_at = time.monotonic() + SPARE_AFTER_S

    def succeed(
        self,
        name: str,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        serves: Callable[[int], bool],
        *,
        within_s: float,
        leaves_s: float,
    ) -> Succession | None:
        """Start a process that is to take over from a part; None if that cannot be done now.

        If it serves `within_s`, it is the part from then on, started again with `environment` when
        it dies, and the old process has `leaves_s` to end. Else all stays as it is.
        """
        kept = self._kept[name]
        if kept.succession is not None or kept.process is None:
            return None
        process = self._spawn(name, command, environment, waits=False)
        if process is None:
            return None
        due = time.monotonic() + within_s
        kept.succession = Succession(process, environment, serves, due, leaves_s)
        return kept.succession

    def facts(self) -> dict[str, PartFacts]:
        """Return what is running."""
        return {
            name: PartFacts(
                kept.process.pid if kept.process else None,
                kept.spare.pid if kept.spare else None,
                kept.restarts,
            )
            for name, kept in self._kept.items()
        }

    def request_stop(self) -> None:
        """Make `run` return soon; safe to call from a signal's handler."""
        self._stopping = True

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP for as long as this lasts."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        self._selector.register(reader, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        before = {
            number: signal.signal(number, lambda *_: self.request_stop())
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        if self.on_hangup is not None:
            hangup = self.on_hangup
            signal.signal(signal.SIGHUP, lambda *_: hangup())
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(-1)
            self._selector.unregister(reader)
            os.close(reader)
            os.close(writer)

    def run(self, seconds: float | None = None, until: Callable[[], bool] = lambda: False) -> Ended:
        """Keep the parts running until told to stop, `seconds` have passed or `until` is so."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._stopping:
            now = time.monotonic()
            if (deadline is not None and now >= deadline) or until():
                return Ended.TIME_UP
            for kept in tuple(self._kept.values()):
                self._attend(kept, now)
            for chore in self.chores:
                self._safely(chore)
            for key, _ in self._selector.select(_TICK_S):
                if key.data is None:
                    os.read(key.fd, 64)
        return Ended.STOPPED

    def finish(self, seconds: float) -> None:
        """Let the parts do what is left to do, even if the end has been asked for."""
        asked, self._stopping = self._stopping, False
        self.run(seconds)
        self._stopping = self._stopping or asked

    def stop(self) -> None:
        """Ask every part to end, the last added first; whoever does not in time is killed."""
        processes = []
        for kept in reversed(self._kept.values()):
            for process in kept.processes():
                process.stop()
                processes.append(process)
        deadline = time.monotonic() + STOP_GRACE_S
        while not all(process.reap() for process in processes):
            if time.monotonic() > deadline:
                for process in processes:
                    process.kill()
            time.sleep(0.01)
        for process in processes:
            self._forget(process)
        self._kept.clear()

    def _safely(self, chore: Callable[[], None]) -> None:
        """A full disk must not end what still works."""
        try:
            chore()
        except OSError as error:
            log().error("supervisor_hindered", why=str(error))

    def _attend(self, kept: _Kept, now: float) -> None:
        if kept.spare is not None and kept.spare.reap():
            log().warning("spare ended", name=kept.plan.name, why=_why(kept.spare))
            self._forget(kept.spare)
            kept.spare, kept.spare_at = None, now + SPARE_AFTER_S * 5
        if kept.succession is not None:
            self._crown(kept, kept.succession, now)
        for one in tuple(kept.leaving):
            self._see_off(kept, one, now)
        if kept.process is not None and kept.process.reap():
            self._bury(kept, now)
        if kept.start_at is not None and now >= kept.start_at and kept.succession is None:
            kept.start_at = None
            kept.restarts += 1
            self._start(kept)
        if kept.spare_at is not None and now >= kept.spare_at:
            kept.spare = self._spawn(
                kept.plan.name, (*kept.plan.command, "--spare"), self.environment, waits=True
            )
            kept.spare_at = None if kept.spare else now + SPARE_AFTER_S * 5
            self._safely(lambda: self.on_change(self.facts()))

    def _crown(self, kept: _Kept, succession: Succession, now: float) -> None:
        """Let the successor be the part if it serves; forget it if it failed."""
        outcome = succession.look(now)
        if outcome is Outcome.UNDER_WAY:
            return
        kept.succession = None
        if outcome is Outcome.FAILED:
            log().error(f"{kept.plan.name} was not replaced", why=succession.why)
            self._forget(succession.process)
            return
        if kept.process is not None:
            kept.leaving.append(Leaving(kept.process, now + succession.leaves_s))
        kept.process, kept.start_at = succession.process, None
        kept.environment = succession.environment
        self._safely(lambda: self.on_change(self.facts()))

    def _see_off(self, kept: _Kept, one: Leaving, now: float) -> None:
        if one.process.reap():
            log().info(f"the old {kept.plan.name} left", why=_why(one.process))
            kept.leaving.remove(one)
            self._forget(one.process)
        elif now > one.due + STOP_GRACE_S:
            one.process.kill()
        elif now > one.due:
            one.process.stop()

    def _bury(self, kept: _Kept, now: float) -> None:
        assert kept.process is not None
        if kept.plan.keep is Keep.UNTIL_DONE and kept.process.exit_code == 0:
            self._forget(kept.process)
            kept.process = None
            return
        if kept.succession is not None and kept.process.exit_code == 0:
            self._forget(kept.process)  # it has nothing left to do; soon we know who has
            kept.process, kept.start_at = None, now
            return
        kept.deaths = remember_death(kept.deaths, now)
        wait_s = decide_restart(kept.deaths, now)
        log().error(
            f"{kept.plan.name} died",
            why=_why(kept.process),
            restart_in_s=round(wait_s, 1),
            deaths=kept.restarts + 1,
        )
        self._forget(kept.process)
        kept.process, kept.start_at = None, now + wait_s

    def _start(self, kept: _Kept) -> None:
        if kept.spare is not None and not kept.spare.reap():
            kept.process, kept.spare = kept.spare, None
            kept.process.release()
            kept.spare_at = time.monotonic() + SPARE_AFTER_S
        else:
            environment = kept.environment or self.environment
            kept.process = self._spawn(kept.plan.name, kept.plan.command, environment, waits=False)
            if kept.process is None:
                kept.start_at = time.monotonic() + SPAWN_RETRY_S
        self._safely(lambda: self.on_change(self.facts()))

    def _spawn(
        self, name: str, command: tuple[str, ...], environment: Mapping[str, str], *, waits: bool
    ) -> Process | None:
        try:
            process = Process(command, environment, waits=waits)
        except (OSError, subprocess.SubprocessError) as error:  # no memory, no more processes
            log().error("part_not_started", name=name, why=str(error))
            return None
        self._selector.register(process.descriptor, selectors.EVENT_READ, process)
        return process

    def _forget(self, process: Process) -> None:
        self._selector.unregister(process.descriptor)
        process.close()


def _why(process: Process) -> str:
    return "unknown" if process.exit_code is None else ended_by(process.exit_code)


def stentor_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line that runs this very program with other arguments."""
    return (sys.executable, "-m", "stentor", *arguments)
