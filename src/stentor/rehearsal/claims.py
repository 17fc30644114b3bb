"""What a rehearsal may claim, each kind a type of its own: measured, simulated, extrapolated.

A measured claim has no figures but those of a trial, so nothing can be claimed as tested that no
trial tested. What people read is made from the claims here, and is never handed in.
"""

from collections.abc import Iterable, Sequence

import msgspec

from stentor.rehearsal.answer import Outcome
from stentor.rehearsal.trial import Kind, Trial
from stentor.rehearsal.wording import counted, scaled, with_unit

LISTENERS_MAX = 10_000_000_000  # more than there are people


class Tested(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Real listeners on real sockets of one machine, and how they fared: a trial in short."""

    kind: str
    listeners: int  # who got audio and still had it at the end
    came: int
    seconds: float
    cores: int  # of the edges
    edges: int  # processes
    tls: bool
    checks: int  # parts whose place in the programme was checked
    hashed: int  # of those, compared bit by bit
    decoded: int  # of those, decoded too
    stalls: int
    gaps: int
    lost: int  # connections that ended before their time
    broken: int  # parts that differed, or did not decode


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="measured"):
    """Somebody was there: what a trial found is the claim."""

    tested: Tested


class Simulated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="simulated"):
    """Nobody was there: the fleet under virtual time, listener by listener."""

    listeners: int  # who came in all
    peak: int  # who listened at once, at most
    lasts_s: float
    edges: int
    machines: int
    outcome: str  # one of `answer.Outcome`
    course: str = ""  # SHA-256 of what the simulation found: the same again from the same seed


class Extrapolated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="extrapolated"):
    """A figure for machines that nobody had: measured costs times simulated numbers."""

    what: str  # one of EXTRAPOLATED
    value: float


class Assumed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="assumed"):
    """Taken as given. `what` is one of ASSUMED."""

    what: str


Claim = Measured | Simulated | Extrapolated | Assumed

# What may be extrapolated, and its unit.
EXTRAPOLATED = {
    "machines": "of the scenario's kind",
    "edge processes": "in all",
    "cores": "in all",
    "joins": "a second",
    "network": "bit/s",
    "traffic": "B",
    "cost": "in the scenario's currency",
}
_SCALED = ("bit/s", "B")
_KINDS = {
    "deliveries": "of a programme much faster than life",
    "crowd": "who came all at once",
    "told": "before a door that lets hardly anybody in",
    "line": "with a line at the door",
}
# How a simulation ended, and what is added to its number: a failure is not left out.
OUTCOMES = {
    Outcome.HOLDS.value: "",
    Outcome.LINE.value: ", some of them in line",
    Outcome.FAILS.value: ", which fails",
}
ASSUMED = {
    "costs": "What a listener costs comes with the code; it was not measured on this machine.",
    "scale": "What a listener costs here, one costs on every machine of the fleet.",
    "people": "People come, stay and leave as the scenario says.",
    "fleet": "The fleet has the cores, memory and network that the scenario gives it.",
    "prices": "Machines and traffic cost what the scenario says.",
}


def measured(trials: Iterable[Trial]) -> tuple[Measured, ...]:
    """Return the measured claims: one for each trial that counts and in which somebody listened.

    The only way to such a claim; whoever has the trials' file gets the same ones.
    """
    return tuple(
        Measured(
            Tested(
                kind=str(one.kind),
                listeners=min(one.checked.heard, one.checked.listening),
                came=one.checked.came,
                seconds=one.lasts_s,
                cores=one.cores,
                edges=one.edges,
                tls=one.tls,
                checks=one.checked.parts,
                hashed=one.checked.hashed,
                decoded=one.checked.decoded,
                stalls=one.checked.stalls,
                gaps=one.checked.gaps,
                lost=one.checked.lost,
                broken=one.checked.broken,
            )
        )
        for one in trials
        if not one.void and min(one.checked.heard, one.checked.listening) > 0
    )


def fault_of_claim(claim: Claim) -> str | None:
    """Say what no rehearsal could have found, or None."""
    match claim:
        case Measured(tested=one):
            return _fault_of_tested(one)
        case Simulated():
            if not 0 <= claim.peak <= claim.listeners <= LISTENERS_MAX or claim.listeners < 1:
                return "a simulation of a number of listeners that cannot be"
            if claim.outcome not in OUTCOMES:
                return f"an outcome that is none: {claim.outcome[:40]!r}"
            if claim.edges < 1 or claim.machines < 1 or not claim.lasts_s > 0:
                return "a simulation of no fleet, or of no time"
        case Extrapolated():
            if claim.what not in EXTRAPOLATED or not 0 <= claim.value < 1e30:
                return f"an extrapolation that is none: {claim.what[:40]!r}"
        case Assumed():
            if claim.what not in ASSUMED:
                return f"an assumption that is none: {claim.what[:40]!r}"
    return None


def _fault_of_tested(one: Tested) -> str | None:
    counts = (one.hashed, one.decoded, one.stalls, one.gaps, one.lost, one.broken)
    name = f"a trial ({one.kind[:20]}) of {one.listeners:,}"
    if min(counts) < 0 or not one.seconds > 0 or one.cores < 1 or one.edges < 1:
        return f"{name} with figures that cannot be"
    if one.kind not in set(Kind):
        return f"{name}, of a kind that there is not"
    if not 1 <= one.listeners <= one.came <= LISTENERS_MAX:
        return f"{name}, more than came to it, or nobody"
    if one.checks < one.listeners or max(one.hashed, one.decoded) > one.checks:
        return f"{name} in which not everybody's audio was checked"
    return None


def largest_tested(claims: Sequence[Claim]) -> Tested | None:
    """Return the trial with most listeners, None if nothing was measured."""
    tested = [claim.tested for claim in claims if isinstance(claim, Measured)]
    return max(tested, key=lambda one: (one.listeners, one.seconds), default=None)


def sentence(claims: Sequence[Claim]) -> str:
    """Return the one sentence that may be said in public, from the labels alone."""
    most = largest_tested(claims)
    largest = max(
        (claim for claim in claims if isinstance(claim, Simulated)),
        key=lambda claim: claim.listeners,
        default=None,
    )
    if most is None and largest is None:
        return "Nothing was measured, and nothing simulated."
    how = OUTCOMES.get(largest.outcome, ", with an outcome that is none") if largest else ""
    simulated = f"{largest.listeners:,}{how}" if largest else ""
    if most is None:
        return f"Nothing was measured: only simulated, with {simulated}."
    who, where = counted(most.listeners, "real listener"), counted(most.cores, "core")
    tested = f"Tested here with {who} on {where}"
    return f"{tested}; simulated with {simulated}." if simulated else f"{tested}."


def told(claim: Claim) -> str:
    """Return a claim as a sentence."""
    match claim:
        case Measured(tested=one):
            way = "by TLS" if one.tls else "without TLS"
            fared = (
                f"{one.stalls:,} stalls, {one.gaps:,} gaps, {one.lost:,} lost connections,"
                f" {one.broken:,} broken parts, {one.came - one.listeners:,} gone at the end"
            )
            kind = _KINDS.get(one.kind, "")
            return (
                f"{one.listeners:,} real listeners {way} {kind}, for {one.seconds:,.0f} s:"
                f" {one.checks:,} parts checked, {one.decoded:,} of them decoded; {fared}."
            )
        case Simulated():
            return (
                f"{claim.listeners:,} listeners, {claim.peak:,} of them at once, over"
                f" {claim.lasts_s:,.0f} s before {claim.edges:,} edge processes on"
                f" {claim.machines:,} machines{OUTCOMES.get(claim.outcome, '')}."
            )
        case Extrapolated():
            unit = EXTRAPOLATED.get(claim.what, "")
            shown = scaled(claim.value, unit) if unit in _SCALED else with_unit(claim.value, unit)
            return f"{claim.what[:40].capitalize()}: {shown}."
        case Assumed():
            return ASSUMED.get(claim.what, "")
