"""A ledger in memory, and what somebody could do to it."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.evidence.chain import FORMAT, NOTHING, Chain, Head, Payload
from stentor.evidence.findings import Report
from stentor.evidence.records import Closing, Note, Opening, Second
from stentor.evidence.verify import verify

START_MS = 1_700_000_000_000


def key_of(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))


class Writer:
    """Writes one file's lines; the same again each time it is run."""

    def __init__(self, key: int = 1, previous: str = NOTHING) -> None:
        self.chain = Chain(key_of(key))
        self.lines: list[bytes] = []
        self.heads: list[Head] = []
        self._previous = previous
        self._at_ms = START_MS

    def put(self, payload: Payload) -> None:
        self.lines.append(self.chain.line(payload))
        self.chain.commit()

    def open(self) -> None:
        key = self.chain.public_key
        self.put(Opening(FORMAT, "1", {}, "aabbccdd", key, self._previous, self._at_ms))

    def second(self, at_ms: int | None = None, notes: tuple[Note, ...] | None = None) -> None:
        self._at_ms += 1000
        notes = notes or (Note("settings", f"number {self.chain.tree.size}"),)
        self.put(Second(self._at_ms if at_ms is None else at_ms, notes=notes))

    def head(self) -> None:
        self.heads.append(self.chain.head(self._at_ms))
        self.put(self.heads[-1])

    def close(self, why: str = "stopped") -> None:
        self.head()
        self.put(Closing(self._at_ms, why))
        self.heads.append(self.chain.head(self._at_ms))

    def whole(self, seconds: int, head_every: int = 5, why: str = "stopped") -> Writer:
        """Write a file with an opening, some seconds, heads in between and a closing."""
        self.open()
        for n in range(seconds):
            self.second()
            if n % head_every == head_every - 1:
                self.head()
        self.close(why)
        return self


def rotated(*seconds: int, began_ms: int = START_MS) -> list[Writer]:
    """Write files that follow each other, each with so many seconds; the last one was stopped."""
    written: list[Writer] = []
    for n, many in enumerate(seconds):
        one = Writer(previous=written[-1].chain.last if written else NOTHING)
        one._at_ms = began_ms + 100_000 * n
        why = "rotated" if n < len(seconds) - 1 else "stopped"
        written.append(one.whole(many, why=why))
    return written


def check(lines: list[bytes], key: str | None = None, heads: list[Head] | None = None) -> Report:
    """Verify lines as the file that they would be on disk."""
    return verify([("ledger", b"".join(lines))], key, heads or [])


def named(report: Report) -> set[int]:
    """Return every record that a report says something of."""
    return {n for found in report.findings for n in range(found.record, found.to + 1)}


def ledger_files(path: Path) -> list[tuple[str, bytes]]:
    """Return the files in a ledger's folder as `verify` takes them."""
    return [(file.name, file.read_bytes()) for file in sorted(path.glob("[0-9]*.jsonl"))]
