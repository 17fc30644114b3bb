"""A watch without a process: its parts on a folder, edges as datagrams, time as it is set."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stentor.base.clock import ManualClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.shield.facts import DoorSecond, EdgeSecond, Heavy, Load, RoomSecond
from stentor.watch.deciding import Deciding
from stentor.watch.event import EventKeys
from stentor.watch.guarding import Guarding
from stentor.watch.hearing import Heard
from stentor.watch.ledger import About, Ledger
from stentor.watch.outside import Outside
from stentor.watch.serve import ledger_key
from stentor.watch.watching import Watching
from stentor.watch.web import Page

TOKEN = "t" * 64
LINK_KEY = b"l" * 32
BAD = "4/32:0123456789abcdef"


def edge_second(edge: str = "edge-0", at_ms: int = 0, **more: object) -> EdgeSecond:
    """What an edge with 100 listeners tells in a quiet second."""
    told: dict[str, object] = {
        "counts": {"joined": 2, "accepted": 3},
        "rooms": {"hall": RoomSecond(listeners=100, phase="live")},
        "load": Load(use=0.25, connections=100, by_lane_ms={"320": 100}),
        "door": DoorSecond(),
        **more,
    }
    return EdgeSecond(edge=edge, at_ms=at_ms, **told)  # type: ignore[arg-type]


def flooded(edge: str = "edge-0", network: str = BAD) -> EdgeSecond:
    """A second in which one network did nothing but wrong."""
    return edge_second(edge, heavy=(Heavy(network, asks=200, wrongs=200, why="malformed"),))


class Watch:
    """A `Watching` whose seconds are made by hand."""

    def __init__(self, root: Path, clock: ManualClock | None = None, **sizes: int) -> None:
        self.folder = DataFolder(root)
        self.folder.run.mkdir(parents=True, exist_ok=True)
        self.clock = clock or ManualClock()
        self.now_s = 0.0
        keys = EventKeys(self.folder.event_key)
        limits = {"file_bytes_max": 1 << 20, "bytes_max": 1 << 30, **sizes}
        self.ledger = Ledger(
            self.folder.ledger,
            ledger_key(self.folder),
            lambda: About("1", {}, keys.key.id),
            **limits,
        )
        self.watching = Watching(
            self.clock,
            Heard(),
            Deciding(self.folder.policy, self.folder.operator_words),
            Outside(self.folder),
            keys,
            self.ledger,
            Guarding(self.folder.guard_socket),
        )

    @property
    def page(self) -> Page:
        return Page(Settings(), self.watching, TOKEN, LINK_KEY)

    def second(self, *told: EdgeSecond, offset_ns: int = 0) -> None:
        """Let a second pass in which edges told this."""
        self.clock.advance(1)
        self.now_s += 1
        for one in told:
            self.watching.heard.take(msgspec.msgpack.encode(one), self.now_s)
        self.watching.look(self.now_s, offset_ns)

    def close(self) -> None:
        self.ledger.close(30)
        self.watching.guarding.close()
