"""Files, key and heads of a ledger as commands are given them. Verifies nothing."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stentor.base.errors import UsageError

if TYPE_CHECKING:
    from stentor.base.paths import DataFolder
    from stentor.evidence.chain import Head
    from stentor.evidence.kept import Beside

Key = Annotated[
    str | None, typer.Option("--key", help="The public key, as it was published.", metavar="HEX")
]
Heads = Annotated[
    list[str] | None,
    typer.Option(
        "--head", help="A head that you kept: a file, or the JSON itself.", metavar="HEAD"
    ),
]
_KEY = re.compile(r"[0-9a-f]{64}\Z")


def data_folder(data: str | None) -> "DataFolder":
    """Return the data folder that was named, or that of the settings."""
    import os

    from stentor.base.paths import DataFolder
    from stentor.base.settings import load_settings

    return DataFolder(Path(load_settings(os.environ, data=data).data))


class Files:
    """Files of a ledger, with those of each folder that is given, as (name, bytes), by name.

    Read one at a time whenever it is gone through: together they may be larger than memory. A file
    that is begun in such a folder meanwhile is read too, after the others.
    """

    def __init__(self, given: Iterable[Path]) -> None:
        """Raises `UsageError` for a folder without a file of a ledger."""
        self._paths: list[Path] = []
        self._folders: list[Path] = []
        for path in given:
            if not path.is_dir():
                self._paths.append(path)
            elif not _files_in(path):
                raise UsageError(f"There is no file of a ledger in {path}.")
            else:
                self._folders.append(path)
                self._paths += _files_in(path)
        self._paths.sort(key=_by_name)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield each file; raises `UsageError` for one that cannot be read."""
        last, coming = "", self._paths
        while coming:
            for path in coming:
                yield path.name, read_file(path)
            last = coming[-1].name
            found = (path for folder in self._folders for path in _files_in(folder))
            coming = sorted((path for path in found if path.name > last), key=_by_name)


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.jsonl") if path.stem.isdecimal()]


def _by_name(path: Path) -> str:
    return path.name


def read_file(path: Path) -> bytes:
    """Return all of a file's bytes; raises `UsageError` if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or '').lower()}.") from None


def read_key(given: str | None, printed_by: str = "stentor ledger key") -> str | None:
    """Return a public key as it was typed; raises `UsageError` for what is none."""
    if given is not None and _KEY.match(given) is None:
        raise UsageError(f"--key is 64 hexadecimal digits, as `{printed_by}` prints them.")
    return given


def read_heads(given: str) -> "list[Head]":
    """Return the heads in a file, or the one that was typed."""
    text = given.encode() if given.lstrip().startswith("{") else read_file(Path(given))
    heads, bad = _heads_in(text)
    if bad:
        raise UsageError(f"{given[:80]} is not a head, nor a file of heads.")
    return heads


def read_heads_beside(given: Iterable[Path], kept: Iterable[str]) -> "list[Beside]":
    """Return the heads that lie in the folders given, or beside the files; `kept` leaves them out.

    To be called before the files are read. What cannot be read is told, and stops nothing.
    """
    from stentor.evidence.kept import Beside
    from stentor.watch.ledger_file import HEADS_NAME, OLD_HEADS_NAME

    folders: dict[Path, bool] = {}  # whether all of its files were given
    for path in given:
        folder = path if path.is_dir() else path.parent
        folders[folder] = folders.get(folder, False) or path.is_dir()
    taken = {Path(one).resolve() for one in kept if not one.lstrip().startswith("{")}
    found = []
    for folder, all_files in folders.items():
        heads: list[Head] = []
        unread: list[str] = []
        for name in (HEADS_NAME, OLD_HEADS_NAME):  # the newer first: it may become the older
            path = folder / name
            if path.resolve() in taken or not path.exists():
                continue
            try:
                these, bad = _heads_in(read_file(path))
            except UsageError as error:
                unread.append(str(error))
                continue
            heads = these + heads
            if bad:
                lines = "1 line is no head" if bad == 1 else f"{bad} lines are no heads"
                unread.append(f"In {path} {lines}.")
        if heads or unread:
            where = str(folder / HEADS_NAME)
            found.append(Beside(where, tuple(heads), all_files, " ".join(unread)))
    return found


def _heads_in(text: bytes) -> "tuple[list[Head], int]":
    """Return the heads in these lines, and how many other lines there are."""
    import msgspec

    from stentor.evidence.chain import Head

    *whole, last = text.split(b"\n")
    # While a head is written, and after a crash, the last line may be torn; the others hold.
    lines = whole if whole and not last.endswith(b"}") else [*whole, last]
    heads, bad = [], 0
    for line in lines:
        if line.strip():
            try:
                heads.append(msgspec.json.decode(line, type=Head))
            except (msgspec.MsgspecError, ValueError):
                bad += 1
    return heads, bad
