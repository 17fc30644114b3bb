"""Whether a ledger is what was written, from its lines alone: offline, by anybody.

Names every record that was edited, put in, taken out, moved, doubled or signed with another key.
Never judges what the records say, and cannot know whose key it is: compare that with the one that
was published beforehand.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from stentor.evidence.chain import NOTHING, Head, Tree, head_holds
from stentor.evidence.findings import End, Fault, Finding, Ledger, Report
from stentor.evidence.kept import Beside, Kept
from stentor.evidence.lines import File, Good, key_named, nobody_asks, read_lines
from stentor.evidence.records import Closing, Opening
from stentor.evidence.succession import Succession

FINDINGS_MAX = 1_000
SECOND_LATE_MS = 2_500  # seconds further apart than this are a gap


def _check_order(file: File, key: str | None) -> None:
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


def _head_fits(head: Head, tree: Tree, file: File) -> bool:
    same = head.size == tree.size and head.root == tree.root().hex()
    return same and head.key == file.key and head.ledger == file.opening_hash and head_holds(head)


def _told(file: File) -> Ledger:
    """Return what can be said of a file beside its faults."""
    kept = [file.good[n] for n in sorted(file.good)]
    times = [one.said for one in kept if isinstance(one.said, int)]
    gaps = [(one, later) for one, later in pairwise(times) if later - one > SECOND_LATE_MS]
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
        closed=file.closing is not None,
        torn=file.torn,
        last=file.last,
        previous=opening.previous if opening is not None else "",
        event_key_id=opening.event_key_id if opening is not None else "",
        settings=opening.settings if opening is not None else None,
    )


def _doubt_key(files: Sequence[File], key: str | None) -> list[str]:
    """Return what cannot be known without the key as it was published."""
    if key is not None:
        return []
    doubts = ["The key is the one that the files name: compare it with the published one."]
    if (keys := len({file.key for file in files if file.key})) > 1:
        doubts.append(f"The files name {keys} different keys, of which one was published.")
    return doubts


def _open_ends(newest: Sequence[File], vouched: Mapping[str, int]) -> list[End]:
    """Return the ends of files that no other follows and for which no kept head vouches."""
    return [
        End(file.name, file.size - 1, vouched.get(file.opening_hash, 0), file.closing is not None)
        for file in newest
        if not vouched.get(file.opening_hash, 0) >= file.size > 0
    ]


def _doubt_ends(ends: Sequence[End], vouched: Mapping[str, int]) -> list[str]:
    """Return what nobody can know of such ends."""
    doubts = []
    if ends and not vouched:
        doubts.append(
            "No kept head vouches for these files: who has the ledger's key may have written them"
            " anew."
        )
    for end in ends:
        if vouched:
            doubts.append(
                f"No kept head vouches for {end.file} from record {end.vouched} on: who has the"
                " ledger's key may have written that anew."
            )
        unclosed = "" if end.closed else ", which was not closed,"
        doubts.append(
            f"After record {end.record} of {end.file}{unclosed} something may have been cut off:"
            " that cannot be told without a head of a later time that was kept elsewhere."
        )
    return doubts


def verify(
    files: Iterable[tuple[str, bytes]],
    key: str | None = None,
    heads: Sequence[Head] = (),
    good: Good = nobody_asks,
    beside: Sequence[Beside] = (),
) -> Report:
    """Return what holds of these files, each a name and all of its bytes, by their names' order.

    `key` is the public key as it was published (hexadecimal), `heads` what somebody kept, `beside`
    what lay with the files. `good` is told each second that the key signed, once a file, with its
    hash.
    """
    read: list[File] = []
    for name, data in files:
        *lines, rest = data.split(b"\n")
        lines += [rest] if rest else []
        file = File(name, key or key_named(lines), torn=bool(rest))
        read_lines(file, lines, good)
        if not file.good and not file.findings:
            file.find(Fault.MISSING, 0, 0, "the file has no record")
        _check_order(file, key)
        read.append(file)
    succession = Succession(read)
    kept = Kept(succession, {file.key for file in read} if key is None else {key})
    kept.check(heads)
    for one in beside:
        kept.check_beside(one)
    absent, doubts = succession.check()
    torn = [
        f"{file.name} ends within a line: written while the machine stopped."
        for file in read
        if file.torn
    ]
    ends = _open_ends(succession.newest, kept.vouched)
    unsure = _doubt_ends(ends, kept.vouched)
    findings = [*absent, *kept.absent, *(one for file in read for one in _joined(file.findings))]
    return Report(
        whole=not findings,
        files=tuple(_told(file) for file in read),
        findings=tuple(findings[:FINDINGS_MAX]),
        doubts=(*_doubt_key(read, key), *torn, *doubts, *unsure, *kept.doubts),
        unlisted=max(0, len(findings) - FINDINGS_MAX),
        ends=tuple(ends),
        beside=tuple(kept.beside),
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
