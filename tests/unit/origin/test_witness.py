"""The ledger's head rides along with a room's states, and is never awaited."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stentor.origin.states import is_news
from stentor.origin.witness import WitnessFile
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, Witness

S = 1_000_000_000


def head(size: int) -> Witness:
    return Witness("a" * 64, size, "b" * 64, 1, "c" * 64, "d" * 128)


def test_newest_head_is_found_a_second_later_and_nonsense_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.head"
    witness = WitnessFile(path)
    assert witness.newest(0) is None
    path.write_bytes(msgspec.json.encode(head(60)))
    assert witness.newest(S - 1) is None
    assert witness.newest(S) == head(60)
    path.write_bytes(b"half a fi")
    assert witness.newest(3 * S) == head(60)
    path.unlink()
    assert witness.newest(5 * S) == head(60)
    scratch = tmp_path / "new"
    scratch.write_bytes(msgspec.json.encode(head(120)))
    scratch.replace(path)
    assert witness.newest(7 * S) == head(120)


def test_a_head_by_itself_is_no_news() -> None:
    old = RoomState("hall", "Hall", Phase.LIVE, 0)
    assert not is_news(old, msgspec.structs.replace(old, sample_index=5))
    assert is_news(old, msgspec.structs.replace(old, title="Great hall"))
