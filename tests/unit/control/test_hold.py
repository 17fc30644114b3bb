"""What an upload left behind when control died is cleared away; the tune that counted is kept."""

from __future__ import annotations

from pathlib import Path

from stentor.base.paths import DataFolder
from stentor.control.hold import tidy_holds


def test_leftovers_go_and_tunes_stay(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    tidy_holds(folder)  # there is no such folder yet
    hold = folder.hold("x").parent
    hold.mkdir()
    (hold / "whole.s16").write_bytes(b"tune")
    (hold / "replaced.s16").write_bytes(b"new")
    (hold / "replaced.old").write_bytes(b"old")
    (hold / "between.old").write_bytes(b"the one that counted")
    (hold / ".room-0011.upload").write_bytes(b"half")
    (hold / ".room-0011.new").write_bytes(b"half")
    tidy_holds(folder)
    assert {path.name: path.read_bytes() for path in hold.iterdir()} == {
        "whole.s16": b"tune",
        "replaced.s16": b"new",
        "between.s16": b"the one that counted",
    }
