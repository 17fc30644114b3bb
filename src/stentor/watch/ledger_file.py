"""One file of the ledger on disk: appended to line by line, whole or not at all.

Decides nothing about when to begin another file. Every method that writes raises `OSError`, and
then the file is as it was before, or `broken` and given up.
"""

import contextlib
import errno
import os
from collections.abc import Sequence
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
OLD_HEADS_NAME = f"old-{HEADS_NAME}"
HEADS_BYTES_MAX = 64 << 20
_HEAD_BYTES_MAX = 4_096
_TAIL_BYTES = RECORD_BYTES_MAX + 1


class Before(msgspec.Struct, frozen=True):
    """Where the newest file of the past ended, and what is to be said of it."""

    name: str = ""
    hash: str = NOTHING
    at_ms: int = 0
    closed: bool = True
    notes: tuple[Note, ...] = ()


def ledger_files(folder: Path) -> list[Path]:
    """Return the ledger's files, the oldest first: their names are numbers."""
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdecimal())


def take_up(files: Sequence[Path]) -> Before:
    """Look at where the newest file ends that ends with a record; an empty one is removed.

    A last line that was not written to its end is cut off.
    """
    notes: list[Note] = []
    for path in reversed(files):
        before = _end_of(path, notes)
        if before is not None:
            return msgspec.structs.replace(before, notes=tuple(notes))
    return Before(notes=tuple(notes))


def last_hash(path: Path) -> str:
    """Return the hash of a file's last record; nothing if it cannot be read."""
    with contextlib.suppress(OSError):
        parts = take_apart(_tail_of(path).rstrip(b"\n").rpartition(b"\n")[2])
        return parts.hash if parts is not None else ""
    return ""


def _tail_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return file.read()


def _end_of(path: Path, notes: list[Note]) -> Before | None:
    tail = _tail_of(path)
    size = path.stat().st_size
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
        if size == torn:
            path.unlink()
        return None
    return Before(path.name, parts.hash, said.at_ms, isinstance(said, Closing))


def keep_head(folder: Path, head: Head) -> None:
    """Append a head to those that were published, whole or not at all; raises `OSError`."""
    path = folder / HEADS_NAME
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > HEADS_BYTES_MAX:
            path.replace(folder / OLD_HEADS_NAME)
    line = msgspec.json.encode(head) + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = _cut_torn(handle)
        if os.write(handle, line) < len(line):
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(handle)
    finally:
        os.close(handle)


def _cut_torn(handle: int) -> int:
    """Cut off a head that was not written to its end; return how large the file is then."""
    size = os.fstat(handle).st_size
    from_ = max(0, size - _HEAD_BYTES_MAX)
    tail = os.pread(handle, _HEAD_BYTES_MAX, from_)
    if tail.endswith(b"\n") or not tail:
        return size
    whole = from_ + tail.rfind(b"\n") + 1
    os.ftruncate(handle, whole)
    return whole


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class LedgerFile:
    """One file being written; it has its name once it has appeared, with its opening on disk."""

    def __init__(self, path: Path, key: Ed25519PrivateKey, opening: Opening) -> None:
        self.path = path
        self.chain = Chain(key)
        self.bytes = 0
        self.broken = False
        self.head: Head | None = None
        self._last_ms = opening.at_ms
        self._new = path.with_suffix(".new")  # perhaps of a writer that was killed here
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC
        self._file = os.open(self._new, flags, 0o600)
        try:
            self._append(opening)
            self.sync()
        except OSError:
            self.discard()
            raise

    def appear(self) -> None:
        """Take the name; if it cannot be had, nothing is left."""
        try:
            if self.path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self.path.name)
            self._new.rename(self.path)
            _sync_folder(self.path.parent)
        except OSError:
            self.discard()
            raise

    def discard(self) -> None:
        """Give up a file that has not appeared."""
        os.close(self._file)
        self._new.unlink(missing_ok=True)

    def append(self, second: Second) -> None:
        """Append a second."""
        self._append(second)

    def sign_when_due(self) -> None:
        """Append a head, when it is time for one (`head` is the newest)."""
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
        """Sign all of it and say that it ends here; `head` is then of all, the closing included."""
        self._append_head()
        self._append(Closing(self._last_ms, why))
        self.sync()
        self.head = self.chain.head(self._last_ms)

    def hash_at_end(self, why: str) -> str:
        """Return the last hash that `end` will leave, if it is called next."""
        ahead = self.chain.copy()
        for payload in (ahead.head(self._last_ms), Closing(self._last_ms, why)):
            ahead.line(payload)
            ahead.commit()
        return ahead.last

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
