"""Files of a ledger as commands are given them: names become bytes, and heads. Verifies nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

from stentor.base.errors import UsageError

if TYPE_CHECKING:
    from stentor.base.paths import DataFolder
    from stentor.evidence.chain import Head


def data_folder(data: str | None) -> "DataFolder":
    """Return the data folder that was named, or that of the settings."""
    import os

    from stentor.base.paths import DataFolder
    from stentor.base.settings import load_settings

    return DataFolder(Path(load_settings(os.environ, data=data).data))


def ledger_files(given: list[Path]) -> list[Path]:
    """Return the files, with those of each folder in it; raises `UsageError` for an empty one."""
    files: list[Path] = []
    for path in given:
        found = sorted(path.glob("[0-9]*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise UsageError(f"There is no file of a ledger in {path}.")
        files += found
    return files


def read_file(path: Path) -> bytes:
    """Return all of a file's bytes; raises `UsageError` if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or '').lower()}.") from None


def read_heads(given: str) -> "list[Head]":
    """Return the heads in a file, or the one that was typed."""
    import msgspec

    from stentor.evidence.chain import Head

    text = given.encode() if given.lstrip().startswith("{") else read_file(Path(given))
    try:
        return [msgspec.json.decode(line, type=Head) for line in text.splitlines() if line.strip()]
    except (msgspec.MsgspecError, ValueError):
        raise UsageError(f"{given[:80]} is not a head, nor a file of heads.") from None
