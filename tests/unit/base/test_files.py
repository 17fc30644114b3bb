"""Small files that are replaced while others read them, and addresses as they are written."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stentor.base.addresses import in_url, reached_at
from stentor.base.files import replace_file


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    replace_file(path, b"long ago", 0o600)
    with path.open("rb") as reading:
        replace_file(path, b"now", 0o600)
        assert reading.read() == b"long ago"  # who had it open has the old one
    assert path.read_bytes() == b"now"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(path, b"now")
    assert path.is_dir()


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("192.0.2.7", "192.0.2.7"),
        ("hall.example", "hall.example"),
    ],
)
def test_what_listens_is_reached_from_this_machine(bind: str, url: str) -> None:
    assert in_url(reached_at(bind)) == url
