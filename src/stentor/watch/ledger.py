"""The ledger of a deployment: seconds go in at once, and a thread brings them onto the disk.

A disk that hangs or is full holds up nobody: seconds wait in bounded number, and what does not fit
is counted and noted as a gap once there is room again. Decides when another file begins and which
are let go; never what a record says.
"""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base import metrics
from stentor.base.logs import log
from stentor.evidence.chain import FORMAT, RECORD_BYTES_MAX, Head, public_hex
from stentor.evidence.records import Note, Opening, Second, let_go
from stentor.evidence.succession import ROTATED
from stentor.watch.ledger_file import (
    Before,
    LedgerFile,
    keep_head,
    last_hash,
    ledger_files,
    take_up,
)

PENDING_MAX = 900  # seconds that may wait for the disk
PENDING_BYTES_MAX = 128 << 20
_AGAIN_S = 1.0


class About(msgspec.Struct, frozen=True):
    """What an opening says of its writer; another event's key, or other settings, begin a file."""

    version: str
    settings: dict[str, str]
    event_key_id: str


class Ledger:
    """Writes one file after the other in `folder`."""

    def __init__(
        self,
        folder: Path,
        key: Ed25519PrivateKey,
        about: Callable[[], About],
        *,
        file_bytes_max: int,
        bytes_max: int,
        on_head: Callable[[Head], None] = lambda head: None,
    ) -> None:
        """`on_head` is told each new head, in the ledger's own thread; it raises nothing."""
        self._folder = folder
        self._on_head = on_head
        self._key = key
        self._about = about
        self._file_bytes_max = file_bytes_max
        self._bytes_max = bytes_max
        self._file: LedgerFile | None = None
        self._opened: About | None = None  # what the file's opening says
        self._notes: tuple[Note, ...] = ()  # of the file itself, for the next second
        self._before: Before | None = None
        self._pending: deque[tuple[Second, int]] = deque()
        self._pending_bytes = 0
        self._gap: tuple[int, int] | None = None  # the first and the last second not kept
        self._wake = threading.Condition()
        self._stopping = False
        self.head: Head | None = None  # the newest
        self.hindered = ""  # why the disk does not take it just now
        self.records = 0
        self.lost = 0
        self.key = public_hex(key)
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """The file that is written."""
        file = self._file
        return file.path.name if file is not None else ""

    def append(self, second: Second) -> None:
        """Have a second written, soon; never waits, never raises."""
        with self._wake:
            if self._gap is not None:
                told = f"seconds from {self._gap[0]} to {self._gap[1]} were not kept"
                gap = Note("ledger-gap", told)
                second = msgspec.structs.replace(second, notes=(*second.notes, gap))
            size = len(msgspec.json.encode(second))
            full = len(self._pending) >= PENDING_MAX
            # Less than a whole record: its number, hashes and a few notes come on top.
            if full or self._pending_bytes + size > PENDING_BYTES_MAX or size > RECORD_BYTES_MAX:
                self._lose(second.at_ms)
                return
            self._gap = None
            self._pending.append((second, size))
            self._pending_bytes += size
            self._wake.notify()

    def close(self, timeout_s: float) -> None:
        """Write what waits, sign and close the file; give up after `timeout_s`."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout_s)

    def _lose(self, at_ms: int) -> None:
        self._gap = (self._gap[0] if self._gap is not None else at_ms, at_ms)
        self.lost += 1
        metrics.WATCH_LEDGER_LOST.inc()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._pending or self._stopping)
                stopping = self._stopping
            try:
                self._write_pending()
                if stopping:
                    self._end_file("stopped")
            except OSError as error:
                self._hinder(error)
            except Exception:  # a mistake of ours must not stop what comes next second
                log().exception("ledger_failed")
                self._skip()
            if stopping:
                return

    def _write_pending(self) -> None:
        wrote = False
        while (second := self._next()) is not None:
            file = self._file_for(second.at_ms)
            notes = self._notes
            file.append(msgspec.structs.replace(second, notes=(*second.notes, *notes)))
            self._notes = self._notes[len(notes) :]
            self._take()
            wrote = True
            file.sign_when_due()
            self._publish(file)
        if wrote and self._file is not None:
            self._file.sync()
            metrics.WATCH_LEDGER_BYTES.set(self._file.bytes)
            if self.hindered:
                self.hindered = ""
                log().info("ledger_goes_on")

    def _next(self) -> Second | None:
        with self._wake:
            return self._pending[0][0] if self._pending else None

    def _take(self) -> None:
        with self._wake:
            self._pending_bytes -= self._pending.popleft()[1]
        self.records += 1
        metrics.WATCH_LEDGER_RECORDS.inc()

    def _skip(self) -> None:
        with self._wake:
            if self._pending:
                second, size = self._pending.popleft()
                self._pending_bytes -= size
                self._lose(second.at_ms)

    def _hinder(self, error: OSError) -> None:
        if not self.hindered:
            log().error("ledger_hindered", why=str(error))
        self.hindered = error.strerror or str(error)
        metrics.WATCH_LEDGER_ERRORS.inc()
        if self._file is not None and self._file.broken:
            self._notes = (*self._notes, Note("ledger-file-lost", self._file.path.name))
            self._file.close()
            self._file = None
        with self._wake:
            self._wake.wait_for(lambda: self._stopping, timeout=_AGAIN_S)

    def _file_for(self, at_ms: int) -> LedgerFile:
        about = self._about()
        if self._file is not None:
            full = self._file.bytes >= self._file_bytes_max
            if not full and about == self._opened:
                return self._file
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = ledger_files(self._folder)
        self._let_go(files)
        if self._file is not None:
            self._before = None
            previous = self._file.hash_at_end(ROTATED)
        else:
            if self._before is None:
                self._before = take_up(files)
                files = ledger_files(self._folder)
                self._notes = (*self._notes, *self._before.notes)
                if not self._before.closed:
                    told = f"from {self._before.at_ms} to {at_ms}, after {self._before.name}"
                    self._notes = (*self._notes, Note("watch-was-away", told))
            previous = self._before.hash
        for old in files:
            old.chmod(0o444)
        opening = Opening(
            format=FORMAT,
            version=about.version,
            settings=about.settings,
            event_key_id=about.event_key_id,
            public_key=self.key,
            previous=previous,
            at_ms=at_ms,
        )
        number = int(files[-1].stem) + 1 if files else 1
        new = LedgerFile(self._folder / f"{number:08}.jsonl", self._key, opening)
        if self._file is not None:
            self._rotate(new)
        new.appear()
        self._file = new
        self._opened = about
        self._before = None
        return new

    def _rotate(self, new: LedgerFile) -> None:
        """Close the file, now that the next one is on disk: who says "rotated" has a successor."""
        try:
            self._end_file(ROTATED)
        except OSError:
            new.discard()
            raise

    def _let_go(self, files: list[Path]) -> None:
        """Remove the oldest files while all together would be too large."""
        sizes = [path.stat().st_size for path in files]
        while len(files) > 1 and sum(sizes) + self._file_bytes_max > self._bytes_max:
            oldest = files.pop(0)
            sizes.pop(0)
            note = let_go(oldest.name, last_hash(oldest))
            oldest.unlink()
            self._notes = (*self._notes, note)

    def _end_file(self, why: str) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.end(why)
            self._publish(file)
        finally:
            file.close()

    def _publish(self, file: LedgerFile) -> None:
        head = file.head
        if head is None or head == self.head:
            return
        # A power cut must not leave a head of records that are not on disk: as if they were cut.
        file.sync()
        keep_head(self._folder, head)
        self.head = head
        self._on_head(head)
