"""A recording file: append-only, valid whenever it is read, and as it was after any death."""

from __future__ import annotations

import errno
import os
import struct
import threading
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stentor.codecs.encode import Part, SilentParts
from stentor.media.boxes import boxes
from stentor.media.fragments import fragment, read_fragment
from stentor.media.renditions import RENDITIONS
from stentor.origin import recording as recording_module
from stentor.origin.recording import Recording


@cache
def silent() -> SilentParts:
    return SilentParts(RENDITIONS["opus24"])


def part(number: int) -> Part:
    return Part(number, fragment(number, 960, [bytes([number % 255 + 1]) * (20 + number % 7)] * 16))


def opened(folder: Path) -> Recording:
    recording = Recording(folder / "r" / "x.mp4", folder / "r" / "x.index", silent())
    recording.recover()
    return recording


def written(recording: Recording, numbers: range) -> bool:
    recording.append([part(number) for number in numbers])
    return recording.write_pending()


def index_of(folder: Path) -> list[int]:
    data = (folder / "r" / "x.index").read_bytes()
    return [start for (start,) in struct.iter_unpack("<Q", data)]


def contents(folder: Path) -> bytes:
    return (folder / "r" / "x.mp4").read_bytes()


def assert_sound(folder: Path, parts: int) -> None:
    """Init, then the parts in order; the index points at each."""
    data = contents(folder)
    found = list(boxes(data))
    assert [box.kind for box in found] == ["ftyp", "moov"] + ["moof", "mdat"] * parts
    starts = index_of(folder)
    assert len(starts) == parts
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True)):
        assert read_fragment(data[start:end]).sequence == number + 1


def test_parts_and_index_are_written_as_they_come(tmp_path: Path) -> None:
    recording = opened(tmp_path)
    for number in range(10):
        assert written(recording, range(number, number + 1))
        assert_sound(tmp_path, number + 1)
    assert contents(tmp_path) == recording.init + b"".join(part(n).data for n in range(10))


def test_a_part_out_of_order_is_a_fault_of_ours(tmp_path: Path) -> None:
    recording = opened(tmp_path)
    with pytest.raises(ValueError, match="part 1 where 0 is due"):
        recording.append([part(1)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    count=st.integers(0, 80),
    cut_file=st.integers(0, 3_000),
    cut_index=st.integers(0, 40),
    more=st.binary(max_size=40),
    zeros=st.integers(0, 600),
)
def test_whatever_a_death_tore_the_rest_is_whole_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    cut_file: int,
    cut_index: int,
    more: bytes,
    zeros: int,
) -> None:
    folder = tmp_path_factory.mktemp("recording")
    recording = opened(folder)
    written(recording, range(count))
    recording.close()
    path, index = folder / "r" / "x.mp4", folder / "r" / "x.index"
    before = path.read_bytes()
    with path.open("r+b") as file:
        kept = max(0, len(before) - cut_file)
        file.truncate(kept)
        file.seek(max(0, kept - zeros))  # a power cut: length without contents
        file.write(bytes(min(zeros, kept)))
    with index.open("r+b") as file:
        file.truncate(max(0, 8 * count - cut_index))
        file.seek(0, os.SEEK_END)
        file.write(more)
    damaged = path.read_bytes()
    again = opened(folder)
    assert again.parts <= count
    whole = contents(folder) if path.exists() else b""
    assert damaged.startswith(whole)  # not a byte of what is whole was changed
    if damaged == before and cut_index == 0:
        assert again.parts == count
    assert written(again, range(again.parts, count + 3))
    assert_sound(folder, count + 3)


def test_an_index_that_is_too_short_costs_no_whole_part(tmp_path: Path) -> None:
    recording = opened(tmp_path)
    written(recording, range(200))
    recording.close()
    before = contents(tmp_path)
    index = tmp_path / "r" / "x.index"
    for entries in (199, 100, 1, 0):
        os.truncate(index, entries * 8)  # its own disk block was late, or its rebuilding cut short
        assert opened(tmp_path).parts == 200
        assert contents(tmp_path) == before
        assert_sound(tmp_path, 200)


def test_an_index_that_is_lost_is_built_again(tmp_path: Path) -> None:
    recording = opened(tmp_path)
    written(recording, range(100))
    recording.close()
    (tmp_path / "r" / "x.index").unlink()
    assert opened(tmp_path).parts == 100
    assert_sound(tmp_path, 100)


