"""The pages keep promises as files: nobody else's code, nothing inline, no sprawl."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

SITES = [Path(str(files(f"stentor.{part}") / "site")) for part in ("edge", "control")]
FILES = [path for site in SITES for path in sorted(site.iterdir())]
LINES_MAX = 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_page_file_is_small_and_depends_on_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") < LINES_MAX
    if path.suffix == ".html":
        assert not re.search(r"\son[a-z]+=|\sstyle=|<style", text)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    for address in re.findall(
        r'(?:src|href)="([^"]*)"|^(?:import|export)[^;]* from "([^"]*)"', text, re.M
    ):
        assert (address[0] or address[1]).startswith(("/", "#", "./")), address
    for name in re.findall(r'"/site/([^"]+)"', text):
        assert any((site / name).exists() for site in (path.parent, SITES[0])), name
    for name in re.findall(r'from "\./([^"]+)"', text):
        assert any((site / name).exists() for site in (path.parent, SITES[0])), name
