"""Whether the files of a ledger follow one another: none missing, cut, doubled or out of place.

An opening names the last hash of the file before it, and a file that was rotated promises another.
Looks at no record but the first and the last of each file, and opens nothing.
"""

from collections.abc import Sequence

from stentor.evidence.chain import NOTHING
from stentor.evidence.findings import Fault, Finding
from stentor.evidence.lines import File

ROTATED = "rotated"  # closed because the next file begins; otherwise the watch was stopped


class Succession:
    """What follows what, among files in the order in which their names stand."""

    def __init__(self, files: Sequence[File]) -> None:
        self.files, self._doubled = _set_apart(files)
        self._place = {id(file): place for place, file in enumerate(self.files)}
        self._ends = {file.last: file for file in self.files if file.last}
        self._follows: dict[int, File] = {}  # file → the one that follows it
        for file in self.files:
            before = self._before(file)
            if before is not None:
                self._follows.setdefault(id(before), file)

    @property
    def newest(self) -> list[File]:
        """The files that none of the others follows: what they end with, no later file shows."""
        return [file for file in self.files if id(file) not in self._follows]

    @property
    def begins_ms(self) -> int | None:
        """Since when there are records, if the ledger itself let go of those before."""
        first = self.files[0].opening if self.files else None
        noted = {last for file in self.files for last in file.let_go}
        return first.at_ms if first is not None and first.previous in noted else None

    def check(self) -> tuple[list[Finding], list[str]]:
        """Put down each file's faults; return those of files that are not there, and doubts."""
        absent: list[Finding] = []
        doubts: list[str] = []
        for copy, original in self._doubled:
            _compare(copy, original)
        for place, file in enumerate(self.files):
            self._check_beginning(place, file, absent, doubts)
        for place, file in enumerate(self.files):
            promised = file.closing is not None and file.closing.why == ROTATED
            named = any(one.file == _after(file) for one in absent)
            if promised and id(file) not in self._follows and not named:
                later = self.files[place + 1] if place + 1 < len(self.files) else None
                if later is None or later.opening is not None:  # else it may be this one
                    absent.append(_missing_after(file, "it was closed because another one began"))
        return absent, doubts

    def _before(self, file: File) -> File | None:
        opening = file.opening
        return self._ends.get(opening.previous) if opening is not None else None

    def _check_beginning(
        self, place: int, file: File, absent: list[Finding], doubts: list[str]
    ) -> None:
        opening = file.opening
        if opening is None:
            return  # its first record is spoilt, and named
        before = self._before(file)
        if before is not None:
            self._check_following(place, file, before)
        elif opening.previous == NOTHING:
            if place:
                why = (
                    f"it begins a ledger, and by its name {self.files[place - 1].name} is before it"
                )
                file.find(Fault.REORDERED, 0, 1, why, file.size - 1)
        elif (cut := self._goes_on(opening.previous)) is not None:
            other, record = cut
            why = f"{file.name} follows record {record}: what comes after it was put in later"
            other.find(Fault.UNCHAINED, record + 1, 0, why, other.size - 1)
        elif not place:
            noted = "; the ledger notes that it removed it" if self.begins_ms is not None else ""
            doubts.append(f"The file before {file.name} was not given{noted}.")
        else:
            self._check_gap(file, self.files[place - 1], absent, doubts)

    def _check_following(self, place: int, file: File, before: File) -> None:
        first = self._follows[id(before)]
        if first is not file:
            file.find(Fault.UNCHAINED, 0, 1, f"{first.name} follows the same record")
        if self._place[id(before)] > place:
            why = f"by its name it stands before {before.name}, which it follows"
            file.find(Fault.REORDERED, 0, 1, why, file.size - 1)
        if before.torn:
            why = f"a line without its end, which {file.name} would not have been begun after"
            before.find(Fault.UNREADABLE, before.size, 0, why)

    def _check_gap(
        self, file: File, before: File, absent: list[Finding], doubts: list[str]
    ) -> None:
        """Name what is missing between a file and the one that stands before it."""
        why = f"{file.name} follows a record that is not here"
        if not before.last:
            doubts.append(f"Whether a file is missing before {file.name} cannot be told.")
        elif id(before) in self._follows:
            absent.append(Finding(f"the file before {file.name}", Fault.MISSING, 0, 0, 0, why))
        elif before.closing is not None:
            absent.append(_missing_after(before, why))
        else:
            why += ": the end was cut off, or a file after it taken away"
            before.find(Fault.MISSING, before.size, 0, why)

    def _goes_on(self, previous: str) -> tuple[File, int] | None:
        """Return the file, and the record in it, that was last when another file was begun."""
        wanted = bytes.fromhex(previous) if len(previous) == len(NOTHING) else b""
        for file in self.files:
            for n, record in file.good.items():
                if record.hash == wanted and n + 1 in file.good:
                    return file, n
        return None


def _after(file: File) -> str:
    return f"the file after {file.name}"


def _missing_after(file: File, why: str) -> Finding:
    return Finding(_after(file), Fault.MISSING, 0, 0, 0, why)


def _set_apart(files: Sequence[File]) -> tuple[list[File], list[tuple[File, File]]]:
    """Return the files with each ledger once, and the copies, each with what it is one of."""
    longest: dict[str, File] = {}
    for file in files:
        known = longest.get(file.opening_hash)
        if file.opening_hash and (known is None or len(file.good) > len(known.good)):
            longest[file.opening_hash] = file
    kept, copies = [], []
    for file in files:
        original = longest.get(file.opening_hash, file)
        if original is file:
            kept.append(file)
        else:
            copies.append((file, original))
    return kept, copies


def _compare(copy: File, original: File) -> None:
    """Name each record of a copy."""
    for n, record in sorted(copy.good.items()):
        other = original.good.get(n)
        if other is not None and other.hash == record.hash:
            why = f"it stands in {original.name} already"
            copy.find(Fault.TWICE, n, record.line, why)
        elif other is not None:
            why = f"{original.name} has another one in its place"
            copy.find(Fault.UNCHAINED, n, record.line, why)
