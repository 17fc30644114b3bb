"""Two witnesses of one trial: what real listeners showed, and what the simulation says of the same.

Each trial is simulated as a scenario of its own, through the code that simulates fleets, with costs
fitted from the trials of all other sizes: nothing of what is predicted was used to predict it. One
figure too far off refutes the simulation. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from math import ceil, isfinite

from stentor.admission.lanes import period_s
from stentor.rehearsal.answer import Witness
from stentor.rehearsal.band import RESOLUTION_S, is_borne_out, off_by
from stentor.rehearsal.fitting import fit, sizes, without_size
from stentor.rehearsal.trial import Kind, Quantiles, Trial
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
_WITNESSES_MIN = 3  # sizes

_QUANTILES = (("median", 0.5, "p50"), ("19 of 20 within", 0.95, "p95"))


def as_scenario(trial: Trial) -> tuple[Scenario, Fleet]:
    """Return a trial as what is simulated: its listeners, and the one machine with its edges."""
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
        event=Event(listeners=came, lasts_s=float(ceil(trial.lasts_s)), hour_s=0.0),
        arrivals=tuple(
            Arrivals(
                model="steady",
                share=one.count / came,
                from_s=one.from_s,
                until_s=one.until_s,
            )
            for one in trial.groups
        ),
        programme=Programme(tls=trial.tls, lane_ms_min=lane_ms, lane_ms_max=lane_ms),
        staying=Staying(median_s=_FOR_EVER_S, sigma=0.0, patience_s=_FOR_EVER_S, visits=0.0),
        fleet=fleet,
    )
    return scenario, fleet


def predict(trial: Trial, calibration: Calibration) -> Course:
    """Return what the simulation says of a trial."""
    scenario, fleet = as_scenario(trial)
    return simulate(scenario, fleet, calibration, _SEED)


def compare(trial: Trial, course: Course) -> Iterator[Witness]:
    """Yield each figure that both witnesses have."""
    cpu_s = float(course.seconds["cpu"].sum()) * course.fleet.cores
    name = _NAMES[trial.kind]
    yield _witness(trial, f"{name}: CPU of the edges", "s", cpu_s, trial.cpu_s, 0.0)
    times: tuple[tuple[str, str, Quantiles], ...] = (
        ("time to first audio", "first_audio_s", trial.first_audio_s),
        ("wait in line", "wait_s", trial.wait_s),
    )
    for what, column, measured in times:
        spread: Spread = course.people[column]
        if not measured.of:
            continue
        for label, share, field in _QUANTILES:
            found = spread.at(share)
            predicted = found if isfinite(found) else 0.0
            yield _witness(
                trial,
                f"{name}: {what}, {label}",
                "s",
                predicted,
                getattr(measured, field),
                RESOLUTION_S,
            )


_NAMES = {Kind.CROWD: "crowd", Kind.LINE: "line", Kind.DELIVERIES: "deliveries"}


def witnesses(
    trials: Sequence[Trial], machine: str, cores: int, tell: Callable[[str], None] = lambda _: None
) -> list[Witness]:
    """Return all comparisons; void trials are witnesses of nothing."""
    good = [one for one in trials if not one.void]
    found: list[Witness] = []
    for trial in good:
        if trial.kind is Kind.DELIVERIES:
            continue
        tell(f"predicts the trial of {trial.size:,} from the other sizes")
        others = without_size(good, trial.size)
        costs = fit(others, machine=machine, cores=cores, lane_parts=trial.lane_parts)
        found += compare(trial, predict(trial, costs.calibration))
    return found


def refuted(found: Sequence[Witness], trials: Sequence[Trial]) -> str:
    """Return the sentence that says why this rehearsal failed and what to do; empty if it holds."""
    good = sizes([one for one in trials if not one.void])
    void = [one for one in trials if one.void]
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
    if len(good) < min(_WITNESSES_MIN, len(sizes(trials))) or len(good) < 2:
        why = void[0].void if void else "too few sizes were tried"
        return (
            f"Only {len(good)} of {len(sizes(trials))} sizes could be measured: {why}. End what"
            " else runs on this machine, and rehearse again."
        )
    return ""


def _witness(
    trial: Trial, what: str, unit: str, predicted: float, measured: float, resolution: float
) -> Witness:
    return Witness(
        what=what,
        unit=unit,
        listeners=trial.size,
        way=trial.way,
        predicted=predicted,
        measured=measured,
        holds=is_borne_out(predicted, measured, resolution),
        off=off_by(predicted, measured),
    )
