"""Whether a ledger is what was written, from its lines alone: offline, by anybody.

Names every record that was edited, put in, taken out, moved, doubled or signed with another key.
Never judges what the records say, and cannot know whose key it is: compare that with the one that
was published beforehand.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from stentor.evidence.chain import (
    NOTHING,
    Body,
    Head,
    Payload,
    Tree,
    head_holds,
    leaf_hash,
    read_body,
    record_holds,
    take_apart,
)
from stentor.evidence.findings import Fault, Finding, Ledger, Report
from stentor.evidence.records import Closing, Opening, Second

FINDINGS_MAX = 1_000
_APART_MAX = 100_000  # records: of a larger hole it is not looked whether they stand elsewhere
_TAKEN_OUT = "taken out of the file"
Good = Callable[[bytes, Second], None]
SECOND_LATE_MS = 2_500  # seconds further apart than this are a gap


@dataclass(frozen=True, slots=True)
class _Record:
    """What is kept of a record: a file's seconds together would be large."""

    line: int
    hash: bytes
    prev: str
    said: Opening | Head | Closing | int  # of a second, its time in Unix ms


@dataclass(slots=True)
class _File:
    """One file while it is read."""

    name: str
    key: str  # as given, or as the opening says
    findings: list[Finding] = field(default_factory=list)
    good: dict[int, _Record] = field(default_factory=dict)  # signed records by number
    bad: dict[int, int] = field(default_factory=dict)  # where a record was spoilt: number → line
    torn: bool = False

    def find(self, fault: Fault, record: int, line: int, why: str, to: int = -1) -> None:
        self.findings.append(Finding(self.name, fault, record, max(record, to), line, why))

    @property
    def size(self) -> int:
        """How many records the file has from 0 on, spoilt ones included."""
        return max((*self.good, *self.bad), default=-1) + 1

    @property
    def opening_hash(self) -> str:
        return self.good[0].hash.hex() if 0 in self.good else ""

    @property
    def opening(self) -> Opening | None:
        first = self.good.get(0)
        return first.said if first is not None and isinstance(first.said, Opening) else None


def _key_named(lines: Sequence[bytes]) -> str:
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


def _nobody_asks(_digest: bytes, _second: Second) -> None:
    """Forget it."""


def _read_lines(file: _File, lines: Sequence[bytes], good: Good) -> None:
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
            file.good[n] = _Record(number, digest, body.prev, said.at_ms)
        else:
            file.good[n] = _Record(number, digest, body.prev, said)
    _find_missing(file, sorted(skipped))


def _find_missing(file: _File, missing: Sequence[int]) -> None:
    begin = 0
    for index, n in enumerate(missing):
        if index + 1 == len(missing) or missing[index + 1] != n + 1:
            first = missing[begin]
            file.find(Fault.MISSING, first, 0, _TAKEN_OUT, n)
            begin = index + 1


