"""A scenario is found by its path, or by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from stentor.base.errors import UsageError
from stentor.trials.scenarios import find_scenario


def test_a_name_is_looked_up_where_scenarios_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = find_scenario("interview-on-the-hour", 5000)
    assert found.name == "interview-on-the-hour"
    assert found.scenario.event.listeners == 5000
    assert "[event]" in found.text
    assert find_scenario("interview-on-the-hour.toml").scenario.event.listeners == 8_000_000


def test_who_names_none_that_is_there_is_told_which_there_are() -> None:
    with pytest.raises(UsageError, match="interview-on-the-hour"):
        find_scenario("interview")


def test_a_path_may_lie_anywhere(tmp_path: Path) -> None:
    text = Path("scenarios/mass-exit.toml").read_text()
    (tmp_path / "mine.toml").write_text(text)
    assert find_scenario(str(tmp_path / "mine.toml")).name == "mine"


def test_what_is_no_text_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe\0")
    with pytest.raises(UsageError, match="not text"):
        find_scenario(str(tmp_path / "odd.toml"))
