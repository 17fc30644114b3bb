"""The reference of settings is made from the settings themselves."""

from pathlib import Path

from stentor.cli.settings import settings_table

REFERENCE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_settings_reference_says_what_the_program_knows() -> None:
    assert settings_table() in REFERENCE.read_text(), (
        "docs/settings.md is behind: .venv/bin/stentor settings --markdown"
    )
