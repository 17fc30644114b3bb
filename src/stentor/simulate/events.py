"""One simulated event: who comes, who attacks, what breaks, before which machine. Facts only.

`without_attack` and `without_fault` are the same event but for that: chance is drawn from streams
of their own, so the same people come at the same moments. That is how the truth of "would we have
failed without it" is known here, which no record can tell.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from stentor.simulate.attackers import Attack
from stentor.simulate.world import Population

EPOCH_MS = 1_800_000_000_000  # when a simulated evening begins


class Fault(Enum):
    """What we may do to ourselves."""

    HALVED = "halved-capacity"  # another program takes half of the CPU: all costs twice
    LOST_EDGE = "edge-lost"  # one of several edges is gone
    SLOW_DISK = "slow-disk"  # the origin is late: parts come in lumps
    RETRIES = "retry-bug"  # pages come again at once, whatever they were told


@dataclass(frozen=True, slots=True)
class People:
    """Who comes. Shares are 0 to 1, times seconds."""

    n: int
    shape: str = "hour"
    sharp_s: float = 10.0
    inside: int = 0  # of those, already there when it begins
    population: Population = field(default_factory=Population)
    visits: float = 0.6  # look at the page, as the edges see it, before they join
    reminded: float = 0.3
    patience_s: float = 180.0
    stays_s: float = 600.0
    bad_radio: float = 0.03
    bounces: float = 0.0  # are gone within seconds of hearing
    lookers: float = 0.0  # look at the page and never join, against those who do
    rests: float = 0.0  # of visits: the browser keeps the connection until it is ended
    rejoin: bool = False  # all who are inside lose their connection at the hour
    late_s: float = 0.2  # of a page's coming after its turn


@dataclass(frozen=True, slots=True)
class Noise:
    """What comes on any evening, a second: scans, crawlers, old links."""

    scans_per_s: float = 0.05
    crawls_per_s: float = 0.1
    shelf: float = 0.1  # players of HLS, against listeners on the stream: they reload playlists


@dataclass(frozen=True, slots=True)
class Machine:
    """What all edges are able to do together."""

    edges: int = 2
    joins_per_s: float = 40.0
    listeners_max: int = 5_000
    descriptors: int = 6_000
    network_per_s: float = 5.0  # places in line
    network_burst: float = 25.0
    joins_burst: int = 250
    network_joins_per_s: float = 10.0
    tls: bool = False  # the edges speak it themselves
    # What the kernel's queue holds of joins at full pace: 4,096 at the 11,600 a second of one core
    # (decision 26). Machines here are as many times slower, and so their queues are shorter.
    queue_s: float = 0.35


@dataclass(frozen=True, slots=True)
class Event:
    """One evening."""

    seed: int
    kind: str
    people: People
    machine: Machine = field(default_factory=Machine)
    noise: Noise = field(default_factory=Noise)
    attack: Attack | None = None
    fault: Fault | None = None
    fault_s: float = 0.0  # when it begins
    hour_s: float = 35.0
    end_s: float = 100.0

    @property
    def without_attack(self) -> "Event":
        """The same evening, and nobody attacks."""
        return replace(self, attack=None)

    @property
    def without_fault(self) -> "Event":
        """The same evening, and nothing breaks."""
        return replace(self, fault=None)
