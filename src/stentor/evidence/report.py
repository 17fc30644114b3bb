"""The report of one room: everything that the ledger's files say of it, as figures and as a page.

From the same files, key and heads the same code makes the same bytes, here and at a stranger's; the
report names all four. Reads no clock and no data folder.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stentor.base.errors import UsageError
from stentor.evidence.chain import Head
from stentor.evidence.course import read_course
from stentor.evidence.findings import Report as Checked
from stentor.evidence.page import report_page
from stentor.evidence.promises import Held, hold_promises
from stentor.evidence.reading import Signed
from stentor.evidence.sources import Code, File, Sources, heads_given
from stentor.evidence.verdict import Verdict, judge
from stentor.evidence.verify import verify

FORMAT = 2


class RoomReport(msgspec.Struct, frozen=True):
    """The report as figures. Times are Unix milliseconds."""

    format: int
    code: Code
    room: str
    title: str
    epoch_ms: int
    from_ms: int
    until_ms: int
    seconds: int
    verdict: Verdict
    promises: tuple[Held, ...]
    ledger: Checked
    sources: Sources


def _listing(files: Iterable[tuple[str, bytes]], listed: list[File]) -> Iterator[tuple[str, bytes]]:
    """Yield the files, and put down what each is."""
    for name, data in files:
        listed.append(File(name, hashlib.sha256(data).hexdigest(), data.count(b"\n")))
        yield name, data


def make_report(
    room: str,
    files: Iterable[tuple[str, bytes]],
    code: Code,
    key: str | None = None,
    heads: Sequence[Head] = (),
) -> tuple[RoomReport, str]:
    """Return the report of a room and its page, from files as (name, bytes).

    `files` is gone through twice, so it may read them as it goes.
    Raises `UsageError` if the files tell nothing of the room.
    """
    signed, listed = Signed(), list[File]()
    checked = verify(_listing(files, listed), key, heads, signed.note)
    evening = signed.evening((data for _, data in files), room)
    if evening is None or not evening.seconds:
        known = ", ".join(signed.rooms) or "no room at all"
        raise UsageError(f"This ledger tells nothing of {room}; it tells of {known}.")
    course = read_course(evening.seconds, room)
    promises = hold_promises(course, 0 if checked.whole else None)
    verdict = judge(evening.seconds)
    sources = Sources(tuple(listed), key or "", heads_given(heads))
    report = RoomReport(
        format=FORMAT,
        code=code,
        room=room,
        title=course.plan.title,
        epoch_ms=course.plan.epoch_ms,
        from_ms=evening.seconds[0].at_ms,
        until_ms=evening.seconds[-1].at_ms,
        seconds=len(evening.seconds),
        verdict=verdict,
        promises=tuple(promises),
        ledger=checked,
        sources=sources,
    )
    return report, report_page(course, promises, verdict, checked, sources, code)
