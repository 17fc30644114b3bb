"""Puts an edge's doors together: the board, the key, chance. Decides nothing."""

import random
from collections.abc import Callable

from stentor.admission.tickets import Tickets
from stentor.base.paths import DataFolder
from stentor.base.secrets import door_key
from stentor.base.settings import Settings
from stentor.edge.board import Board
from stentor.edge.connection import Connection
from stentor.edge.counts import Counts
from stentor.edge.door import Door
from stentor.edge.door_limits import draw_door_limits
from stentor.edge.networks import read_blocks
from stentor.edge.proofs import Proofs
from stentor.edge.rooms import Room
from stentor.edge.routes import Master
from stentor.edge.shelf import Shelf
from stentor.edge.shelf_door import ShelfDoor


def make_door(
    settings: Settings,
    folder: DataFolder,
    counts: Counts,
    index: int,
    *,
    now_ms: Callable[[], int],
    now_ns: Callable[[], int],
) -> Door:
    """Return the door of edge `index`, on the board of its machine."""
    key = door_key(folder)
    return Door(
        limits=draw_door_limits(settings),
        board=Board(folder.board, index, now_ms() // 1000),
        tickets=Tickets(key),
        proofs=Proofs(key, counts, random.random),
        counts=counts,
        index=index,
        now_ms=now_ms,
        now_ns=now_ns,
        chance=random.random,
    )


def make_shelf_door(
    settings: Settings,
    door: Door,
    shelf: Shelf,
    admits: Callable[[Connection, Room, Master], bool],
) -> ShelfDoor:
    """Return what stands before an edge's playlists; raises `ConfigurationError`."""
    return ShelfDoor(
        door=door,
        shelf=shelf,
        counts=shelf.counts,
        exempt=read_blocks(settings.edge_hls_exempt, "edge_hls_exempt"),
        admits=admits,
        chance=random.random,
    )
