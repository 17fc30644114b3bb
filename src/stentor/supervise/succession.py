"""A part's replacement by a new process that takes over from the running one.

Both run until the new one says that it serves; from then on it is the part, and the old one may
take its time to end. If the new one fails, nothing has happened. Times are on one clock, seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from stentor.supervise.process import Process, ended_by


class Outcome(Enum):
    """What came of a succession, so far."""

    UNDER_WAY = "under way"
    SERVING = "serving"
    FAILED = "failed"


@dataclass(slots=True)
class Succession:
    """One process that is to take over, and how far it is."""

    process: Process
    environment: Mapping[str, str]
    serves: Callable[[int], bool]  # whether the process with this id has taken over
    due: float  # ended if it does not serve by then
    leaves_s: float  # how long the old process may go on afterwards
    outcome: Outcome = Outcome.UNDER_WAY
    why: str = ""

    def look(self, now: float) -> Outcome:
        """See how far it is; the caller forgets the process of one that failed."""
        if self.outcome is not Outcome.UNDER_WAY:
            return self.outcome
        # Asked first: one that took over and died right after that has taken over.
        if self.serves(self.process.pid):
            self.outcome = Outcome.SERVING
        elif self.process.reap():
            code = self.process.exit_code
            self.outcome = Outcome.FAILED
            self.why = self.why or f"the new process {ended_by(code) if code is not None else ''}"
        elif now > self.due:
            self.why = "the new process took too long"
            self.process.kill()
        return self.outcome


@dataclass(frozen=True, slots=True)
class Leaving:
    """A process that ends by itself, in time."""

    process: Process
    due: float
