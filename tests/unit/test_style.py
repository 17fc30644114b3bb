"""House rules that no tool has: sizes, docstrings, names, and what must not be in any file."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = 400

# Put together here so that this file does not break its own rule.
REGISTRY_HOSTS = tuple(
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
    )
)
MACHINE_PATH = re.compile(r"(?<![\w.\-})>])/(?:" + "|".join(("work", "root")) + r")/")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


@cache
def tracked_files() -> tuple[Path, ...]:
    try:
        listed = subprocess.run(
            [
                "git",
                "-C",
                str(ROOT),
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git work tree")
    files = (ROOT / name.decode() for name in listed.split(b"\0") if name)
    return tuple(sorted(file for file in files if file.is_file() and not file.is_symlink()))


def tracked_texts() -> list[tuple[Path, str]]:
    texts = []
    for file in tracked_files():
        data = file.read_bytes()
        if b"\0" not in data:
            texts.append((file.relative_to(ROOT), data.decode("utf-8", "replace")))
    return texts


def source_files() -> list[Path]:
    return [
        file for file in tracked_files() if file.suffix == ".py" and ROOT / "src" in file.parents
    ]


def test_no_source_file_is_longer_than_anyone_reads() -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in source_files()
    }
    assert {file: n for file, n in lengths.items() if n > LINES_MAX} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in source_files()
        if not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert silent == []


def test_no_file_is_named_after_nothing() -> None:
    named = [
        str(file.relative_to(ROOT))
        for file in tracked_files()
        if FORBIDDEN_NAMES & {Path(part).stem.lower() for part in file.relative_to(ROOT).parts}
    ]
    assert named == []


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{file}: {host}"
        for file, text in tracked_texts()
        for host in REGISTRY_HOSTS
        if host in text
    ]
    assert found == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    found = [
        f"{file}:{number}"
        for file, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_locks_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text
    assert "://" not in (ROOT / "tests/npm/package-lock.json").read_text().replace(
        "https://github.com/sponsors/", ""
    )


def test_runtime_versions_are_the_same_when_tested() -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9][^\s;]*==\S+", (ROOT / name).read_text(), re.MULTILINE))

    assert versions("requirements.lock") <= versions("requirements-dev.lock")
