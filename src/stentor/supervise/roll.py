"""Replaces several parts by new processes, one after the other; the first failure ends it.

Knows nothing of what the parts do: how a successor is started and how one sees that it serves is
handed in. Called again and again by the supervisor's loop, it never waits.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from stentor.supervise.succession import Outcome, Succession
from stentor.supervise.supervisor import Supervisor

START_S_MAX = 40.0  # for a new process to load, take over and serve


class RollState(Enum):
    """How a roll stands."""

    ROLLING = "rolling"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One part to replace: `command` starts the successor, `serves` says that a pid took over."""

    name: str
    command: tuple[str, ...]
    serves: Callable[[int], bool]


@dataclass(slots=True)
class Roll:
    """One deploy. `told` is called with a part's name and how many seconds its turn took."""

    supervisor: Supervisor
    steps: list[Step]
    environment: Mapping[str, str]
    leaves_s: float
    told: Callable[[str, float], None]
    why_failed: Callable[[str, int], str] = lambda name, pid: ""
    failed_at: str = ""
    why: str = ""
    _under_way: Succession | None = None
    _began: float = 0.0
    _place: int = field(default=0)

    def step(self) -> RollState:
        """Go on if something can be done now."""
        if self._state() is not RollState.ROLLING:
            return self._state()
        step = self.steps[self._place]
        if self._under_way is None:
            self._began = time.monotonic()
            self._under_way = self.supervisor.succeed(
                step.name,
                step.command,
                self.environment,
                step.serves,
                within_s=START_S_MAX,
                leaves_s=self.leaves_s,
            )
            if self._under_way is None:
                self._fail(step.name, "it is not running, or no process could be started")
        elif self._under_way.outcome is Outcome.FAILED:
            said = self.why_failed(step.name, self._under_way.process.pid)
            self._fail(step.name, said or f"{self._under_way.why}; the log says more")
        elif self._under_way.outcome is Outcome.SERVING:
            self._under_way = None
            self._place += 1
            self.told(step.name, time.monotonic() - self._began)
        return self._state()

    def _state(self) -> RollState:
        if self.why:
            return RollState.FAILED
        return RollState.DONE if self._place == len(self.steps) else RollState.ROLLING

    def _fail(self, name: str, why: str) -> None:
        self.failed_at, self.why = name, why
