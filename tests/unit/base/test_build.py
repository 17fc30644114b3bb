"""Which code this is: the digest changes with every file, and a revision is found where one is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stentor.base.build import digest_of, read_build, read_revision


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "src" / "package"
    (folder / "site").mkdir(parents=True)
    (folder / "a.py").write_text("a = 1\n")
    (folder / "site" / "page.html").write_text("<p>")
    return folder


def test_any_file_that_is_edited_moved_added_or_removed_changes_the_digest(package: Path) -> None:
    seen = [digest_of(package)]
    (package / "a.py").write_text("a = 2\n")
    seen.append(digest_of(package))
    (package / "site" / "page.html").rename(package / "site" / "other.html")
    seen.append(digest_of(package))
    (package / "b.py").touch()
    seen.append(digest_of(package))
    (package / "a.py").unlink()
    seen.append(digest_of(package))
    assert len(set(seen)) == 5
    assert digest_of(package) == seen[-1]


def test_what_python_makes_of_the_files_is_no_part_of_them(package: Path) -> None:
    before = digest_of(package)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_bytes(b"\0")
    assert digest_of(package) == before


def test_the_commit_is_found_as_git_keeps_it_loose_packed_and_detached(package: Path) -> None:
    project = package.parents[1]
    assert read_revision(package) == ""

    def git(*words: str) -> str:
        names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *names, *words],
            cwd=project,
            env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    try:
        git("init", "-q")
    except FileNotFoundError:
        pytest.skip("there is no git")
    git("add", ".")
    git("commit", "-qm", "One")
    head = git("rev-parse", "HEAD")
    assert read_revision(package) == head
    git("pack-refs", "--all")
    assert read_revision(package) == head
    git("checkout", "-q", "--detach")
    assert read_revision(package) == head
    git("worktree", "add", "-q", "-b", "other", str(project.parent / "tree"))
    assert read_revision(project.parent / "tree" / "src" / "package") == head


def test_this_code_has_a_version_and_a_digest() -> None:
    build = read_build()
    assert build.version
    assert len(build.digest) == 64
