"""Which bytes of a recording are which parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.base.paths import DataFolder
from stentor.edge.archive import Archive, read_range
from stentor.media.renditions import RENDITIONS
from support.programme import FeedThread, Programme, init_of, part_of

AAC = RENDITIONS["aac48"]


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    Programme(FeedThread(tmp_path / "none")).write_recording(folder, parts=30)
    return folder


def test_parts_are_exact_ranges_up_to_the_newest(folder: DataFolder) -> None:
    archive = Archive(folder)
    assert archive.parts("town-hall", "aac48") == 30
    assert archive.init("town-hall", "aac48") == init_of(AAC)
    for first, stop in ((0, 12), (12, 24), (24, 30), (29, 30)):
        extent = archive.extent("town-hall", "aac48", first, stop)
        assert extent is not None
        expected = b"".join(part_of(AAC, number) for number in range(first, stop))
        assert archive.read(extent) == expected
    assert archive.extent("town-hall", "aac48", 24, 36) is None


def test_recording_that_is_being_written_ends_with_its_newest_whole_part(
    folder: DataFolder,
) -> None:
    archive = Archive(folder)
    path = folder.recording("town-hall", "aac48")
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(part_of(AAC, 30)[:50])
    extent = archive.whole("town-hall", "aac48")
    assert extent is not None
    assert (extent.start, extent.end) == (0, whole)


def test_torn_recording_is_not_served_beyond_its_bytes(folder: DataFolder) -> None:
    path = folder.recording("town-hall", "aac48")
    path.write_bytes(path.read_bytes()[:-10])
    assert Archive(folder).whole("town-hall", "aac48") is None


def test_room_without_recording_has_none(tmp_path: Path) -> None:
    archive = Archive(DataFolder(tmp_path))
    assert archive.parts("none", "aac48") == 0
    assert archive.init("none", "aac48") == b""
    assert archive.whole("none", "aac48") is None


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=-", None),
    ],
)
def test_ranges_are_read_as_http_means_them(header: str, span: tuple[int, int] | None) -> None:
    assert read_range(header, 100) == span


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-101", "bytes=-0"])
def test_ranges_beyond_the_file_are_none(header: str) -> None:
    with pytest.raises(ValueError):
        read_range(header, 100)


@given(st.text(max_size=40), st.integers(0, 1000))
def test_any_range_header_gives_bytes_that_are_there(header: str, size: int) -> None:
    try:
        span = read_range(header, size)
    except ValueError:
        return
    if span is not None:
        assert 0 <= span[0] < span[1] <= size
