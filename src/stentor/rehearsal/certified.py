"""From a rehearsal's findings to its certificate: which claims they bear out, each with its label.

The one way from an answer to a certificate: what is measured comes from trials, what is simulated
from the course, what is extrapolated from the plan.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.rehearsal.answer import Answer, Witness
from stentor.rehearsal.certificate import TRIALS_FILE, Certificate, Compared, Run, certify
from stentor.rehearsal.claims import Claim, Extrapolated, Simulated, measured
from stentor.rehearsal.trial import Trial, decode_trials
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.reading import read
from stentor.simulate.fleet.run import Progress, simulate
from stentor.simulate.fleet.scenario import scaled


def certificate_of(
    run: Run,
    answer: Answer,
    course: Course,
    files: Mapping[str, bytes],
    key: Ed25519PrivateKey,
) -> bytes:
    """Return the certificate's file; raises `Uncertifiable`, as for a simulation that is refuted.

    `files` are the other files of the rehearsal's folder. All trials in TRIALS_FILE that count are
    claimed, whatever the answer took its costs from: none is left out for how it went.
    """
    trials = decode_trials(files.get(TRIALS_FILE, b""))
    compared = tuple(_compared(one) for one in answer.witnesses)
    claims = claims_of(answer, course, trials)
    return certify(run, course.fleet, course.calibration, claims, compared, files, key)


def claims_of(answer: Answer, course: Course, trials: Sequence[Trial]) -> tuple[Claim, ...]:
    """Return what such findings bear out."""
    plan = answer.plan
    extrapolated = {
        "machines": plan.machines,
        "edge processes": plan.processes,
        "cores": plan.machines * answer.cores,
        "joins": plan.peak_per_s,
        "network": plan.bits_per_s,
        "traffic": plan.bytes_sent,
        "cost": plan.cost,
    }
    return (
        *measured(trials),
        Simulated(
            listeners=course.scenario.event.listeners,
            peak=int(course.seconds["listeners"].max(initial=0.0)),
            lasts_s=course.scenario.event.lasts_s,
            edges=course.edges,
            machines=answer.machines,
            outcome=str(answer.outcome),
            course=digest_of(course),
        ),
        *(Extrapolated(what, float(value)) for what, value in extrapolated.items()),
    )


def simulated_again(one: Certificate, progress: Progress | None = None) -> bool:
    """Simulate what a certificate says was simulated; say whether that was found again.

    Takes as long as it took then. Raises `UsageError` if this version cannot read the scenario, or
    this machine has not the memory. Other code may find something else, and so may another
    machine's arithmetic.
    """
    scenario = read(one.run.scenario.text)
    if one.run.listeners:
        scenario = scaled(scenario, one.run.listeners)
    course = simulate(scenario, one.fleet, one.calibration, one.run.seed, progress)
    found = digest_of(course)
    simulated = [claim for claim in one.claims if isinstance(claim, Simulated)]
    return bool(simulated) and all(claim.course == found for claim in simulated)


def digest_of(course: Course) -> str:
    """Return what two simulations of the same scenario, fleet, costs and seed agree in."""
    whole = hashlib.sha256()

    def add(name: str, values: object) -> None:
        data = np.ascontiguousarray(values)
        whole.update(f"{name} {data.dtype.str} {data.shape}\n".encode() + data.tobytes())

    for name in sorted(course.seconds):
        add(name, course.seconds[name])
    add("lanes", course.lanes)
    for name in sorted(course.people):
        add(f"{name} edges", course.people[name].edges)
        add(f"{name} counts", course.people[name].counts)
    for name in sorted(course.percentiles):
        add(name, course.percentiles[name])
    for name in sorted(course.counts):
        whole.update(f"{name} {course.counts[name]}\n".encode())
    return whole.hexdigest()


def _compared(one: Witness) -> Compared:
    what = f"{one.what} ({one.way})" if one.way else one.what
    return Compared(what, one.listeners, one.predicted, one.measured)
