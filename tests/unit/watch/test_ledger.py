"""The ledger on disk: whole after every end, also a torn one; a full disk is survived and noted."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from stentor.base.paths import DataFolder
from stentor.cli.ledger_files import read_heads, read_heads_beside
from stentor.evidence.chain import Body, Head, take_apart
from stentor.evidence.findings import Report
from stentor.evidence.kept import Beside
from stentor.evidence.records import Note, Second
from stentor.evidence.verify import verify
from stentor.watch.ledger import PENDING_MAX, About, Ledger
from stentor.watch.ledger_file import HEADS_NAME, keep_head
from stentor.watch.serve import ledger_key
from support.ledger import ledger_files
from support.server import wait_until

PATIENCE_S = 30
START_MS = 1_700_000_000_000


class Writing:
    """A ledger in a folder, one second after the other."""

    def __init__(self, root: Path, **sizes: int) -> None:
        self.root = root
        self.folder = root / "ledger"
        self.event = "aaaaaaaa"
        self.settings = {"edges": "3"}
        self.at_ms = START_MS
        self.sizes = {"file_bytes_max": 1 << 20, "bytes_max": 1 << 30, **sizes}
        self.start()

    def start(self) -> None:
        key = ledger_key(DataFolder(self.root))
        about = About("1", self.settings, self.event)
        self.ledger = Ledger(
            self.folder,
            key,
            lambda: msgspec.structs.replace(about, event_key_id=self.event, settings=self.settings),
            **self.sizes,
        )

    def seconds(self, count: int, *, wait: bool = True, weight: int = 0) -> None:
        before = self.ledger.records + self.ledger.lost
        for _ in range(count):
            self.at_ms += 1000
            note = (Note("weight", "x" * weight),) if weight else ()
            self.ledger.append(Second(self.at_ms, notes=note))
        if wait:
            wait_until(lambda: self.ledger.records + self.ledger.lost >= before + count, PATIENCE_S)

    def close(self) -> None:
        self.ledger.close(PATIENCE_S)

    def check(self, heads: list[Head] | None = None) -> Report:
        return verify(ledger_files(self.folder), self.ledger.key, heads or [])

    def bodies(self) -> list[Body]:
        bodies = []
        for _, data in ledger_files(self.folder):
            for line in data.split(b"\n")[:-1]:
                parts = take_apart(line)
                assert parts is not None
                bodies.append(msgspec.json.decode(parts.body, type=Body))
        return bodies

    def notes(self) -> list[Note]:
        return [note for one in self.bodies() if one.second for note in one.second.notes]

    def times(self) -> list[int]:
        return [one.second.at_ms for one in self.bodies() if one.second is not None]

    def heads(self) -> list[Head]:
        lines = (self.folder / HEADS_NAME).read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Head) for line in lines]


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Writing]:
    one = Writing(tmp_path)
    yield one
    one.close()


def test_a_ledger_that_was_closed_is_whole_and_read_only(writing: Writing) -> None:
    writing.seconds(130)
    writing.close()
    report = writing.check(writing.heads())
    assert (report.whole, report.doubts) == (True, ())
    assert writing.times() == [START_MS + 1000 * n for n in range(1, 131)]
    assert [head.size for head in writing.heads()] == [60, 120, 135]  # the last one of the closing
    (path,) = writing.folder.glob("0*")
    assert path.stat().st_mode & 0o777 == 0o444
    assert writing.bodies()[0].opening.settings == {"edges": "3"}


def test_killed_ledger_verifies_and_the_next_one_goes_on_from_it(writing: Writing) -> None:
    writing.seconds(5)
    first = writing.ledger  # never closed: its thread waits, as if it had been killed
    writing.at_ms += 7_000
    writing.start()
    writing.seconds(5)
    writing.close()
    report = writing.check(writing.heads())
    assert (report.whole, report.doubts) == (True, ())
    assert [one.closed for one in report.files] == [False, True]
    assert report.files[1].previous == report.files[0].last
    from_ms, to_ms = START_MS + 5_000, START_MS + 13_000
    told = Note("watch-was-away", f"from {from_ms} to {to_ms}, after 00000001.jsonl")
    assert writing.notes() == [told]
    first.close(PATIENCE_S)


def test_a_line_that_was_not_written_to_its_end_is_cut_off_and_noted(writing: Writing) -> None:
    writing.seconds(3)
    writing.close()
    (path,) = writing.folder.glob("0*")
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    path.chmod(0o600)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    assert writing.check().doubts
    writing.start()
    writing.seconds(2)
    writing.close()
    assert writing.check().whole
    assert not any(one.torn for one in writing.check().files)
    assert [note.what for note in writing.notes()] == ["ledger-torn", "watch-was-away"]
    assert path.read_bytes() == b"".join(lines[:3])


def test_files_are_rotated_by_size_and_at_a_new_event(tmp_path: Path) -> None:
    writing = Writing(tmp_path, file_bytes_max=20_000)
    writing.seconds(10, weight=8_000)
    writing.event = "bbbbbbbb"
    writing.seconds(2)
    writing.close()
    report = writing.check(writing.heads())
    assert (report.whole, report.doubts) == (True, ())
    assert len(report.files) > 3
    assert [one.event_key_id for one in report.files][-2:] == ["aaaaaaaa", "bbbbbbbb"]
    assert all(one.closed for one in report.files)
    assert len(writing.times()) == 12


def test_the_oldest_files_are_let_go_and_that_is_noted_so_that_no_head_misses_them(
    tmp_path: Path,
) -> None:
    writing = Writing(tmp_path, file_bytes_max=20_000, bytes_max=70_000)
    writing.seconds(30, weight=8_000)
    writing.close()
    assert sum(len(data) for _, data in ledger_files(writing.folder)) < 90_000
    report = writing.check(writing.heads())
    assert report.whole
    assert report.doubts == (
        f"The file before {report.files[0].file} was not given; the ledger notes that it removed"
        " it.",
    )
    assert "ledger-file-removed" in {note.what for note in writing.notes()}
    # Who takes one more away cannot say that it was for room.
    (writing.folder / report.files[0].file).unlink()
    assert not writing.check(writing.heads()).whole


def test_a_file_says_that_it_was_rotated_only_when_the_next_one_is_on_disk(
    tmp_path: Path,
) -> None:
    """A folder that takes no new file for a while does not look like one that lost a file."""
    writing = Writing(tmp_path, file_bytes_max=20_000)
    writing.seconds(1, weight=8_000)
    blocked = writing.folder / "00000002.new"
    blocked.mkdir()
    writing.seconds(5, wait=False, weight=8_000)
    wait_until(lambda: writing.ledger.hindered, PATIENCE_S)
    report = writing.check(writing.heads() if (writing.folder / HEADS_NAME).exists() else [])
    assert report.whole
    assert [one.closed for one in report.files] == [False]
    blocked.rmdir()
    wait_until(lambda: writing.ledger.records == 6, PATIENCE_S)
    writing.close()
    report = writing.check(writing.heads())
    assert (report.whole, report.doubts) == (True, ())
    assert len(report.files) > 1
    assert all(one.closed for one in report.files)


def test_settings_that_a_deploy_changed_open_another_file(writing: Writing) -> None:
    writing.seconds(2)
    writing.settings = {"edges": "3", "edge_lag_s": "9.0"}
    writing.seconds(2)
    writing.close()
    report = writing.check(writing.heads())
    assert (report.whole, report.doubts) == (True, ())
    assert [one.settings for one in report.files] == [{"edges": "3"}, writing.settings]
    assert [one.seconds for one in report.files] == [2, 2]


@contextmanager
def full_disk(bytes_max: int) -> Iterator[None]:
    """No file of this process may be larger than that: `write` says no, or takes only a part."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_nothing_for_a_while_costs_nothing(writing: Writing) -> None:
    writing.seconds(3)
    with full_disk((writing.folder / "00000001.jsonl").stat().st_size + 300):
        writing.seconds(20, wait=False)
        wait_until(lambda: writing.ledger.hindered, PATIENCE_S)
    wait_until(lambda: writing.ledger.records == 23 and not writing.ledger.hindered, PATIENCE_S)
    writing.close()
    report = writing.check(writing.heads())
    assert (report.whole, report.doubts) == (True, ())
    assert writing.times() == [START_MS + 1000 * n for n in range(1, 24)]


