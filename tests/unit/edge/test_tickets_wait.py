"""Return tickets are not urgent: while a programme pauses they are no delivery of their own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from stentor.base.clock import ManualClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.edge import Edge
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state
from support.programme import init_of, part_of

AAC = RENDITIONS["aac48"]
ROOM = "hall"
_REQUEST = f"GET /r/{ROOM}/live.mp4?rendition=aac48 HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def said(kind: Kind, number: int = 0, payload: bytes = b"") -> Message:
    return Message(kind, ROOM, AAC.name, number, number * PART_SAMPLES, payload)


@pytest.mark.parametrize(("silent_s", "sent"), [(3, 0), (25, 1)])
def test_tickets_wait_for_a_programme_that_pauses_but_not_for_ever(
    tmp_path: Path, silent_s: int, sent: int
) -> None:
    now_ns = [1_000_000_000]
    settings, folder = Settings(port=0, data=str(tmp_path)), DataFolder(tmp_path)
    edge = Edge(settings, folder, ManualClock(), 0, now_ns=lambda: now_ns[0])
    state = encode_state(RoomState(ROOM, ROOM, Phase.LIVE, 0, revision=1))
    edge.broadcast.apply(
        [said(Kind.INIT, payload=init_of(AAC)), Message(Kind.STATE, ROOM, payload=state)]
    )
    edge.broadcast.apply([said(Kind.PART, 0, part_of(AAC, 0))])
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(_REQUEST)
        theirs.setblocking(False)
        edge._public._let_in(theirs.detach(), b"\x7f\0\0\1", 1)
        before = edge.counts.deliveries
        now_ns[0] += silent_s * 1_000_000_000
        edge.push.renew_tickets()
        assert edge.counts.deliveries - before == sent
        edge.broadcast.apply([said(Kind.PART, 1, part_of(AAC, 1))])
        assert edge.counts.deliveries - before == sent + 1
        edge.close()
