"""What an edge that speaks TLS notes of waits, also of those who never get their handshake."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stentor.admission.backlog import Backlog
from stentor.base.settings import Settings
from stentor.edge.arrival import Arrivals
from stentor.edge.counts import Counts
from stentor.edge.crush import queue_of
from stentor.edge.deadlines import Deadlines
from stentor.edge.limits import draw_limits
from stentor.edge.listening import Listening, listening_socket
from stentor.edge.loop import GONE, READ, SAID, Loop
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
        self.web = Web(
            self.loop,
            Deadlines({}),
            self.counts,
            lambda _connection, _request: None,
            lambda: round(self.now_s * S),
            Networks(NetworkLimits()),
            draw_limits(Settings()),
            self.summary,
        )
        self.arrivals = Arrivals(
            self.web,
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
    assert door.arrivals.room() == 1
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


@pytest.mark.parametrize(("waits_s", "gave_up"), [(0.5, 0), (2.0, 1)])
def test_who_hung_up_before_the_handshake_gave_up_if_they_had_waited(
    door: Door, waits_s: float, gave_up: int
) -> None:
    fd, theirs = door.lets_in()
    theirs.send(b"\x16\x03\x01\x02\x00")
    theirs.close()
    door.now_s += waits_s
    door.arrivals.on_event(fd, SAID | GONE)
    assert (door.counts.gave_up, door.counts.tls_begun) == (gave_up, 0)
    assert door.arrivals.arriving == 0


@pytest.mark.parametrize(("words", "wrongs"), [(b"", 1), (b"\x16\x03\x01\x02\x00", 0)])
def test_who_spoke_and_never_had_their_turn_did_nothing_wrong_and_is_told_of_as_in_a_crowd(
    door: Door, words: bytes, wrongs: int
) -> None:
    _, theirs = door.lets_in()
    theirs.send(words)
    door.now_s += WITHIN_S + 0.1
    door.arrivals.tick(round(door.now_s * S))
    assert (door.counts.timed_out, door.counts.tls_crowded_out) == (wrongs, 1 - wrongs)
    assert door.arrivals.arriving == 0
    told = door.summary.second(0, counts={})
    assert sum(one.wrongs for one in told.heavy) == wrongs
    assert len(Times.read(told.queue_s)) == 1 - wrongs


def test_an_edge_that_has_just_begun_is_not_behind(door: Door) -> None:
    door.arrivals.look(round(door.now_s * S))
    assert door.arrivals.backlog.limit == LIMIT
    assert not door.arrivals.backlog.behind


def test_those_who_wait_are_told_until_there_is_a_moment_in_which_nobody_does(door: Door) -> None:
    silent, silent_too = door.lets_in()[0], door.lets_in()[0]
    assert door.arrivals.unserved == 2
    door.arrivals.on_event(silent, GONE)
    assert door.arrivals.unserved == 1
    door.loop.joiners_done += 1
    assert door.arrivals.unserved == 0, "who is still there has said nothing"
    fd, theirs = door.lets_in()
    door.arrivals.on_event(silent_too, GONE)
    assert door.arrivals.unserved == 1, "of those who came later"
    theirs.send(b"\x16\x03\x01\x02\x00")
    door.arrivals.on_event(fd, SAID)
    assert door.arrivals.unserved == 0


def crowd(door: Door, size: int) -> tuple[Listening, list[socket.socket]]:
    """Return a listening socket of which the loop has told once, and those who came to it."""
    listener = listening_socket("127.0.0.1", 0, shared=False, unsent_bytes=16_384)
    limits = replace(draw_limits(Settings()), accepts_per_turn=1)
    listening = Listening(door.web, listener, limits, lambda: 1, arrivals=door.arrivals)
    listening.listen()
    clients = [socket.create_connection(("127.0.0.1", listening.port)) for _ in range(size)]
    door.theirs += clients
    listening.on_event(listening.fileno(), READ)
    return listening, clients


def test_whoever_comes_is_accepted_while_there_is_room_though_the_loop_has_others_to_tell_of(
    door: Door,
) -> None:
    door.arrivals.backlog = Backlog(100)
    listening, _ = crowd(door, 10)
    for _ in range(3):
        listening.accept()
    assert door.arrivals.arriving == 10


def test_silent_ones_make_way_for_each_who_is_accepted_in_a_turn(door: Door) -> None:
    listening, _ = crowd(door, 4)
    listening.accept()
    assert (door.counts.accepted, door.counts.tls_crowded_out) == (4, 4 - LIMIT)


def test_nobody_is_accepted_while_all_who_are_inside_wait_for_their_turn(door: Door) -> None:
    for _ in range(LIMIT):
        door.lets_in()[1].send(b"\x16\x03\x01\x02\x00")
    listening, _ = crowd(door, 4)
    listening.accept()
    assert (door.counts.accepted, door.counts.tls_crowded_out) == (0, 0)


def test_a_pause_lets_as_many_wait_in_the_kernel_as_it_can(door: Door) -> None:
    door.arrivals.backlog = Backlog(200)
    listening, _ = crowd(door, 1)
    listening.accept()
    assert queue_of(listening._socket)[1] == 50
    listening.pause()
    assert queue_of(listening._socket)[1] > 50
