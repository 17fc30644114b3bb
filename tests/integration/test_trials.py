"""Each kind of trial with a few real listeners: what they hear is counted, and who disturbs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stentor.rehearsal.trial import Kind, Trial
from stentor.trials import run
from stentor.trials.ground import share_cores
from stentor.trials.plan import FAST, SLOW, TrialPlan
from stentor.trials.programme import Programme

FEW = 40
PLANS = {
    Kind.DELIVERIES: TrialPlan(Kind.DELIVERIES, (FEW,), False, SLOW, 1),
    Kind.CROWD: TrialPlan(Kind.CROWD, (FEW,), True, 3, 1, first=FEW, comes_s=0.2, lasts_s=5.0),
    Kind.TOLD: TrialPlan(
        Kind.TOLD, (FEW,), False, 3, 1, per_s=0.01, first=FEW, comes_s=0.2, lasts_s=4.0
    ),
}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def programme() -> Programme:
    return Programme()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fitted to these trials, so no stretch has to be long."""
    monkeypatch.setattr(run, "IDLE_S", 0.3)
    monkeypatch.setattr(run, "STEP_S", 1.2)  # the slow lane's come once in 0.96 s


def tried(plan: TrialPlan, programme: Programme, tell: run.Tell = lambda _: None) -> Trial:
    trial = run.run_trial(plan, programme, "this", tell)
    assert awake() == [], "nothing keeps cores busy when a trial is over"
    return trial


def awake() -> list[str]:
    """Return our processes that keep cores awake."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == os.getpid() and b"SCHED_IDLE" in command:
            found.append(entry.name)
    return found


def test_deliveries_are_counted_in_both_lanes_and_memory_by_the_listener(
    programme: Programme,
) -> None:
    trial = tried(PLANS[Kind.DELIVERIES], programme)
    assert [one.name for one in trial.windows] == [
        "idle", f"deliveries-{SLOW}", f"deliveries-{FAST}",
    ]  # fmt: skip
    assert trial.checked.heard == trial.checked.came == FEW
    assert trial.checked.broken == 0
    slow, both = trial.windows[1:]
    assert slow.deliveries > 0
    assert both.deliveries > slow.deliveries  # of the 0.96 s lane there are 17 a second by now
    assert slow.sent_bytes / slow.deliveries > 2 * both.sent_bytes / both.deliveries
    assert trial.process_bytes > 0
    assert trial.media_bits_per_s > 0


def test_nobody_is_let_in_where_places_are_told_and_each_is_told_one(programme: Programme) -> None:
    trial = tried(PLANS[Kind.TOLD], programme)
    told = trial.window("told")
    assert told is not None
    assert told.places >= FEW - 1
    assert told.asked_s > 0
    assert trial.checked.heard <= 1
    assert trial.told_s.of >= FEW - 1


class Spinning:
    """Something else at work on a core, from when the edges are there."""

    def __init__(self, core: int) -> None:
        self._program = f"import os\nos.sched_setaffinity(0, [{core}])\nwhile True: pass"
        self._process: subprocess.Popen[bytes] | None = None

    def tell(self, line: str) -> None:
        if line == "nobody is there":
            self._process = subprocess.Popen([sys.executable, "-c", self._program])

    def __enter__(self) -> Spinning:
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


def test_a_crowd_hears_and_who_else_took_the_edges_cores_is_seen(programme: Programme) -> None:
    cores = share_cores()
    with Spinning(cores.edges[0]) as other:
        trial = tried(PLANS[Kind.CROWD], programme, other.tell)
    assert trial.checked.heard == trial.checked.came == FEW
    assert sum(one.joined for one in trial.windows) == FEW
    assert trial.first_audio_s.of == FEW
    assert trial.cpu_s > 0
    assert trial.foreign * len(cores.edges) > 0.2
    if cores.apart and len(cores.edges) <= 2:
        assert "other programs took" in trial.void
