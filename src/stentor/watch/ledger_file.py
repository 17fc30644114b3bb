"""One file of the ledger on disk: appended to line by line, whole or not at all.

Decides nothing about when to begin another file. Every method that writes raises `OSError`, and
then the file is as it was before, or `broken` and given up.
"""

import contextlib
import errno
import os
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.evidence.chain import (
    HEAD_EVERY,
    NOTHING,
    RECORD_BYTES_MAX,
    Chain,
    Head,
    Payload,
    read_body,
    take_apart,
)
from stentor.evidence.records import Closing, Note, Opening, Second

HEADS_NAME = "heads.jsonl"
HEADS_BYTES_MAX = 64 << 20
_TAIL_BYTES = RECORD_BYTES_MAX + 1


class Before(msgspec.Struct, frozen=True):
    """Where the newest file of the past ended, and what is to be said of it."""

    hash: str = NOTHING
    at_ms: int = 0
    closed: bool = True
    notes: tuple[Note, ...] = ()


def ledger_files(folder: Path) -> list[Path]:
    """Return the ledger's files, the oldest first: their names are numbers."""
    return sorted(folder.glob("[0-9]*.jsonl"))


def take_up(path: Path) -> Before:
    """Look at where a file ends; a last line that was not written to its end is cut off."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    notes: list[Note] = []
    whole = tail[: tail.rfind(b"\n") + 1]
    torn = len(tail) - len(whole)
    if torn:
        path.chmod(0o600)
        os.truncate(path, size - torn)
        notes.append(Note("ledger-torn", f"{torn} bytes of {path.name} were no whole record"))
    parts = take_apart(whole[whole[:-1].rfind(b"\n") + 1 : -1]) if whole else None
    body = read_body(parts.body) if parts is not None else None
    said = body.payload if body is not None else None
    if parts is None or said is None:
        notes.append(Note("ledger-unreadable", f"{path.name} does not end with a record"))
        return Before(notes=tuple(notes))
    return Before(parts.hash, said.at_ms, isinstance(said, Closing), tuple(notes))


def keep_head(folder: Path, head: Head) -> None:
    """Append a head to those that were published; raises `OSError`."""
    path = folder / HEADS_NAME
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        if os.fstat(handle).st_size > HEADS_BYTES_MAX:
            path.replace(folder / f"old-{HEADS_NAME}")
            os.close(handle)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, msgspec.json.encode(head) + b"\n")
        os.fdatasync(handle)
    finally:
        os.close(handle)


class LedgerFile:
    """One file being written."""

    def __init__(self, path: Path, key: Ed25519PrivateKey, opening: Opening) -> None:
        self.path = path
        self.chain = Chain(key)
        self.bytes = 0
        self.broken = False
        self.head: Head | None = None
        self._last_ms = opening.at_ms
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        self._file = os.open(path, flags, 0o600)
        try:
            self._append(opening)
            self.sync()
        except OSError:
            os.close(self._file)
            path.unlink()
            raise

    def append(self, second: Second) -> None:
        """Append a second; then a head, when it is time for one (`head` is the newest)."""
        self._append(second)
        signed = self.head.size if self.head is not None else 0
        if self.chain.tree.size - signed >= HEAD_EVERY:
            self._append_head()

    def sync(self) -> None:
        """Bring all of it onto the disk; raises if the file is there no more."""
        os.fdatasync(self._file)
        if os.fstat(self._file).st_nlink == 0:
            self.broken = True
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path.name)

    def end(self, why: str) -> None:
        """Sign all of it and say that it ends here."""
        self._append_head()
        self._append(Closing(self._last_ms, why))
        self.sync()

    def close(self) -> None:
        """Let go of the file; nobody appends to it any more."""
        with contextlib.suppress(OSError):
            os.fchmod(self._file, 0o444)
        os.close(self._file)

    def _append_head(self) -> None:
        head = self.chain.head(self._last_ms)
        self._append(head)
        self.head = head

    def _append(self, payload: Payload) -> None:
        line = self.chain.line(payload)
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            try:
                os.ftruncate(self._file, self.bytes)
            except OSError:
                self.broken = True
            raise
        self.chain.commit()
        self.bytes += len(line)
        self._last_ms = payload.at_ms