def test_what_does_not_fit_while_the_disk_is_full_is_a_gap_that_is_noted(
    writing: Writing,
) -> None:
    writing.seconds(3)
    with full_disk((writing.folder / "00000001.jsonl").stat().st_size + 300):
        writing.seconds(PENDING_MAX + 50, wait=False)
        wait_until(lambda: writing.ledger.hindered, PATIENCE_S)
    wait_until(lambda: writing.ledger.records >= PENDING_MAX, PATIENCE_S)
    writing.seconds(1)
    writing.close()
    lost = writing.ledger.lost
    assert 0 < lost <= 50
    assert len(writing.times()) == 3 + PENDING_MAX + 50 + 1 - lost
    told = [note.about for note in writing.notes() if note.what == "ledger-gap"]
    last_ms = START_MS + 1000 * (3 + PENDING_MAX + 50)
    assert told == [f"seconds from {last_ms - 1000 * (lost - 1)} to {last_ms} were not kept"]
    report = writing.check()
    assert report.whole
    assert report.files[0].gaps == ((last_ms - 1000 * lost, last_ms + 1000),)


def test_a_ledger_whose_folder_is_taken_away_begins_again(writing: Writing) -> None:
    writing.seconds(3)
    shutil.rmtree(writing.folder)

    def goes_on() -> bool:
        writing.seconds(1)
        return writing.folder.exists()

    wait_until(goes_on, PATIENCE_S)
    writing.close()
    assert writing.check().whole
    assert "ledger-file-lost" in {note.what for note in writing.notes()}