def test_an_index_of_another_recording_is_not_believed(tmp_path: Path) -> None:
    recording = opened(tmp_path)
    written(recording, range(100))
    recording.close()
    starts = [start + 9 if n > 3 else start for n, start in enumerate(index_of(tmp_path))]
    (tmp_path / "r" / "x.index").write_bytes(struct.pack("<100Q", *starts))
    assert opened(tmp_path).parts == 100
    assert_sound(tmp_path, 100)


def test_a_file_that_is_no_recording_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "x.mp4").write_bytes(b"hello" * 100)
    recording = opened(tmp_path)
    assert recording.parts == 0
    written(recording, range(1))
    assert_sound(tmp_path, 1)


def test_the_tail_is_what_was_appended(tmp_path: Path) -> None:
    recording = opened(tmp_path)
    written(recording, range(20))
    recording.close()
    assert opened(tmp_path).tail(6) == [part(number) for number in range(14, 20)]
    assert opened(tmp_path).tail(60) == [part(number) for number in range(20)]


class Disk:
    """Lets so many bytes through, then is full; a write may be cut short, as real ones are."""

    def __init__(self, room_bytes: int) -> None:
        self.room_bytes = room_bytes
        self._pwrite = os.pwrite

    def pwrite(self, descriptor: int, data: memoryview, offset: int) -> int:
        if self.room_bytes <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._pwrite(descriptor, data[: self.room_bytes], offset)
        self.room_bytes -= written
        return written


def test_a_full_disk_leaves_a_valid_file_and_everything_arrives_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(3_333)
    monkeypatch.setattr(recording_module.os, "pwrite", disk.pwrite)
    recording = opened(tmp_path)
    results = []
    for number in range(40):
        results.append(written(recording, range(number, number + 1)))
        assert_sound(tmp_path, recording.parts)
    assert True in results
    assert not results[-1]
    assert recording.error is not None
    assert recording.pending_bytes > 0
    disk.room_bytes = 10**9
    assert recording.write_pending()
    assert recording.pending_bytes == 0
    assert_sound(tmp_path, 40)
    assert contents(tmp_path) == recording.init + b"".join(part(n).data for n in range(40))


def test_beyond_the_memorys_limit_the_oldest_become_silence_and_keep_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(2_000)
    monkeypatch.setattr(recording_module.os, "pwrite", disk.pwrite)
    recording = opened(tmp_path)
    for number in range(600):
        written(recording, range(number, number + 1))
        recording.give_way(20_000)
        assert recording.pending_bytes <= 20_000
    in_file = recording.parts
    assert recording.lost_parts > 300
    disk.room_bytes = 10**9
    assert recording.write_pending()
    assert_sound(tmp_path, 600)
    starts = [*index_of(tmp_path), len(contents(tmp_path))]
    data = contents(tmp_path)
    for number in (0, in_file - 1, in_file, in_file + recording.lost_parts - 1, 599):
        lost = in_file <= number < in_file + recording.lost_parts
        expected = silent().part(number) if lost else part(number)
        assert data[starts[number] : starts[number + 1]] == expected.data


def test_parts_that_give_way_while_the_disk_hangs_on_earlier_ones_keep_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = opened(tmp_path)
    written(recording, range(3))
    pwrite, entered, go = os.pwrite, threading.Event(), threading.Event()

    def hang(descriptor: int, data: memoryview, offset: int) -> int:
        entered.set()
        assert go.wait(10)
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(recording_module.os, "pwrite", hang)
    recording.append([part(3), part(4)])
    thread = threading.Thread(target=recording.write_pending)
    thread.start()
    assert entered.wait(10)
    recording.append([part(number) for number in range(5, 10)])
    assert recording.give_way(len(part(3).data) * 3) > 0  # never what is being written
    go.set()
    thread.join(10)
    monkeypatch.setattr(recording_module.os, "pwrite", pwrite)
    assert recording.write_pending()
    assert recording.pending_bytes == 0
    assert_sound(tmp_path, 10)


def test_parts_keep_their_place_whatever_a_write_fails_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = opened(tmp_path)
    written(recording, range(3))

    def fail(*_: object) -> int:
        raise MemoryError

    recording.append([part(3), part(4)])
    with monkeypatch.context() as patch:
        patch.setattr(recording_module.os, "pwrite", fail)
        with pytest.raises(MemoryError):
            recording.write_pending()
    assert written(recording, range(5, 7))
    assert_sound(tmp_path, 7)
