"""What an edge that speaks TLS notes of waits, also of those who never get their handshake."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.admission.backlog import Backlog
from stentor.base.settings import Settings
from stentor.edge.arrival import Arrivals
from stentor.edge.counts import Counts
from stentor.edge.deadlines import Deadlines
from stentor.edge.limits import draw_limits
from stentor.edge.loop import READ, SAID, Loop
from stentor.edge.networks import NetworkLimits, Networks
from stentor.edge.tls import TlsWire
from stentor.edge.tls_context import Certificates
from stentor.edge.trusted import Trusted
from stentor.edge.web import Web
from stentor.shield.keys import EventKey
from stentor.shield.sketches import Times
from stentor.shield.summary import Summary
from support.tls import Pair

S = 1_000_000_000
LIMIT = 2
WITHIN_S = 8


class Door:
    """The way in of an edge, at a time that the test sets."""

    def __init__(self, folder: Path) -> None:
        pair = Pair(folder)
        self.now_s = 100.0
        self.counts = Counts()
        self.summary = Summary(EventKey(b"k" * 32), "edge-0")
        self.loop = Loop()
        self.theirs: list[socket.socket] = []
        self.arrivals = Arrivals(
            Web(
                self.loop,
                Deadlines({}),
                self.counts,
                lambda _connection, _request: None,
                lambda: round(self.now_s * S),
                Networks(NetworkLimits()),
                draw_limits(Settings()),
                self.summary,
            ),
            fronts=Trusted("", "proxy_protocol_from"),
            certificates=Certificates(str(pair.certificate), str(pair.key), b"s" * 32),
            tls=TlsWire(self.counts, 1 << 20),
            within_ns=WITHIN_S * S,
            handshakes_max=64,
            backlog=Backlog(LIMIT),
            next_serial=lambda: 1,
        )

    def lets_in(self) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        self.theirs.append(theirs)
        fd = ours.detach()
        self.loop.watch(fd, self.arrivals, READ)
        self.arrivals.begin(fd, b"\x0a\0\0\1")
        return fd, theirs

    def waits(self) -> Times:
        """Return the waits that the edge tells of this second."""
        return Times.read(self.summary.second(0, counts={}).queue_s)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    one = Door(tmp_path)
    yield one
    one.loop.close()
    for theirs in one.theirs:
        theirs.close()


def test_who_is_let_go_before_the_handshake_has_waited_and_the_summary_says_so(door: Door) -> None:
    for _ in range(LIMIT):
        door.lets_in()
    assert len(door.waits()) == 0, "nobody's wait is over"
    door.now_s += 3.0
    door.lets_in()
    assert door.counts.tls_crowded_out == 1
    told = door.waits()
    assert len(told) == 1
    assert told.quantile(1.0) == pytest.approx(3.0, rel=0.03)


def test_whose_handshake_begins_has_waited_until_then_and_is_told_once(door: Door) -> None:
    fd, theirs = door.lets_in()
    for waits_s, words in ((1.5, b"\x16\x03\x01\x02\x00"), (0.5, b"\x01\x00")):
        door.now_s += waits_s
        theirs.send(words)
        door.arrivals.on_event(fd, SAID)
    assert door.counts.tls_begun == 1
    told = door.waits()
    assert len(told) == 1
    assert told.quantile(1.0) == pytest.approx(1.5, rel=0.03)
