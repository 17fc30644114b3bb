"""A whole rehearsal: trials, what they cost, the fleet under virtual time, the answer, the files.

Decides in which order, and what is written where; every figure is somebody else's. What was
measured lies on the disk before anything else begins, so an interrupted rehearsal goes on.
"""

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.build import Build, read_build
from stentor.base.errors import StentorError, UsageError
from stentor.base.machine import Machine, memory_here_bytes, read_machine
from stentor.base.paths import DataFolder
from stentor.base.secrets import load_or_make_key
from stentor.base.settings import Settings, told_settings
from stentor.rehearsal.answer import Answer, Probe, Witness, encoded
from stentor.rehearsal.certificate import TRIALS_FILE, Run, scenario_text
from stentor.rehearsal.certified import certificate_of
from stentor.rehearsal.fitting import Fit, fit
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.miniature import probe
from stentor.rehearsal.page import answer_page
from stentor.rehearsal.plan import make_plan, planned_fleet
from stentor.rehearsal.trial import Trial
from stentor.rehearsal.tried import told_tried
from stentor.rehearsal.witnesses import refuted, witnesses
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.need import check_fits, need
from stentor.simulate.fleet.run import simulate
from stentor.simulate.fleet.scenario import Fleet, Scenario
from stentor.trials.ground import share_cores
from stentor.trials.kept import Kept
from stentor.trials.plan import EDGES_MAX, TrialPlan, default_sizes, plan_trials, takes_s
from stentor.trials.programme import Programme
from stentor.trials.run import run_trial
from stentor.trials.scenarios import Found, find_scenario

_TELL_S = 0.25
_VOID_MAX = 4  # as many void ones, and none else: the machine is at other work
ANSWER, PAGE, COSTS, CERTIFICATE = (
    "answer.json",
    "answer.html",
    "costs.json",
    "certificate.json",
)


class Show(Protocol):
    """Whoever is told how it goes."""

    def now(self, line: str) -> None:
        """Say how it goes just now."""
        ...

    def done(self, line: str) -> None:
        """Say something that stays."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be rehearsed. `out` None: a new folder below the data folder."""

    scenario: str
    listeners: int | None = None
    seed: int = 1
    simulate_only: bool = False
    larger_crowds: bool = False  # simulate them too, in miniature
    sizes: tuple[int, ...] = ()  # of the trials; none: as many edges as there are bear well
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it, and where it lies."""

    answer: Answer
    folder: Path


class Interrupted(StentorError):
    """Somebody pressed Ctrl-C; the text says what is kept, and how to go on."""

    exit_code = 130


def run_rehearsal(wish: Wish, settings: Settings, show: Show) -> Rehearsed:
    """Rehearse, and write what was found; raises `StentorError`."""
    found = find_scenario(wish.scenario, wish.listeners)
    _check_memory(found.scenario)
    plans = [] if wish.simulate_only else _plans(wish)
    build, machine = read_build(), read_machine()
    folder = wish.out or _new_folder(Path(settings.data), found.name)
    was_there = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from None
    trials: list[Trial] = []
    kept: Kept | None = None
    try:
        if not wish.simulate_only:
            kept = Kept(folder, build.digest, told_tried(settings))
            trials = _trials(wish, plans, folder, kept, build, settings, show)
        costs, compared, wrong = _costs(trials, machine, build, show)
        (folder / COSTS).write_bytes(msgspec.json.encode(_plain(costs)) + b"\n")
        scenario = found.scenario
        plan = make_plan(scenario, costs.calibration)
        fleet = planned_fleet(scenario, plan)
        course = _simulated(scenario, fleet, costs, wish.seed, show)
        probes = _probed(wish, scenario, fleet, costs, show)
    except KeyboardInterrupt:
        if not was_there:
            _clear(folder, kept)
        raise Interrupted(_interrupted(wish, folder, kept)) from None
    again = _again(wish)
    answer = make_answer(
        course,
        plan,
        witnesses=compared,
        probes=probes,
        refuted=wrong,
        version=build.version,
        again=again,
    )
    files = {
        ANSWER: encoded(answer),
        PAGE: answer_page(answer, course).encode(),
        COSTS: (folder / COSTS).read_bytes(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / CERTIFICATE).unlink(missing_ok=True)
    if not wrong:
        if trials:
            files[TRIALS_FILE] = (folder / TRIALS_FILE).read_bytes()
        run = _run(found, wish, build, machine, settings)
        data = certificate_of(run, answer, course, files, _key(settings))
        (folder / CERTIFICATE).write_bytes(data)
    return Rehearsed(answer, folder)


def _plans(wish: Wish) -> list[TrialPlan]:
    """Return the trials of this machine; raises `UsageError` for sizes that cannot be."""
    edges = min(EDGES_MAX, len(share_cores().edges))
    return plan_trials(wish.sizes or default_sizes(edges), edges)


def _trials(
    wish: Wish,
    plans: list[TrialPlan],
    folder: Path,
    kept: Kept,
    build: Build,
    settings: Settings,
    show: Show,
) -> list[Trial]:
    """Run the trials that are not there yet; a void one is repeated once."""
    if kept.aside:
        show.done(
            f"{kept.aside} trials of other code or settings are put aside; they are run again."
        )
    there = [plan for plan in plans if _is_done(kept, plan)]
    missing = [plan for plan in plans if plan not in there]
    if there:
        show.done(f"{len(there)} of {len(plans)} trials are there already.")
    if missing:
        show.done(
            f"{len(missing)} trials on this machine, {', '.join(f'{n:,}' for n in plans[0].sizes)}"
            f" listeners: about {takes_s(missing) / 60:.0f} min."
        )
    programme = Programme()
    for plan in missing:
        number = plans.index(plan) + 1

        def now(line: str, number: int = number, plan: TrialPlan = plan) -> None:
            show.now(f"Trial {number} of {len(plans)}, {plan.about}: {line}")

        while not _is_done(kept, plan):
            trial = run_trial(plan, programme, build.digest, now, settings)
            kept.add(trial)
            show.done(f"  {number:2} of {len(plans)}  {plan.about}: {told(trial)}")
        if len(kept.trials) >= _VOID_MAX and all(one.void for one in kept.trials):
            raise StentorError(
                f"Nothing can be measured here just now: {kept.trials[-1].void}. End what else"
                f" runs on this machine, and {_go_on(wish, folder)}"
            )
    return kept.newest(plans)


def told(trial: Trial) -> str:
    """Return how a trial went, for people."""
    checked = trial.checked
    if trial.void:
        return f"void, as {trial.void}"
    return (
        f"{checked.heard:,} heard, {checked.parts:,} parts checked, {checked.stalls} stalls,"
        f" {checked.gaps} gaps{_left_out(trial)}"
    )


def _left_out(trial: Trial) -> str:
    if not trial.left_out:
        return ""
    return f"; not counted: {len(trial.left_out)} of its times, as {trial.left_out[0]}"


def _is_done(kept: Kept, plan: TrialPlan) -> bool:
    found = kept.of(plan)
    return len(found) >= 2 or any(not one.void for one in found)


def _costs(
    trials: Sequence[Trial], machine: Machine, build: Build, show: Show
) -> tuple[Fit, list[Witness], str]:
    """Return what things cost, both witnesses' figures, and why they refute it, if they do."""
    if not trials:
        return Fit(SHIPPED, {}, ()), [], ""
    name = f"{machine.cores} × {machine.cpu}, {machine.kernel}, Python {machine.python}"
    costs = fit(
        trials,
        machine=name,
        cores=machine.cores,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=build.version,
    )
    compared = witnesses(trials, name, machine.cores, show.now)
    wrong = refuted(compared, trials)
    held = sum(one.holds for one in compared)
    show.done(f"Predicted beside measured: {held} of {len(compared)} figures hold.")
    return costs, compared, wrong


