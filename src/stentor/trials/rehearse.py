"""A whole rehearsal: trials, what they cost, the fleet under virtual time, the answer, the files.

Decides in which order, and what is written where; every figure is somebody else's.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from stentor.base.build import read_build
from stentor.base.paths import DataFolder
from stentor.rehearsal.answer import Answer, encoded
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.page import answer_page
from stentor.rehearsal.plan import make_plan
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.run import simulate
from stentor.trials.scenarios import find_scenario

_TELL_S = 0.25


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
    """What is to be rehearsed. `out` None: a new folder below `data`."""

    scenario: str
    listeners: int | None
    seed: int
    simulate_only: bool
    out: Path | None
    data: Path


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it, and where it lies."""

    answer: Answer
    folder: Path


def run_rehearsal(wish: Wish, show: Show) -> Rehearsed:
    """Rehearse, and write what was found; raises `StentorError`."""
    found = find_scenario(wish.scenario, wish.listeners)
    scenario, calibration = found.scenario, SHIPPED
    folder = wish.out or _new_folder(wish.data, found.name)
    folder.mkdir(parents=True, exist_ok=True)
    plan = make_plan(scenario, calibration)
    fleet = scenario.fleet
    if not fleet.machines:
        machines = max(fleet.regions, round(plan.machines * fleet.share))
        fleet = msgspec.structs.replace(fleet, machines=machines)
    told_s = 0.0

    def tell(second: int, of: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s > _TELL_S:
            told_s = time.monotonic()
            show.now(f"Simulating {scenario.event.listeners:,} listeners: {second} of {of} s")

    began_s = time.monotonic()
    course = simulate(scenario, fleet, calibration, wish.seed, tell)
    show.done(
        f"Simulated {scenario.event.listeners:,} listeners, one by one, before"
        f" {course.edges:,} edges in {time.monotonic() - began_s:.0f} s."
    )
    answer = make_answer(course, plan, version=read_build().version, again=_again(wish))
    (folder / "answer.json").write_bytes(encoded(answer))
    (folder / "answer.html").write_text(answer_page(answer, course))
    return Rehearsed(answer, folder)


def _new_folder(data: Path, name: str) -> Path:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return DataFolder(data).rehearsals / f"{at}-{name}"


def _again(wish: Wish) -> str:
    words = ["stentor rehearse", wish.scenario, f"--seed {wish.seed}"]
    if wish.listeners is not None:
        words.append(f"--listeners {wish.listeners}")
    if wish.simulate_only:
        words.append("--simulate-only")
    return " ".join(words)
