"""What heads say of a ledger's files: those that were kept elsewhere, and those that lie beside.

A head that lies beside the files shows a cut by whoever forgot it. Who can cut the files can cut
the heads beside them too: so they take no doubt away, and vouch for nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stentor.evidence.chain import Head, Tree, head_holds
from stentor.evidence.findings import Fault, Finding, LocalWitness
from stentor.evidence.lines import File
from stentor.evidence.succession import Succession


@dataclass(frozen=True, slots=True)
class Beside:
    """The heads of one folder, in the order in which they were made.

    They have to have been read before the files: of a ledger that is being written the newest
    head would otherwise be newer than the file.
    """

    where: str
    heads: tuple[Head, ...]
    all_files: bool  # every file of the folder is given, not only some
    unreadable: str = ""  # what could not be read, as a sentence


class Kept:
    """Holds files against heads, and puts down what is amiss."""

    def __init__(self, succession: Succession, known: set[str]) -> None:
        """Heads count if they are signed by one of the keys that are `known`."""
        self._succession = succession
        self._known = known
        self._files = {file.opening_hash: file for file in succession.files if file.opening_hash}
        self.doubts: list[str] = []
        self.absent: list[Finding] = []
        self.vouched: dict[str, int] = {}  # by ledger: how many records a kept head agrees with
        self.beside: list[LocalWitness] = []

    def check(self, heads: Sequence[Head]) -> None:
        """Hold the files against heads that somebody kept elsewhere."""
        begins_ms = self._succession.begins_ms  # before, the ledger let files go
        good: list[Head] = []
        for head in heads:
            if self._holds(head):
                good.append(head)
            else:
                told = f"A head of {head.size} records is not signed by the ledger's key."
                self.doubts.append(told)
        self.vouched = self._hold(good, "a head that was kept")
        missing = [one for one in good if begins_ms is None or one.at_ms >= begins_ms]
        self._miss(missing, "a head that was kept has them: the file was not given")

    def check_beside(self, beside: Beside) -> None:
        """Hold the files against the heads that lie beside them."""
        ours = [one for one in beside.heads if beside.all_files or one.ledger in self._files]
        good = [head for head in ours if self._holds(head)]
        if beside.unreadable:
            self.doubts.append(beside.unreadable)
        if others := len(ours) - len(good):
            are = "1 head is" if others == 1 else f"{others} heads are"
            self.doubts.append(f"In {beside.where} {are} not signed by the ledger's key.")
        if good:
            self.beside.append(LocalWitness(beside.where, len(good)))
        self._hold(good, f"a head in {beside.where}")
        earlier = self._earlier(good)
        absent = earlier - self._files.keys()
        if absent and self._succession.begins_ms is None:
            files = "an earlier file that is" if len(absent) == 1 else "earlier files that are"
            self.doubts.append(f"{beside.where} has heads of {files} not here.")
        later = [one for one in good if one.ledger not in earlier]
        self._miss(later, f"a head in {beside.where} has them: the file was taken away")

    def _holds(self, head: Head) -> bool:
        return head.key in self._known and head_holds(head)

    def _hold(self, heads: Iterable[Head], who: str) -> dict[str, int]:
        """Name what heads say otherwise; return with how many records of each file they agree."""
        agreed: dict[str, int] = {}
        roots: dict[str, _Roots] = {}
        longer: dict[str, int] = {}
        for head in sorted(heads, key=lambda one: (one.ledger, one.size)):
            file = self._files.get(head.ledger)
            if file is None:
                continue
            if file.size < head.size:
                longer[head.ledger] = head.size
            elif file.findings:
                continue  # what was changed is named already
            elif roots.setdefault(head.ledger, _Roots(file)).of(head.size) == head.root:
                agreed[head.ledger] = head.size
            else:
                why = f"{who} says otherwise: written anew with the ledger's own key"
                file.find(Fault.REWRITTEN, agreed.get(head.ledger, 0), 0, why, head.size - 1)
        for ledger, size in longer.items():
            file = self._files[ledger]
            if not any(one.record == file.size and one.to >= size - 1 for one in file.findings):
                why = f"{who} has them: the tail was cut off"
                file.find(Fault.MISSING, file.size, 0, why, size - 1)
        return agreed

    def _miss(self, heads: Iterable[Head], why: str) -> None:
        """Name the files that heads tell of and that are not here."""
        sizes: dict[str, int] = {}
        for head in heads:
            if head.ledger not in self._files:
                sizes[head.ledger] = max(head.size, sizes.get(head.ledger, 0))
        named = {one.file for one in self.absent}
        for ledger, size in sorted(sizes.items()):
            name = f"the file that {ledger[:16]}… opened"
            if name not in named:
                self.absent.append(Finding(name, Fault.MISSING, 0, size - 1, 0, why))

    def _earlier(self, heads: Sequence[Head]) -> set[str]:
        """Return what ledgers were before the first file that is here, in time or in their order.

        Such files may have been let go, or put elsewhere; the clock may have jumped back since.
        """
        first = next((file for file in self._succession.files if file.opening is not None), None)
        if first is None or first.opening is None:
            return set()
        places = [place for place, one in enumerate(heads) if one.ledger == first.opening_hash]
        begins = places[0] if places else 0
        began_ms = first.opening.at_ms
        return {
            one.ledger for place, one in enumerate(heads) if place < begins or one.at_ms < began_ms
        }


class _Roots:
    """The roots of a file without a fault, for sizes that do not become smaller."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._tree = Tree()

    def of(self, size: int) -> str:
        while self._tree.size < size:
            self._tree.add(self._file.good[self._tree.size].hash)
        return self._tree.root().hex()
