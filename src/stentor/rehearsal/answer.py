"""The answer of a rehearsal as facts: would it hold, what breaks first, what it takes and costs.

Every figure says what it rests on; nothing here is a sentence that somebody wrote by hand about a
figure. What people read (page, terminal) is made from this and from the course.
"""

from enum import StrEnum

import msgspec

from stentor.rehearsal.plan import Plan

FORMAT = 1


class Basis(StrEnum):
    """What a figure rests on."""

    MEASURED = "measured"  # real listeners on real sockets of this machine
    SIMULATED = "simulated"  # the fleet under virtual time, listener by listener
    EXTRAPOLATED = "extrapolated"  # measured costs times numbers of a scenario: the plan
    ASSUMED = "assumed"  # stated by the scenario, or shipped with the code
    PUBLISHED = "published"  # by somebody else, of something else


class Outcome(StrEnum):
    """Would it hold?"""

    HOLDS = "holds"  # audio within 3 s (p95), nobody in line, nobody's audio stops for lack of room
    LINE = "holds with a line"  # who listens keeps listening, but people wait
    FAILS = "fails"


class Figure(msgspec.Struct, frozen=True):
    """One figure. `name` is for machines, `about` for people; a quantile is NaN-free or absent."""

    name: str
    value: float
    unit: str
    basis: Basis
    about: str


class Promise(msgspec.Struct, frozen=True):
    """What was to be kept, and whether it was: `found` against at most `limit`."""

    about: str
    unit: str
    limit: float
    found: float | None  # None: there was nobody to whom it could apply
    kept: bool
    basis: Basis = Basis.SIMULATED


class Limit(msgspec.Struct, frozen=True):
    """A thing that runs out: its share at the worst second, and what it would carry."""

    name: str
    about: str
    share: float  # of the fullest machine or process, at the worst second (simulated)
    ceiling: float  # up to what it is used before joiners meet less
    at_s: float
    listeners: int  # at once, that this thing would carry in this fleet (extrapolated)


class Sensitivity(msgspec.Struct, frozen=True):
    """What one change would move: listeners at once in this fleet, machines for this crowd."""

    change: str
    listeners: int
    moved: float  # against the fleet as it is: 0.1 is a tenth more
    binds: str
    machines: int
    cost: float
    basis: Basis = Basis.EXTRAPOLATED


class Probe(msgspec.Struct, frozen=True):
    """What a larger crowd finds before the same fleet, or a changed one: simulated in miniature."""

    change: str  # empty: as it is
    crowd: float  # times the scenario's
    holds: bool
    people: int  # so many were simulated
    peak: float  # share of them who listen at once
    waiting: float  # share in line at once, at most
    silent: float | None  # share of those who heard audio
    first_audio_p95_s: float | None
    step: str  # the ladder's highest
    basis: Basis = Basis.SIMULATED


class LaneNeed(msgspec.Struct, frozen=True):
    """What the same crowd would need if nobody were in a slower lane than this."""

    period_s: float
    behind_s: float  # live, right after a delivery
    machines: int
    cores: float  # busy with deliveries and joins, at the worst second
    binds: str
    basis: Basis = Basis.EXTRAPOLATED


class Quantiles(msgspec.Struct, frozen=True):
    """How a quantity is spread over people."""

    name: str
    about: str
    unit: str
    of: int  # people, or seconds listened
    p50: float
    p75: float
    p90: float
    p95: float
    p99: float
    basis: Basis = Basis.SIMULATED


class Stay(msgspec.Struct, frozen=True):
    """How long the ladder stood on a step: the median edge, and the worst."""

    step: str
    median_s: float
    worst_s: float


class Witness(msgspec.Struct, frozen=True):
    """One figure that was predicted, and measured on this machine."""

    what: str
    unit: str
    listeners: int
    way: str  # plain, TLS, flood …
    predicted: float
    measured: float
    holds: bool  # within the band, and not optimistic beyond what is allowed
    off: float  # predicted against measured: -0.1 is a tenth too little


class Peer(msgspec.Struct, frozen=True):
    """What another system's published figure would need for the same listeners."""

    name: str
    machines: int
    cores: int | None  # None: not stated
    arithmetic: str
    source: str
    basis: Basis = Basis.PUBLISHED


class Minute(msgspec.Struct, frozen=True):
    """The course in short: the worst second of each stretch, sums where it says so."""

    at_s: float
    listeners: int
    waiting: int
    came: int  # in all
    joined: int  # in all
    stalling: int
    bits_per_s: float
    cpu_worst: float
    headroom: float
    step: str
    first_audio_p95_s: float | None
    behind_p95_s: float | None


class Answer(msgspec.Struct, frozen=True):
    """All of it: `answer.json`."""

    format: int
    scenario: str
    about: str
    seed: int
    version: str
    machine: str  # whose costs these are
    costs: Basis  # measured on this machine, or as they come with the code
    outcome: Outcome
    sentence: str
    because: tuple[str, ...]
    refuted: str  # why it is not to be relied on; empty unless trials say so
    promises: tuple[Promise, ...]
    figures: tuple[Figure, ...]
    plan: Plan
    machines: int  # of the fleet that was simulated
    cores: int  # of each
    limits: tuple[Limit, ...]  # the one that breaks first, first
    sensitivities: tuple[Sensitivity, ...]
    lanes: tuple[LaneNeed, ...]
    people: tuple[Quantiles, ...]
    steps: tuple[Stay, ...]
    witnesses: tuple[Witness, ...]
    peers: tuple[Peer, ...]
    probes: tuple[Probe, ...]
    minutes: tuple[Minute, ...]
    settings: dict[str, str]  # of each machine: what was simulated is what these make true
    assumed: tuple[str, ...]
    sources: tuple[str, ...]
    again: str  # the command that gives this again

    def figure(self, name: str) -> Figure:
        """Return a figure by name. Raises KeyError if there is none."""
        for one in self.figures:
            if one.name == name:
                return one
        raise KeyError(name)


def encoded(answer: Answer) -> bytes:
    """Return `answer.json`: the same answer gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(answer), indent=1) + b"\n"
