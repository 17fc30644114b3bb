"""When too many come, and what the crowd is told in one breath."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from stentor.admission.tickets import NO_NETWORK, Kind, Ticket, Tickets
from stentor.base.settings import Settings
from stentor.edge.board import Board
from stentor.edge.counts import Counts
from stentor.edge.crush import CrushAnswers, queue_of
from stentor.edge.door import Door
from stentor.edge.door_limits import draw_door_limits
from stentor.edge.proofs import Proofs
from stentor.shield import sketches
from stentor.shield.keys import EventKey
from stentor.shield.merge import Merging
from stentor.shield.summary import Summary
from support.edge import eventually

NOW_MS = 1_800_000_000_000
KEY = b"k" * 32
REST = b" HTTP/1.1\r\nHost: a\r\n\r\n"


class Ground:
    def __init__(self, folder: Path) -> None:
        self.counts = Counts()
        self.door = Door(
            limits=draw_door_limits(Settings()),
            board=Board(folder / "door.board", 0, NOW_MS // 1000),
            tickets=Tickets(KEY),
            proofs=Proofs(KEY, self.counts, lambda: 0.5),
            counts=self.counts,
            index=0,
            now_ms=lambda: NOW_MS,
            now_ns=lambda: 0,
            chance=lambda: 0.5,
        )
        self.summary = Summary(EventKey(KEY), "edge-0")
        self.crush = CrushAnswers(self.door, self.counts, self.summary, lambda room: room == "hall")

    def told(self, path: bytes, peer: bytes = b"\x0a\0\0\1") -> tuple[bytes, bytes] | None:
        answer = self.crush.answer(b"GET " + path + REST, peer)
        if answer is None:
            return None
        head, _, body = answer.partition(b"\r\n\r\n")
        return head, body


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_it_begins_when_the_queue_is_nearly_full_and_ends_when_half_of_it_is_served(
    ground: Ground,
) -> None:
    crush, seen = ground.crush, []
    for waiting in (0, 2_000, 3_072, 3_073, 4_096, 2_049, 2_048, 3_000):
        crush.look(waiting, 4_096)
        seen.append(crush.on)
    assert seen == [False, False, False, True, True, True, False, False]
    crush.look(0, 0)  # nobody tells
    assert not crush.on


def test_kernel_tells_how_many_wait_and_how_many_may() -> None:
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        assert queue_of(listener) == (0, 16)
        for one in (first, second):
            one.connect(listener.getsockname())
        eventually(lambda: queue_of(listener) == (2, 16))  # a busy kernel may take a moment


def test_all_who_come_at_once_have_one_place_and_come_again_at_moments_of_their_own(
    ground: Ground,
) -> None:
    said: list[dict[str, Any]] = []
    for _ in range(64):
        told = ground.told(b"/r/hall/live.mp4?rendition=aac48")
        assert told is not None
        head, body = told
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Connection: close" in head
        said.append(json.loads(body))
    assert len({one["ticket"] for one in said}) == 1
    assert all(one["shared"] and one["type"].endswith(":line") for one in said)
    again = sorted(one["poll_s"] for one in said)
    assert len(set(again)) >= 8
    assert 1.0 <= again[0] < again[-1] <= 3.1
    assert ground.counts.line_shared == 64
    ticket = Tickets(KEY).check(said[0]["ticket"], "hall", NO_NETWORK, NOW_MS)
    assert isinstance(ticket, Ticket)
    assert (ticket.kind, ticket.place_ms) == (Kind.SHARED, said[0]["place_ms"])


def test_many_who_are_told_so_come_again_over_a_longer_time(ground: Ground) -> None:
    for _ in range(20_000):
        told = ground.told(b"/r/hall/live.mp4")
    ground.crush.renew()
    for _ in range(16):
        told = ground.told(b"/r/hall/live.mp4")
    assert told is not None
    latest = max(json.loads(ground.told(b"/r/hall/live.mp4")[1])["poll_s"] for _ in range(16))  # type: ignore[index]
    assert 9 < latest < 13


def test_who_shows_a_ticket_or_asks_for_anything_else_is_served(ground: Ground) -> None:
    for path in (
        b"/r/hall/live.mp4?ticket=AAAA",
        b"/r/hall/live.mp4?rendition=aac48&ticket=AAAA",
        b"/r/none/live.mp4",
        b"/r/hall/hls/aac48/live.m3u8",
        b"/r/hall/door.json",
        b"/site/room.js",
        b"/",
    ):
        assert ground.told(path) is None, path
    assert ground.counts.line_shared == 0


def test_page_is_a_small_one_that_tries_again(ground: Ground) -> None:
    told = ground.told(b"/r/hall?from=friend")
    assert told is not None
    head, body = told
    again = next(line for line in head.split(b"\r\n") if line.startswith(b"Retry-After: "))
    again_s = int(again.removeprefix(b"Retry-After: "))
    assert b'http-equiv="refresh" content="%d"' % again_s in body
    assert ground.counts.pages_put_off == 1


def test_a_crowd_that_was_long_ago_makes_nobody_wait(ground: Ground) -> None:
    for _ in range(20_000):
        ground.told(b"/r/hall/live.mp4")
    for _ in range(240):  # a minute
        ground.crush.renew()
    told = [ground.told(b"/r/hall/live.mp4") for _ in range(16)]
    assert max(json.loads(one[1])["poll_s"] for one in told if one) <= 3.1


def test_facts_know_who_asked_and_who_looked_while_most_are_told_in_one_breath(
    ground: Ground,
) -> None:
    for number in range(20):
        ground.told(b"/r/hall/live.mp4", bytes((10, 0, 0, number)))
        ground.told(b"/r/hall/live.mp4", bytes((10, 0, 0, number)))
    for number in range(5):
        ground.told(b"/r/hall", bytes((10, 0, 1, number)))
    ground.told(b"/r/hall/live.mp4?ticket=x", bytes((10, 0, 2, 1)))  # the door will note them
    told = ground.summary.second(NOW_MS, counts={})
    assert round(sketches.estimate(told.asking)) == 20
    assert round(sketches.estimate(told.visiting)) == 5
    merged = Merging().merge([told], NOW_MS)
    assert (round(merged.addresses), round(merged.visitors)) == (20, 5)
