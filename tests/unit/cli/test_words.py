"""What the command line says to people, whatever their terminal and whatever goes wrong."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import stentor.cli
from stentor.load.attacks.families import FAMILIES


def test_every_family_is_named_in_full_in_a_narrow_terminal() -> None:
    """Somebody is to type it."""
    told = CliRunner().invoke(
        stentor.cli.app, ["load", "attack", "--list"], env={"COLUMNS": "80", "TERM": "dumb"}
    )
    assert told.exit_code == 0
    assert [name for name in FAMILIES if f" {name} " not in told.stdout] == []


def test_want_of_memory_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app() -> None:
        raise MemoryError

    monkeypatch.setattr(stentor.cli, "app", app)
    with pytest.raises(SystemExit) as left:
        stentor.cli.main()
    assert left.value.code == 1
    assert capsys.readouterr().err == (
        "stentor: There is not so much memory: ask for less, or elsewhere.\n"
    )
