"""A crowd that waits for TLS handshakes: who keeps silent makes way, who said something stays."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from stentor.admission.backlog import Backlog
from stentor.base.paths import DataFolder
from stentor.edge.arrival import Arrivals
from stentor.edge.counts import Counts
from stentor.edge.crush import queue_of
from stentor.edge.loop import READ, SAID, Loop
from support.edge import RunningEdge, edge_running, eventually
from support.seconds import HeardWatch, watch_of
from support.tls import Greeting, Pair

LIMIT = 5


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[HeardWatch]:
    with watch_of(DataFolder(tmp_path / "data")) as watch:
        yield watch


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[RunningEdge]:
    pair = Pair(tmp_path / "certificate")
    with edge_running(tmp_path, **pair.settings) as running:
        running.approach = Greeting(pair)
        yield running


@pytest.fixture
def arrivals(secure: RunningEdge) -> Arrivals:
    """Another way in of the same edge, which nothing but the test tells of events."""
    edge, used = secure.edge, secure.edge.entrance.arrivals
    assert used is not None
    return Arrivals(
        edge._web,
        fronts=used.fronts,
        certificates=edge.entrance.certificates,
        tls=edge.entrance.tls,
        within_ns=8_000_000_000,
        handshakes_max=64,
        backlog=Backlog(LIMIT),
        next_serial=lambda: 1,
    )


def come(secure: RunningEdge, arrivals: Arrivals) -> tuple[int, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    secure.edge._web.open += 1
    fd = ours.detach()
    arrivals.begin(fd, b"")
    return fd, theirs


def hung_up(theirs: socket.socket) -> bool:
    try:
        return not theirs.recv(100)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def says_hello(theirs: socket.socket) -> None:
    theirs.send(b"\x16\x03\x01\x02\x00\x01\x00")  # a ClientHello's beginning


def test_who_keeps_silent_makes_way_when_nobody_else_could_come_in(
    secure: RunningEdge, arrivals: Arrivals
) -> None:
    crowd = [come(secure, arrivals)[1] for _ in range(LIMIT + 2)]
    assert arrivals.room() == 1
    assert [hung_up(one) for one in crowd] == [True] * 3 + [False] * (LIMIT - 1)
    assert arrivals.arriving == LIMIT - 1
    assert secure.edge.counts.tls_crowded_out == 3
    for one in crowd:
        one.close()


def test_who_said_something_stays_until_their_turn_however_many_come(
    secure: RunningEdge, arrivals: Arrivals
) -> None:
    crowd = [come(secure, arrivals)[1] for _ in range(LIMIT)]
    says_hello(crowd[0])
    assert arrivals.room() == 0
    assert not any(map(hung_up, crowd))
    for one in crowd:
        one.close()


def test_whose_handshake_was_begun_makes_room_and_is_not_let_go_for_others(
    secure: RunningEdge, arrivals: Arrivals
) -> None:
    fd, begun = come(secure, arrivals)
    crowd = [come(secure, arrivals)[1] for _ in range(LIMIT - 1)]
    says_hello(begun)
    assert arrivals.room() == 0
    arrivals.on_event(fd, SAID)
    assert arrivals.room() == 1
    assert not any(map(hung_up, (begun, *crowd)))
    for one in (begun, *crowd):
        one.close()


def test_few_wait_in_the_kernel_when_few_may_wait_in_the_edge(secure: RunningEdge) -> None:
    used, public = secure.edge.entrance.arrivals, secure.edge._public
    assert used is not None
    assert secure.get("/healthz").status == 200
    assert queue_of(public._socket)[1] > 50
    used.backlog = Backlog(200)
    assert secure.get("/healthz").status == 200
    eventually(lambda: queue_of(public._socket)[1] == 50)
    used.backlog = Backlog(1 << 20)
    assert secure.get("/healthz").status == 200
    eventually(lambda: queue_of(public._socket)[1] > 50)


class Noted(Backlog):
    """Remembers what it is told each second."""

    def __init__(self) -> None:
        super().__init__(1 << 20)
        self.begun = 0

    def look(self, begun: int, past_s: float, *, all_served: bool) -> None:
        super().look(begun, past_s, all_served=all_served)
        self.begun += begun


def test_an_edge_tells_each_second_how_many_handshakes_it_began(secure: RunningEdge) -> None:
    used = secure.edge.entrance.arrivals
    assert used is not None
    used.backlog = noted = Noted()
    for _ in range(3):
        assert secure.get("/healthz").status == 200
    eventually(lambda: noted.begun >= 3)


def test_watch_is_told_how_many_wait_for_their_handshake(
    watch: HeardWatch, secure: RunningEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watch.hear().load.unserved == 0
    monkeypatch.setattr(Arrivals, "unserved", 7)
    watch.until(lambda second: second.load.unserved == 7)


def test_what_may_wait_follows_what_was_begun_while_no_turn_served_all(arrivals: Arrivals) -> None:
    web = SimpleNamespace(counts=Counts(), loop=SimpleNamespace(joiners_done=0))
    arrivals._web, arrivals._looked_ns = web, 1  # type: ignore[assignment]
    arrivals.backlog = Backlog(1_000)
    web.counts.tls_begun = 400
    arrivals.look(1_000_000_000)
    assert arrivals.backlog.limit == 100
    web.counts.tls_begun, web.loop.joiners_done = 460, 1
    arrivals.look(2_000_000_000)
    assert arrivals.backlog.limit == 1_000
    web.counts.tls_begun = 860
    arrivals.look(3_000_000_000)
    assert arrivals.backlog.limit == 100


class Busy:
    """Always has something more to say."""

    joins = True

    def __init__(self, loop: Loop, times: int) -> None:
        self._loop = loop
        self._times = times

    def on_event(self, fd: int, mask: int) -> None:
        self._times -= 1
        if self._times <= 0:
            self._loop.stop()

    def on_fault(self, fd: int) -> None:
        self._loop.stop()


def test_the_loop_tells_turns_that_served_all_from_those_that_left_some() -> None:
    loop = Loop()
    ours, theirs = socket.socketpair()
    theirs.send(b"x")  # nobody reads it
    try:
        loop.watch(ours.fileno(), Busy(loop, 20), READ)
        loop.run()
        assert loop.joiners_done == 0
    finally:
        loop.forget(ours.fileno())
        loop.close()
        ours.close()
        theirs.close()


def test_the_loop_that_has_nobody_to_serve_says_so() -> None:
    loop = Loop()
    until_s = time.monotonic() + 60

    def look(_now_ns: int) -> None:
        if loop.joiners_done or time.monotonic() > until_s:
            loop.stop()

    loop.every(0.01, look)
    loop.run()
    assert loop.joiners_done
    loop.close()
