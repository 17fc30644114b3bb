"""A whole load, and one process's share of it. Pure but for asking how many files one may open."""

import math
from dataclasses import dataclass, field
from enum import Enum

from stentor.base.errors import UsageError
from stentor.base.machine import descriptors_here
from stentor.load.arrivals import Arrivals, Coming
from stentor.load.behaviour import Behaviour
from stentor.load.target import Target

LISTENERS_MAX = 2_000_000
PROCESSES_MAX = 128
SECONDS_MAX = 86_400.0
_PER_PROCESS = 19_500
_SMALL = 1000  # as many are worth a second process
_DESCRIPTORS_RESERVED = 300


class Reading(Enum):
    """What everyone but the sample does with the bytes of a delivery."""

    WHOLE = "whole"  # compares each with what another listener got
    HEADS = "heads"  # looks at its head and length, and has the rest discarded uncopied


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole load."""

    target: Target
    count: int
    seconds: float
    ramp_s: float = 1.0
    processes: int = 0  # 0: as many as are needed
    sampled_every: int = 100
    buffer_s: float | None = None
    pattern: Arrivals = Arrivals.CONSTANT
    hour_ms: int | None = None  # the room's, for a crowd that comes at it
    all_at_s: float | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)
    decoding: int = 4  # listeners of the sample who decode all that they get
    seed: int = 1
    reading: Reading = Reading.WHOLE


@dataclass(frozen=True, slots=True)
class Share:
    """What one process is to do: listeners number, number + of, number + 2 of, … of `whole`."""

    target: Target
    number: int
    of: int
    whole: int
    seconds: float
    coming: Coming
    behaviour: Behaviour
    sampled_every: int
    decoding: int
    buffer_s: float | None
    reading: Reading

    @property
    def count(self) -> int:
        """How many listeners it has."""
        return len(range(self.number, self.whole, self.of))


def processes_needed(plan: Plan) -> int:
    """Return how many processes the load takes; raises `UsageError` if that is too many."""
    if not 1 <= plan.count <= LISTENERS_MAX:
        raise UsageError(f"Between 1 and {LISTENERS_MAX} listeners, not {plan.count}.")
    if not 0 < plan.seconds <= SECONDS_MAX:
        raise UsageError(f"At most {SECONDS_MAX:.0f} seconds, not {plan.seconds:g}.")
    possible = descriptors_here() - _DESCRIPTORS_RESERVED
    least = math.ceil(plan.count / max(1, possible))
    needed = math.ceil(plan.count / max(1, min(possible, _PER_PROCESS)))
    chosen = plan.processes or max(needed, 2 if plan.count >= _SMALL else 1)
    if not least <= chosen <= min(PROCESSES_MAX, plan.count):
        raise UsageError(
            f"{plan.count} listeners need between {least} and"
            f" {min(PROCESSES_MAX, plan.count)} processes: one may open {possible} files here."
        )
    return chosen


def shares(plan: Plan, hour_s: float | None) -> list[Share]:
    """Return what each process is to do; `hour_s` is the room's hour, from the beginning."""
    of = processes_needed(plan)
    coming = Coming(plan.pattern, plan.ramp_s, hour_s, plan.all_at_s, plan.seed)
    return [
        Share(
            plan.target,
            number,
            of,
            plan.count,
            plan.seconds,
            coming,
            plan.behaviour,
            plan.sampled_every,
            0 if number else plan.decoding,  # the codecs' memory in one process is enough
            plan.buffer_s,
            plan.reading,
        )
        for number in range(of)
    ]
