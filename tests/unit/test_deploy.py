"""What a deploy may change, and what it refuses."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from stentor.base.errors import ConfigurationError
from stentor.base.settings import Settings
from stentor.deploy import CHANGEABLE, changed_settings

_SOURCES = Path(__file__).parents[2] / "src" / "stentor"


def test_changes_are_told_by_name_with_both_values() -> None:
    new = Settings(edge_lag_s=9.0, tls_certificate="/a", forwarded_from="::1")
    assert changed_settings(Settings(), new) == {
        "edge_lag_s": ("12.0", "9.0"),
        "tls_certificate": ("", "/a"),
        "forwarded_from": ("", "::1"),
    }
    assert changed_settings(new, new) == {}


@pytest.mark.parametrize("change", [{"port": 9000}, {"edges": 1}, {"hold_back_ms": 200}])
def test_change_that_other_parts_would_not_notice_is_refused_by_name(change: dict) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(change))} .*nothing was touched"):
        changed_settings(Settings(), Settings(edge_lag_s=9.0, **change))


def test_no_other_part_reads_what_a_deploy_may_change() -> None:
    changeable = [one.name for one in fields(Settings) if one.name.startswith(CHANGEABLE)]
    assert len(changeable) > 20
    others = [
        path
        for path in _SOURCES.rglob("*.py")
        # Commands read them anew each time, and are no part of a server; trials have edges of
        # their own.
        if path.relative_to(_SOURCES).parts[0] not in ("edge", "base", "load", "cli", "trials")
    ]
    for path in others:
        text = path.read_text()
        read = [name for name in changeable if f"settings.{name}" in text]
        if path.name == "deploy.py":
            read = [name for name in read if name != "edge_drain_s"]  # of the edge that leaves
        assert not read, f"{path} reads {read}: not to be changed without its restart"