def test_a_second_that_is_too_large_is_left_out_and_noted(writing: Writing) -> None:
    writing.seconds(1)
    writing.seconds(1, weight=33 << 20)
    writing.seconds(1)
    writing.close()
    assert writing.ledger.lost == 1
    assert [note.what for note in writing.notes()] == ["ledger-gap"]
    assert writing.check().whole


def test_a_head_that_does_not_fit_costs_no_second_and_doubles_none(writing: Writing) -> None:
    writing.seconds(58)  # with the opening 59 records: the next one brings a head
    path = writing.folder / "00000001.jsonl"
    line = len(path.read_bytes().splitlines(keepends=True)[-1])
    with full_disk(path.stat().st_size + line + 100):
        writing.seconds(1, wait=False)
        wait_until(lambda: writing.ledger.hindered, PATIENCE_S)
    writing.seconds(3)
    writing.close()
    assert writing.times() == [START_MS + 1000 * n for n in range(1, 63)]
    assert writing.check(writing.heads()).whole


@pytest.mark.parametrize("name", ["00000001_copy.jsonl", "00000001 2.jsonl", "9.bak.jsonl"])
def test_a_file_of_another_name_in_the_folder_stops_nothing(writing: Writing, name: str) -> None:
    writing.seconds(2)
    writing.close()
    shutil.copy(writing.folder / "00000001.jsonl", writing.folder / name)
    writing.start()
    writing.seconds(2)
    writing.close()
    assert writing.ledger.lost == 0
    assert (writing.folder / "00000002.jsonl").exists()
    assert (writing.folder / name).exists()


def test_a_file_that_a_crash_left_empty_breaks_no_chain(writing: Writing) -> None:
    writing.seconds(2)
    writing.close()
    (writing.folder / "00000002.jsonl").touch()
    writing.start()
    writing.seconds(2)
    writing.close()
    report = writing.check(writing.heads())
    assert [one.file for one in report.files] == ["00000001.jsonl", "00000002.jsonl"]
    assert (report.whole, report.doubts) == (True, ())
    assert "ledger-unreadable" in {note.what for note in writing.notes()}


def test_heads_that_were_torn_by_a_crash_go_on_with_whole_ones(writing: Writing) -> None:
    writing.seconds(60)
    writing.close()
    path = writing.folder / HEADS_NAME
    before = writing.heads()
    path.write_bytes(path.read_bytes() + b'{"ledger":"12')
    assert read_heads(str(path)) == before
    writing.start()
    writing.seconds(60)
    writing.close()
    assert writing.heads()[: len(before)] == before
    assert len(writing.heads()) > len(before)
    assert writing.check(read_heads(str(path))).whole


def test_heads_file_takes_a_head_whole_or_not_at_all(writing: Writing) -> None:
    writing.seconds(60)
    writing.close()
    path, head = writing.folder / HEADS_NAME, writing.heads()[-1]
    size = path.stat().st_size
    with full_disk(size + 50), pytest.raises(OSError, match=r"space|large"):
        keep_head(writing.folder, head)
    assert path.stat().st_size == size


def check_beside(writing: Writing) -> Report:
    beside = read_heads_beside([writing.folder], ())
    assert beside
    return verify(ledger_files(writing.folder), writing.ledger.key, beside=beside)


def test_killed_ledger_is_not_taken_for_cut_by_the_heads_beside_it(writing: Writing) -> None:
    writing.seconds(125)
    wait_until(lambda: len(writing.heads()) == 2, PATIENCE_S)
    first = writing.ledger  # never closed, and killed in the middle of a record and of a head
    for name in ("00000001.jsonl", HEADS_NAME):
        with (writing.folder / name).open("ab") as file:
            file.write(b'{"n":127,"pr')
    assert check_beside(writing).whole
    writing.start()
    writing.seconds(70)
    writing.close()
    report = check_beside(writing)
    assert (report.whole, [one.closed for one in report.files]) == (True, [False, True])
    assert not any(str(writing.folder) in doubt for doubt in report.doubts)
    assert [one.heads for one in report.beside] == [4]
    first.close(PATIENCE_S)


def test_no_head_is_on_disk_before_its_records_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what a power cut at any moment would leave, nothing looks as if its tail were cut off."""
    on_disk: dict[str, bytes] = {}
    left: list[dict[str, bytes]] = []
    sync = os.fdatasync

    def synced(handle: int) -> None:
        sync(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        on_disk[path.with_suffix(".jsonl").name] = path.read_bytes()
        left.append(dict(on_disk))

    monkeypatch.setattr(os, "fdatasync", synced)
    writing = Writing(tmp_path, file_bytes_max=60_000)
    writing.seconds(190, weight=300)
    writing.close()
    assert len(writing.heads()) >= 4
    assert len(on_disk) > 2
    for one in left:
        files = [(name, data) for name, data in sorted(one.items()) if name != HEADS_NAME]
        lines = one.get(HEADS_NAME, b"").splitlines()
        heads = tuple(msgspec.json.decode(line, type=Head) for line in lines)
        beside = Beside("there", heads, all_files=True)
        report = verify(files, writing.ledger.key, beside=[beside])
        assert not [found for found in report.findings if "a head in there" in found.why]
