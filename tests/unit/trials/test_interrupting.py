"""Ctrl-C in a rehearsal: what others left in its folder stays, what it began goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stentor.base.errors import UsageError
from stentor.base.settings import Settings
from stentor.cli import app
from stentor.trials.rehearse import Interrupted, Wish, run_rehearsal
from support.rehearsed import SCENARIO


class Impatient:
    """Presses Ctrl-C as soon as anything is simulated."""

    def now(self, line: str) -> None:
        if line.startswith("Simulating"):
            raise KeyboardInterrupt

    def done(self, line: str) -> None:
        """Let it go on."""


def interrupted(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "small.toml").write_text(SCENARIO)
    wish = Wish(str(tmp_path / "small.toml"), simulate_only=True, out=folder)
    with pytest.raises(Interrupted):
        run_rehearsal(wish, Settings(data=str(tmp_path / "data")), Impatient())


def test_trials_that_an_earlier_rehearsal_measured_are_not_thrown_away(tmp_path: Path) -> None:
    folder = tmp_path / "earlier"
    folder.mkdir()
    (folder / "trials.jsonl").write_bytes(b"minutes of work\n")
    interrupted(tmp_path, folder)
    assert (folder / "trials.jsonl").read_bytes() == b"minutes of work\n"


def test_a_folder_of_its_own_is_gone_if_nothing_was_measured(tmp_path: Path) -> None:
    interrupted(tmp_path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_sizes_that_cannot_be_leave_no_folder_as_if_a_rehearsal_had_failed(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SCENARIO)
    wish = Wish(str(tmp_path / "small.toml"), sizes=(7, 3), out=tmp_path / "new")
    with pytest.raises(UsageError, match="rising sizes"):
        run_rehearsal(wish, Settings(data=str(tmp_path / "data")), Impatient())
    assert not (tmp_path / "new").exists()


def test_a_seed_that_is_none_is_refused_before_anything_is_tried(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SCENARIO)
    done = CliRunner().invoke(
        app,
        ["rehearse", str(tmp_path / "small.toml"), "--simulate-only", "--seed", "-1",
         "--data", str(tmp_path / "data")],
    )  # fmt: skip
    assert done.exit_code == 2
    assert not (tmp_path / "data").exists()
