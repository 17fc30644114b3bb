"""A ledger's file line by line: which record each line is, and what is wrong with it by itself.

Names what was edited, put in, taken out, moved, doubled or signed with another key. What records
and files say of each other is not looked at here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stentor.evidence.chain import (
    Body,
    Head,
    Payload,
    head_holds,
    leaf_hash,
    read_body,
    record_holds,
    take_apart,
)
from stentor.evidence.findings import Fault, Finding
from stentor.evidence.records import Closing, Opening, Second, let_go_after

_APART_MAX = 100_000  # records: of a larger hole it is not looked whether they stand elsewhere
_TAKEN_OUT = "taken out of the file"
Good = Callable[[bytes, Second], None]


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a record: a file's seconds together would be large."""

    line: int
    hash: bytes
    prev: str
    said: Opening | Head | Closing | int  # of a second, its time in Unix ms


@dataclass(slots=True)
class File:
    """One file of a ledger while it is verified."""

    name: str
    key: str  # as given, or as the opening says
    findings: list[Finding] = field(default_factory=list)
    good: dict[int, Record] = field(default_factory=dict)  # signed records by number
    bad: dict[int, int] = field(default_factory=dict)  # where a record was spoilt: number → line
    torn: bool = False
    let_go: set[str] = field(default_factory=set)  # last hashes of files that the ledger removed

    def find(self, fault: Fault, record: int, line: int, why: str, to: int = -1) -> None:
        """Put down a fault of a record, or of all from `record` to `to`."""
        self.findings.append(Finding(self.name, fault, record, max(record, to), line, why))

    @property
    def size(self) -> int:
        """How many records the file has from 0 on, spoilt ones included."""
        return max((*self.good, *self.bad), default=-1) + 1

    @property
    def opening_hash(self) -> str:
        """The hash of its opening, which names it for good; empty if that is spoilt."""
        return self.good[0].hash.hex() if 0 in self.good else ""

    @property
    def last(self) -> str:
        """The hash of its last record; empty if that is spoilt."""
        record = self.good.get(self.size - 1)
        return record.hash.hex() if record is not None else ""

    @property
    def closing(self) -> Closing | None:
        """What it was closed with."""
        record = self.good.get(self.size - 1)
        return record.said if record is not None and isinstance(record.said, Closing) else None

    @property
    def opening(self) -> Opening | None:
        """What its first record says, if that is an opening."""
        first = self.good.get(0)
        return first.said if first is not None and isinstance(first.said, Opening) else None


def key_named(lines: Sequence[bytes]) -> str:
    """Return the key that an intact opening names, or else the first intact head."""
    for line in lines:
        parts = take_apart(line)
        body = read_body(parts.body) if parts is not None else None
        if parts is None or body is None:
            continue
        if body.opening is not None:
            named = body.opening.public_key
            if record_holds(leaf_hash(parts.body), parts.sig, named):
                return named
        elif body.head is not None and head_holds(body.head):
            return body.head.key
    return ""


def nobody_asks(_digest: bytes, _second: Second) -> None:
    """Forget it."""


def read_lines(file: File, lines: Sequence[bytes], good: Good) -> None:
    """Take every line for itself: does it have its hash, its signature, its place?"""
    expected, skipped = 0, set[int]()
    for number, line in enumerate(lines, 1):
        # The last line may have been written when the machine stopped, or be cut: then there is
        # no record, and whether there was one a kept head tells.
        torn = file.torn and number == len(lines)
        found = _check_line(file, line, number, expected, torn=torn)
        if found is None:
            if torn:
                break
            file.bad.setdefault(expected, number)
            expected += 1
            continue
        digest, body, said = found
        n = body.n
        if n in file.good:
            file.find(Fault.TWICE, n, number, f"it stands in line {file.good[n].line} already")
            continue
        if n < expected:
            if n in skipped:
                why = f"it stands after record {expected - 1}"
                file.find(Fault.REORDERED, n, number, why)
                skipped.discard(n)
            file.bad.pop(n, None)  # what stood in its place was put in
        else:
            if n - expected < _APART_MAX:
                skipped.update(range(expected, n))
            else:
                file.find(Fault.MISSING, expected, 0, _TAKEN_OUT, n - 1)
            expected = n + 1
        if isinstance(said, Second):
            good(digest, said)
            file.let_go.update(let_go_after(said.notes))
            file.good[n] = Record(number, digest, body.prev, said.at_ms)
        else:
            file.good[n] = Record(number, digest, body.prev, said)
    _find_missing(file, sorted(skipped))


def _find_missing(file: File, missing: Sequence[int]) -> None:
    begin = 0
    for index, n in enumerate(missing):
        if index + 1 == len(missing) or missing[index + 1] != n + 1:
            first = missing[begin]
            file.find(Fault.MISSING, first, 0, _TAKEN_OUT, n)
            begin = index + 1


def _check_line(
    file: File, text: bytes, number: int, expected: int, *, torn: bool
) -> tuple[bytes, Body, Payload] | None:
    """Return a line's hash and what it says, or say what is wrong with it."""
    parts = take_apart(text)
    body = read_body(parts.body) if parts is not None else None
    said = body.payload if body is not None else None
    if parts is None or body is None or said is None or body.n < 0:
        if not torn:
            file.find(Fault.UNREADABLE, expected, number, "this line is not a record")
        return None
    digest = leaf_hash(parts.body)
    if digest.hex() != parts.hash:
        file.find(Fault.EDITED, expected, number, "it does not have the hash that it says")
        return None
    if not record_holds(digest, parts.sig, file.key):
        why = "its signature is not that of the ledger's key: changed, put in or signed anew"
        file.find(Fault.RESIGNED, expected, number, why)
        return None
    return digest, body, said
