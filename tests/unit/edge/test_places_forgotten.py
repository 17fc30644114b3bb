"""A table of networks that is full forgets the oldest, and the edge's operator can see it."""

from __future__ import annotations

from pathlib import Path

from stentor.admission.networks import Places
from stentor.admission.tickets import Tickets
from stentor.base.settings import Settings
from stentor.edge.board import Board
from stentor.edge.counts import Counts
from stentor.edge.door import Door
from stentor.edge.door_limits import draw_door_limits
from stentor.edge.proofs import Proofs

KEY = bytes(range(32))
NOW_MS = 1_800_000_000_000


def test_networks_whose_places_were_forgotten_are_counted(tmp_path: Path) -> None:
    counts = Counts()
    door = Door(
        limits=draw_door_limits(Settings()),
        board=Board(tmp_path / "door.board", 0, NOW_MS // 1000),
        tickets=Tickets(KEY),
        proofs=Proofs(KEY, counts, lambda: 0.5),
        counts=counts,
        index=0,
        now_ms=lambda: NOW_MS,
        now_ns=lambda: 0,
        chance=lambda: 0.5,
    )
    door._places = Places(1.0, 1.0, 60_000, keys_max=4)
    for n in range(9):
        door._places.place(bytes((192, 0, 2, n)), NOW_MS)
    door._second(NOW_MS, 1.0)
    assert counts.places_forgotten == 5
