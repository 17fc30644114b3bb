"""Two witnesses of one trial: what real listeners showed, and what the simulation says of the same.

Each trial is simulated as a scenario of its own, through the code that simulates fleets, with costs
fitted from the trials of all other sizes: nothing of what is predicted was used to predict it. Of
the trial itself only the machine's speed just then is known (`speed`). One figure too far off
refutes the simulation. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from stentor.admission.lanes import period_s
from stentor.rehearsal.answer import Witness
from stentor.rehearsal.band import RESOLUTION_S, is_borne_out, off_by
from stentor.rehearsal.fitting import fit, sizes, without_size
from stentor.rehearsal.pooled import pooled
from stentor.rehearsal.speed import slower
from stentor.rehearsal.trial import Kind, Trial
from stentor.simulate.fleet.calibration import Calibration
from stentor.simulate.fleet.course import Course, Spread
from stentor.simulate.fleet.run import simulate
from stentor.simulate.fleet.scenario import (
    Arrivals,
    Event,
    Fleet,
    Programme,
    Scenario,
    Staying,
)

_SEED = 1
_FOR_EVER_S = 86_400.0
_MORE_S = 10  # after the trial, so that everybody's times are known
_LEAD_S = 5  # edges are there before anybody comes, and their doors have saved up
# An edge's second is not a trial's: what it renews each second is met at four moments of it.
_PHASES_S = (0.0, 0.25, 0.5, 0.75)
_WITNESSES_MIN = 3  # sizes


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the simulation says of a trial. Times are of people, CPU of all its edges."""

    cpu_s: float
    first_audio_s: Spread
    wait_s: Spread


def as_scenario(trial: Trial, phase_s: float = 0.0) -> tuple[Scenario, Fleet]:
    """Return a trial as what is simulated: its listeners, and the one machine with its edges."""
    lead_s = _LEAD_S + phase_s
    came = sum(one.count for one in trial.groups)
    lane_ms = round(period_s(trial.lane_parts) * 1000)
    fleet = Fleet(
        machines=1,
        regions=1,
        cores=trial.edges,
        memory_gib=1024.0,
        network_gbit_per_s=1000.0,
        edges=trial.edges,
        admissions_per_s_max=trial.per_s,
        join_share=trial.join_share,
        door_network_per_s=0.0,
    )
    scenario = Scenario(
        name="trial",
        about="a trial of a rehearsal",
        event=Event(
            listeners=came, lasts_s=float(ceil(lead_s + trial.lasts_s + _MORE_S)), hour_s=0.0
        ),
        arrivals=tuple(
            Arrivals(
                model="steady",
                share=one.count / came,
                from_s=lead_s + one.from_s,
                until_s=lead_s + one.until_s,
            )
            for one in trial.groups
        ),
        programme=Programme(tls=trial.tls, lane_ms_min=lane_ms, lane_ms_max=lane_ms),
        staying=Staying(median_s=_FOR_EVER_S, sigma=0.0, patience_s=_FOR_EVER_S, visits=0.0),
        fleet=fleet,
    )
    return scenario, fleet


def predict(trial: Trial, calibration: Calibration) -> Predicted:
    """Return what the simulation says of a trial."""
    courses = []
    for phase_s in _PHASES_S:
        scenario, fleet = as_scenario(trial, phase_s)
        courses.append(simulate(scenario, fleet, calibration, _SEED))
    seconds = slice(_LEAD_S, _LEAD_S + ceil(trial.lasts_s))
    cpu_s = [float(one.seconds["cpu"][seconds].sum()) * one.fleet.cores for one in courses]
    return Predicted(
        sum(cpu_s) / len(cpu_s), _pooled(courses, "first_audio_s"), _pooled(courses, "wait_s")
    )


def _pooled(courses: Sequence[Course], name: str) -> Spread:
    spreads = [one.people[name] for one in courses]
    return Spread(spreads[0].edges, np.sum([one.counts for one in spreads], axis=0))