def _check_memory(scenario: Scenario) -> None:
    """Raise `UsageError` before anything is begun if the simulation would not fit into memory."""
    free = memory_here_bytes()
    if free is not None:
        fleet = planned_fleet(scenario, make_plan(scenario, SHIPPED))
        check_fits(need(scenario, fleet, SHIPPED), free)


def _simulated(scenario: Scenario, fleet: Fleet, costs: Fit, seed: int, show: Show) -> Course:
    listeners, told_s, began_s = f"{scenario.event.listeners:,}", 0.0, time.monotonic()

    def tell(second: int, of: int) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s > _TELL_S:
            told_s = now_s
            left_s = (now_s - began_s) / second * (of - second)
            show.now(
                f"Simulating {listeners} listeners: {second:,} of {of:,} s, {left_s:.0f} s to go"
            )

    show.now(f"Simulating {listeners} listeners")
    course = simulate(scenario, fleet, costs.calibration, seed, tell)
    show.done(
        f"Simulated {listeners} listeners, one by one, before {course.edges:,} edges in"
        f" {time.monotonic() - began_s:.0f} s."
    )
    return course


def _run(found: Found, wish: Wish, build: Build, machine: Machine, settings: Settings) -> Run:
    return Run(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        build=build,
        machine=machine,
        settings=told_settings(settings),
        scenario=scenario_text(found.name, found.text),
        listeners=wish.listeners,
        seed=wish.seed,
    )


def _key(settings: Settings) -> Ed25519PrivateKey:
    path = DataFolder(Path(settings.data)).rehearsal_key
    return Ed25519PrivateKey.from_private_bytes(load_or_make_key(path))


def _new_folder(data: Path, name: str) -> Path:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return DataFolder(data).rehearsals / f"{at}-{name}"


def _again(wish: Wish) -> str:
    words = ["stentor", "rehearse", wish.scenario]
    if wish.listeners is not None:
        words += ["--listeners", str(wish.listeners)]
    if wish.seed != 1:
        words += ["--seed", str(wish.seed)]
    if wish.simulate_only:
        words.append("--simulate-only")
    elif wish.sizes:
        words += ["--trial-sizes", ",".join(map(str, wish.sizes))]
    if wish.larger_crowds:
        words.append("--larger-crowds")
    return shlex.join(words)


def _interrupted(wish: Wish, folder: Path, kept: Kept | None) -> str:
    if kept is None or not kept.trials:
        return "Interrupted; nothing had been measured yet."
    return f"Interrupted; {len(kept.trials)} trials are kept: {_go_on(wish, folder)}"


def _go_on(wish: Wish, folder: Path) -> str:
    return f"go on with {_again(wish)} --out {shlex.quote(str(folder))}"


def _probed(
    wish: Wish, scenario: Scenario, fleet: Fleet, costs: Fit, show: Show
) -> tuple[Probe, ...]:
    """Return what larger crowds would find, if that is asked for."""
    if not wish.larger_crowds:
        return ()
    found = tuple(probe(scenario, fleet, costs.calibration, wish.seed, show.now))
    show.done(f"Simulated {len(found)} larger crowds and changed fleets in miniature.")
    return found


def _clear(folder: Path, kept: Kept | None) -> None:
    """Leave no folder of ours behind that nothing is in."""
    if kept is None or not kept.trials:
        for name in (COSTS, TRIALS_FILE):
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, str_keys=True)
