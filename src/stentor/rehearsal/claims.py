"""What a rehearsal may claim, each kind a type of its own: measured, simulated, extrapolated.

A measured claim has no figures but those of the trial in it, so nothing can be claimed as tested
that no trial tested. What people read is made from the claims here, and is never handed in.
"""

from collections.abc import Sequence

import msgspec

from stentor.rehearsal.answer import Outcome

LISTENERS_MAX = 10_000_000_000  # more than there are people


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Real listeners on real sockets of one machine, and how they fared."""

    name: str
    listeners: int  # who got audio and still had it at the end
    came: int
    seconds: float
    cores: int  # that edges and listeners had between them
    edges: int  # processes
    tls: bool
    checks: int  # parts whose place in the programme was checked
    hashed: int  # of those, compared bit by bit
    decoded: int  # of those, decoded too
    stalls: int
    gaps: int
    lost: int  # connections that ended before their time
    broken: int  # parts that differed, or did not decode
    joins_per_s: float = 0.0  # at most


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="measured"):
    """Tested: the trial itself is the claim."""

    trial: Trial


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
    "listeners an edge process": "",
    "edge processes": "",
    "machines": "",
    "cores": "",
    "memory": "bytes",
    "network": "bit/s",
    "joins": "a second",
    "traffic": "bytes",
    "cost": "in the scenario's currency",
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


def fault_of_claim(claim: Claim) -> str | None:
    """Say what no rehearsal could have found, or None."""
    match claim:
        case Measured(trial=trial):
            return _fault_of_trial(trial)
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


def _fault_of_trial(trial: Trial) -> str | None:
    counts = (
        trial.listeners, trial.came, trial.checks, trial.hashed, trial.decoded, trial.stalls,
        trial.gaps, trial.lost, trial.broken,
    )  # fmt: skip
    if min(counts) < 0 or not trial.seconds > 0 or trial.cores < 1 or trial.edges < 1:
        return f"the trial {trial.name[:40]!r} has figures that cannot be"
    if not 1 <= trial.listeners <= trial.came <= LISTENERS_MAX:
        return f"the trial {trial.name[:40]!r} has more listeners than came, or none"
    if trial.checks < trial.listeners or max(trial.hashed, trial.decoded) > trial.checks:
        return f"in the trial {trial.name[:40]!r} not every listener's audio was checked"
    return None


def largest_trial(claims: Sequence[Claim]) -> Trial | None:
    """Return the trial with most listeners, None if nothing was measured."""
    trials = [claim.trial for claim in claims if isinstance(claim, Measured)]
    return max(trials, key=lambda trial: (trial.listeners, trial.seconds), default=None)


def sentence(claims: Sequence[Claim]) -> str:
    """Return the one sentence that may be said in public, from the labels alone."""
    trial = largest_trial(claims)
    largest = max(
        (claim for claim in claims if isinstance(claim, Simulated)),
        key=lambda claim: claim.listeners,
        default=None,
    )
    if trial is None and largest is None:
        return "Nothing was measured, and nothing simulated."
    how = OUTCOMES.get(largest.outcome, ", with an outcome that is none") if largest else ""
    simulated = f"{largest.listeners:,}{how}" if largest else ""
    if trial is None:
        return f"Nothing was measured: only simulated, with {simulated}."
    cores = f"{trial.cores} core{'s' * (trial.cores != 1)}"
    tested = f"Tested here with {trial.listeners:,} real listeners on {cores}"
    return f"{tested}; simulated with {simulated}." if simulated else f"{tested}."


def told(claim: Claim) -> str:
    """Return a claim as a sentence."""
    match claim:
        case Measured(trial=one):
            way = "by TLS" if one.tls else "without TLS"
            fared = ", ".join(
                f"{count:,} {name}"
                for count, name in (
                    (one.stalls, "stalls"), (one.gaps, "gaps"), (one.lost, "lost connections"),
                    (one.broken, "broken parts"), (one.came - one.listeners, "without audio"),
                )
            )  # fmt: skip
            return (
                f"{one.listeners:,} real listeners {way} for {one.seconds:,.0f} s:"
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
            return f"{claim.what[:40].capitalize()}: {claim.value:,.6g} {unit}".rstrip() + "."
        case Assumed():
            return ASSUMED.get(claim.what, "")
