"""bench/edges at its smallest, so that it still runs when it is wanted."""

import json
import subprocess
from pathlib import Path

import pytest

from support.machine import Machine

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_comparison_runs_and_measures_what_is_installed(tmp_path: Path, machine: Machine) -> None:
    size = ["--listeners", "40", "--seconds", "1", "--rounds", "1", "--flood", "1"]
    servers = ["--joins", "0.5", "--only", "stentor-slow,nginx-hls"]
    result = tmp_path / "found.json"
    ended = subprocess.run(
        [ROOT / "bench" / "edges", *size, *servers, "--json", result, "--pages", tmp_path],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    held_up_s = machine.held_up_s()
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = json.loads(result.read_text())
    for name, server in found["servers"].items():
        (once,) = server["rounds"]
        assert once["listeners"] == 40, name
        assert once["lost"] == 0, name
        assert once["stalls"] == 0 or held_up_s > 0.5, name
        assert server["joins_per_s"] > 0, name
        assert server["flood"]["present"] == 40, name
    ours = found["servers"]["stentor-slow"]["rounds"][0]
    assert 7.68 < ours["behind_p50_s"] < 11.5 + held_up_s
    assert (tmp_path / "edges.md").exists()
    for peer, why in found["skipped"].items():
        pytest.skip(f"this edge was measured, {peer} was not: {why}")
