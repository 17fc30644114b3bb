"""`stentor rehearse` in small: interrupted, gone on with, and what lies in its folder then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from stentor.base.build import read_build
from stentor.rehearsal.trial import Kind, Trial, decode_trials, encode_trial
from stentor.trials.ground import share_cores
from stentor.trials.plan import EDGES_MAX, TrialPlan, plan_trials
from support.trials import trials, truth

SIZES = (30, 60, 90)
SCENARIO = """
name = "small"
about = "a few come, for a minute"
[event]
listeners = 200
lasts_s = 60
hour_s = 5
[[arrivals]]
model = "steady"
[fleet]
machines = 1
regions = 1
cores = 1
"""


def seeded(folder: Path) -> tuple[int, TrialPlan]:
    """Put all trials but one line into a rehearsal's folder, as if they had been run."""
    edges = min(EDGES_MAX, len(share_cores().edges))
    plans = plan_trials(SIZES, edges)
    missing = next(plan for plan in plans if plan.kind is Kind.LINE)
    version = read_build().digest
    made: dict[tuple[Kind, int, bool], Trial] = {
        (one.kind, one.size, one.tls): one for one in trials(truth(), SIZES, (False, True))
    }
    folder.mkdir()
    with (folder / "trials.jsonl").open("wb") as file:
        for plan in plans:
            if plan is missing:
                continue
            trial = replace(
                made[plan.kind, plan.size, plan.tls],
                lane_parts=plan.lane_parts,
                edges=plan.edges,
                join_share=plan.join_share,
                round=plan.round,
                version=version,
            )
            file.write(encode_trial(trial))
    return len(plans), missing


def rehearsal(folder: Path) -> subprocess.Popen[str]:
    (folder.parent / "small.toml").write_text(SCENARIO)
    sizes = ",".join(map(str, SIZES))
    command = [
        *(sys.executable, "-m", "stentor", "rehearse", str(folder.parent / "small.toml")),
        *("--trial-sizes", sizes, "--out", str(folder), "--data", str(folder.parent / "data")),
        "--json",
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )


def edges_of(group: int) -> list[int]:
    """Return the edges that a rehearsal has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == group and b"edge" in command:
            found.append(int(entry.name))
    return found


@pytest.mark.timeout(240)
def test_an_interrupted_rehearsal_goes_on_and_ends_with_an_answer(tmp_path: Path) -> None:
    folder = tmp_path / "rehearsal"
    count, missing = seeded(folder)
    before = (folder / "trials.jsonl").read_bytes()

    first = rehearsal(folder)
    until = time.monotonic() + 60
    while not (edges := edges_of(first.pid)) and time.monotonic() < until:
        time.sleep(0.05)
    assert edges
    first.send_signal(signal.SIGINT)
    _, told = first.communicate(timeout=90)
    assert first.returncode == 130, told
    assert f"{count - 1} trials are kept" in told
    assert f"--out {folder}" in told
    assert (folder / "trials.jsonl").read_bytes() == before
    for pid in edges:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    second = rehearsal(folder)
    said, told = second.communicate(timeout=150)
    assert f"{count - 1} of {count} trials are there already" in told
    assert said.count("\n") == 1, told
    answer = json.loads(said)
    measured = decode_trials((folder / "trials.jsonl").read_bytes())[count - 1 :]
    assert measured
    for trial in measured:
        assert (trial.kind, trial.size) == (Kind.LINE, missing.size)
        # Real listeners: all were there, heard all there was, and some had to wait.
        assert trial.checked.heard == trial.checked.came == missing.size + missing.flood
        assert trial.checked.broken == trial.checked.gaps == 0
        assert trial.checked.decoded > 0
        assert trial.wait_s.of > 0
        assert trial.cpu_s > 0
        assert [window.name for window in trial.windows] == [
            *("idle", "pages", "comes", "listens", "flood", "after")
        ]
        assert trial.windows[2].joined == missing.size
        assert trial.windows[2].asked_s > 0
    assert json.loads((folder / "answer.json").read_bytes()) == answer
    assert "small" in (folder / "answer.html").read_text()
    assert answer["costs"] == "measured"
    # What others on this machine did to the one real trial decides how it ends, not whether.
    held = all(one["holds"] for one in answer["witnesses"])
    voids = len(measured) == 2 and all(one.void for one in measured)
    assert (second.returncode == 0) == (held and not voids), told
    assert (folder / "certificate.json").exists() == (second.returncode == 0)