def _check_line(
    file: _File, text: bytes, number: int, expected: int, *, torn: bool
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


def _check_order(file: _File, key: str | None) -> None:
    """Check what records say of each other; a head is looked at where nothing before is amiss."""
    amiss = bool(file.findings)
    tree, closed = Tree(), False

    def find(fault: Fault, n: int, why: str) -> None:
        nonlocal amiss
        amiss = True
        file.find(fault, n, file.good[n].line, why)

    for n in range(file.size):
        record = file.good.get(n)
        if record is None:
            amiss = True
            continue
        before = file.good.get(n - 1)
        if record.prev != (before.hash.hex() if before else NOTHING) and (before or n == 0):
            find(Fault.UNCHAINED, n, f"it does not follow record {n - 1}")
        if (n == 0) != isinstance(record.said, Opening) or closed:
            find(Fault.MISPLACED, n, "the first record is an opening, and none follows a closing")
        if isinstance(record.said, Opening) and record.said.public_key != (key or file.key):
            find(Fault.OTHER_KEY, n, "the file names another key")
        if isinstance(record.said, Head) and not amiss and not _head_fits(record.said, tree, file):
            find(Fault.WRONG_HEAD, n, "its root is not that of the records before it")
        closed = isinstance(record.said, Closing)
        tree.add(record.hash)


def _head_fits(head: Head, tree: Tree, file: _File) -> bool:
    same = head.size == tree.size and head.root == tree.root().hex()
    return same and head.key == file.key and head.ledger == file.opening_hash and head_holds(head)


def _check_kept(files: Sequence[_File], heads: Sequence[Head], key: str | None) -> list[str]:
    """Hold the files against heads that somebody kept; return the doubts that remain."""
    doubts: list[str] = []
    by_ledger = {file.opening_hash: file for file in files if file.opening_hash}
    roots: dict[str, _Roots] = {}
    known = {file.key for file in files} if key is None else {key}
    fits: dict[str, int] = {}  # the largest head of a file that its records agree with
    for head in sorted(heads, key=lambda one: (one.ledger, one.size)):
        file = by_ledger.get(head.ledger)
        if not head_holds(head) or head.key not in known:
            doubts.append(f"A head of {head.size} records is not signed by the ledger's key.")
        elif file is None:
            doubts.append(f"A head is of a file that was not given: {head.ledger[:16]}….")
        elif file.size < head.size:
            why = "a head that was kept has them: the tail was cut off"
            file.find(Fault.MISSING, file.size, 0, why, head.size - 1)
        elif file.findings:
            continue  # what was changed is named already
        elif roots.setdefault(head.ledger, _Roots(file)).of(head.size) == head.root:
            fits[head.ledger] = head.size
        else:
            why = "a head that was kept says otherwise: written anew with the ledger's own key"
            file.find(Fault.REWRITTEN, fits.get(head.ledger, 0), 0, why, head.size - 1)
    return doubts


class _Roots:
    """The roots of a file without a fault, for sizes that do not become smaller."""

    def __init__(self, file: _File) -> None:
        self._file = file
        self._tree = Tree()

    def of(self, size: int) -> str:
        while self._tree.size < size:
            self._tree.add(self._file.good[self._tree.size].hash)
        return self._tree.root().hex()


def _told(file: _File) -> Ledger:
    """Return what can be said of a file beside its faults."""
    kept = [file.good[n] for n in sorted(file.good)]
    times = [one.said for one in kept if isinstance(one.said, int)]
    gaps = [(one, later) for one, later in pairwise(times) if later - one > SECOND_LATE_MS]
    last = file.good.get(file.size - 1)
    opening = file.opening
    return Ledger(
        file=file.name,
        ledger=file.opening_hash,
        records=file.size,
        key=file.key,
        first_ms=times[0] if times else opening.at_ms if opening else 0,
        last_ms=times[-1] if times else opening.at_ms if opening else 0,
        seconds=len(times),
        gaps=tuple(gaps[:FINDINGS_MAX]),
        closed=last is not None and isinstance(last.said, Closing),
        torn=file.torn,
        last=last.hash.hex() if last is not None else "",
        previous=opening.previous if opening is not None else "",
        event_key_id=opening.event_key_id if opening is not None else "",
        settings=opening.settings if opening is not None else None,
    )


def _doubts(told: Sequence[Ledger], heads: Sequence[Head], key: str | None) -> list[str]:
    doubts = []
    if key is None:
        doubts.append("The key is the one that the files name: compare it with the published one.")
        if (keys := len({one.key for one in told if one.key})) > 1:
            doubts.append(f"The files name {keys} different keys, of which one was published.")
    followed = {one.previous for one in told}
    for one in told:
        covered = any(head.ledger == one.ledger and head.size >= one.records for head in heads)
        if one.torn:
            doubts.append(f"{one.file} ends within a line: written while the machine stopped.")
        if not one.closed and one.last not in followed and not covered:
            doubts.append(
                f"{one.file} was not closed: after record {one.records - 1} something may have "
                "been cut off; a head of that time would tell."
            )
        if one.previous not in (NOTHING, "") and all(one.previous != other.last for other in told):
            doubts.append(f"The file before {one.file} was not given.")
    return doubts


def verify(
    files: Iterable[tuple[str, bytes]],
    key: str | None = None,
    heads: Sequence[Head] = (),
    good: Good = _nobody_asks,
) -> Report:
    """Return what holds of these files, each a name and all of its bytes.

    `key` is the public key as it was published (hexadecimal), `heads` what somebody kept. `good`
    is told each second that the key signed, once, with its hash.
    """
    read: list[_File] = []
    for name, data in files:
        *lines, rest = data.split(b"\n")
        lines += [rest] if rest else []
        file = _File(name, key or _key_named(lines), torn=bool(rest))
        _read_lines(file, lines, good)
        if not file.good and not file.findings:
            file.find(Fault.MISSING, 0, 0, "the file has no record")
        _check_order(file, key)
        read.append(file)
    doubts = _check_kept(read, heads, key)
    told = [_told(file) for file in read]
    findings = [one for file in read for one in _joined(file.findings)]
    return Report(
        whole=not findings,
        files=tuple(told),
        findings=tuple(findings[:FINDINGS_MAX]),
        doubts=tuple(_doubts(told, heads, key) + doubts),
        unlisted=max(0, len(findings) - FINDINGS_MAX),
    )


def _joined(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with neighbours of one kind as one."""
    joined: list[Finding] = []
    for one in sorted(findings, key=lambda found: (found.record, found.line)):
        last = joined[-1] if joined else None
        same = last is not None and last.fault is one.fault and last.why == one.why
        if last is not None and same and one.record == last.to + 1:
            joined[-1] = msgspec.structs.replace(last, to=one.to)
        else:
            joined.append(one)
    return joined