def compare(trial: Trial, predicted: Predicted) -> Iterator[Witness]:
    """Yield each figure that both witnesses have."""
    name = _NAMES[trial.kind]
    yield _witness(trial, f"{name}: CPU of the edges", predicted.cpu_s, trial.cpu_s, 0.0)
    for what, spread, measured in (
        ("time to first audio", predicted.first_audio_s, trial.first_audio_s),
        ("wait in line", predicted.wait_s, trial.wait_s),
    ):
        if not measured.of:
            continue
        for label, share, found in (("median", 0.5, measured.p50), ("p95", 0.95, measured.p95)):
            said = quantile(spread, share)
            yield _witness(trial, f"{name}: {what}, {label}", said, found, RESOLUTION_S)


def quantile(spread: Spread, share: float) -> float:
    """Return a quantile as if each bin's were spread evenly over it; 0 if there is nobody."""
    upto = np.cumsum(spread.counts)
    if not len(upto) or not upto[-1]:
        return 0.0
    n = int(np.searchsorted(upto, share * upto[-1]))
    low, high = spread.edges[n], spread.edges[min(n + 1, len(spread.edges) - 1)]
    into = (share * upto[-1] - (upto[n] - spread.counts[n])) / spread.counts[n]
    return float(low + into * (high - low))


_NAMES = {Kind.CROWD: "crowd", Kind.LINE: "line"}  # the others are for costs


def witnesses(
    trials: Sequence[Trial], machine: str, cores: int, tell: Callable[[str], None] = lambda _: None
) -> list[Witness]:
    """Return all comparisons; void trials are witnesses of nothing."""
    good = [one for one in trials if not one.void]
    found: list[Witness] = []
    for trial in pooled(good):
        if trial.kind not in _NAMES:
            continue
        tell(f"predicts the trial of {trial.size:,} from the other sizes")
        others = without_size(good, trial.size)
        costs = fit(others, machine=machine, cores=cores, lane_parts=trial.lane_parts)
        now = costs.calibration.times(slower(trial.piece_s, costs.piece_s))
        found += compare(trial, predict(trial, now))
    return found


def refuted(found: Sequence[Witness], trials: Sequence[Trial]) -> str:
    """Return the sentence that says why this rehearsal failed and what to do; empty if it holds."""
    trials = pooled(trials)
    void = [one for one in trials if one.void and one.kind in _NAMES]
    spoiled = {one.size for one in void}
    good = [size for size in sizes(trials) if size not in spoiled]
    wrong = [one for one in found if not one.holds]
    if wrong:
        worst = max(wrong, key=lambda one: abs(one.off))
        return (
            f"The trials refute the simulation in {len(wrong)} of {len(found)} figures; worst:"
            f" {worst.what}, {worst.listeners:,} listeners, {worst.way}: predicted"
            f" {worst.predicted:.3g} {worst.unit}, measured {worst.measured:.3g} {worst.unit}"
            f" ({worst.off:+.0%}). Do not rely on the answer; rehearse again when nothing else"
            " runs on this machine, and if it stays so, report it as a mistake of the simulation."
        )
    unknown = next((one for one in trials if one.void and one.kind is Kind.DELIVERIES), None)
    if unknown is not None:
        return (
            f"What a delivery costs ({unknown.way}) could not be measured: {unknown.void}. End what"
            " else runs on this machine, and rehearse again."
        )
    if len(good) < min(_WITNESSES_MIN, len(sizes(trials))) or len(good) < 2:
        why = void[0].void if void else "too few sizes were tried"
        return (
            f"Only {len(good)} of {len(sizes(trials))} sizes could be measured: {why}. End what"
            " else runs on this machine, and rehearse again."
        )
    return ""


def _witness(
    trial: Trial, what: str, predicted: float, measured: float, resolution: float
) -> Witness:
    return Witness(
        what=what,
        unit="s",
        listeners=trial.size,
        way=trial.way,
        predicted=predicted,
        measured=measured,
        holds=is_borne_out(predicted, measured, resolution),
        off=off_by(predicted, measured),
    )
