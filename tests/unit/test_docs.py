"""What documents point at is there: links, files, commands, settings; a word has one entry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

from stentor.base.settings import Settings
from stentor.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
SOURCE = re.compile(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|md|toml|js|html|c|sh))`")
COMMAND = re.compile(
    r"(?:^|[`( ])(?:\./run |\.venv/bin/)?stentor ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?"
)
BENCH = re.compile(r"`(?:[^`\n]*/)?bench/([a-z_]+\.py|side_by_side)([^`\n]*)`")
# Folders that a path in a document may be relative to: that of the package is left out in prose.
HOMES = (ROOT, ROOT / "src" / "stentor", ROOT / "docs", ROOT / "tests")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return what headings are called in links, as hosts of repositories make it."""
    found: Counter[str] = Counter()
    names = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text())):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        names.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        found[slug] += 1
    return names


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Return what is said of `stentor` within code: a command, and the word after it."""
    for code in re.findall(r"^```.*?^```|`[^`\n]+`", text, re.DOTALL | re.MULTILINE):
        for line in code.splitlines():
            yield from COMMAND.findall(line)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_relative_to(ROOT), target
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_a_document_names_are_there(page: Path) -> None:
    for path in SOURCE.findall(page.read_text()):
        assert any((home / path).exists() for home in (*HOMES, page.parent)), path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_a_document_names_exist(page: Path) -> None:
    known = get_command(app).commands
    for name, following in commands(page.read_text()):
        assert name in known, name
        below = getattr(known[name], "commands", None)
        if below and following:
            assert following in below, f"{name} {following}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_of_benchmarks_that_a_document_names_exist(page: Path) -> None:
    for name, options in BENCH.findall(page.read_text()):
        source = ROOT / "bench" / name
        text = (source if source.is_file() else source / "__main__.py").read_text()
        for option in re.findall(r"--[a-z][a-z-]*", options):
            assert f'"{option}"' in text, f"{name} {option}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_that_a_document_names_exist(page: Path) -> None:
    known = {field.name for field in fields(Settings)}
    for name in re.findall(r"\bSTENTOR_([A-Z][A-Z0-9_]+)", page.read_text()):
        assert name.lower() in known, name


def test_tests_that_the_readme_names_exist() -> None:
    files = {file.name: file.read_text() for file in (ROOT / "tests").rglob("test_*.py")}
    named = re.findall(r"`(test_\w+)(\.py)?`", (ROOT / "README.md").read_text())
    assert len(named) > 10
    for name, ending in named:
        there = (
            f"{name}.py" in files if ending else any(f"def {name}(" in t for t in files.values())
        )
        assert there, name


def test_decisions_are_numbered_as_their_files_are() -> None:
    for number, page in enumerate(sorted((ROOT / "docs/decisions").glob("*.md")), 1):
        assert page.name.startswith(f"{number:04}-"), page.name
        assert page.read_text().startswith(f"# {number}. "), page.name


def test_each_word_of_the_glossary_has_one_entry() -> None:
    rows = re.findall(r"^\| ([^|]+) \| .* \|$", (ROOT / "docs" / "glossary.md").read_text(), re.M)
    words = Counter(
        re.sub(r" \(.*\)", "", word).strip()
        for row in rows
        for word in row.split(",")
        if row != "word" and not row.startswith("---")
    )
    assert len(words) > 100
    assert [word for word, times in words.items() if times > 1] == []
