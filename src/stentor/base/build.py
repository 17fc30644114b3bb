"""Which code this is: version, revision if it lies in a repository, and a digest of its files.

The digest is what counts: a revision says where the code began, not what was edited since. Reads
files only and runs no other program.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

import msgspec

PACKAGE = Path(__file__).parents[1]
_REVISION_CHARS = 40
# Scenarios: a wheel carries them, a clone has them elsewhere, and certificates hold their text.
_LEFT_OUT = {"__pycache__", "scenarios"}
_TRIES = 3


class Build(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of one installation. `revision` is empty where there is no repository."""

    version: str
    revision: str
    digest: str  # SHA-256 over every installed file's path and content, hexadecimal


def read_build() -> Build:
    """Return the code as its files are now: what a process that began now would run."""
    return Build(version("stentor"), read_revision(PACKAGE), _digest_now(PACKAGE))


def _digest_now(package: Path) -> str:
    """Return the digest, or nothing while files are being replaced: no code, rather than half."""
    for _ in range(_TRIES):
        try:
            return digest_of(package)
        except OSError:
            continue
    return ""


def digest_of(package: Path) -> str:
    """Return one digest over all files below `package` but scenarios and what Python makes.

    Raises `OSError` if one of them goes away meanwhile.
    """
    whole = hashlib.sha256()
    files = (path for path in package.rglob("*") if path.is_file())
    for path in sorted(files, key=lambda path: path.relative_to(package).as_posix()):
        inside = path.relative_to(package)
        if _LEFT_OUT.intersection(inside.parts):
            continue
        whole.update(inside.as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def read_revision(inside: Path) -> str:
    """Return the commit that is checked out around a folder, or nothing."""
    for folder in inside.parents:
        git = folder / ".git"
        if git.is_file():  # a work tree: the file says where its repository keeps it
            git = folder / git.read_text().removeprefix("gitdir:").strip()
        if git.is_dir():
            return _head_of(git)
    return ""


def _head_of(git: Path) -> str:
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head[:_REVISION_CHARS]
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        shared = git / common.read_text().strip() if common.is_file() else git
        if (shared / name).is_file():
            return (shared / name).read_text().strip()[:_REVISION_CHARS]
        packed = (shared / "packed-refs").read_text().splitlines()
        found = (line.split() for line in packed if line.endswith(f" {name}"))
        return next((one[0][:_REVISION_CHARS] for one in found), "")
    except OSError:
        return ""
