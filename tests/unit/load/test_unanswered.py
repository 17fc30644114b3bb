"""Listeners of a load who are hung up on before any answer: counted, and they come again later."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator

import pytest

from stentor.load.arrivals import Arrivals, Coming
from stentor.load.audience import Audience
from stentor.load.behaviour import Behaviour
from stentor.load.connections import Connections
from stentor.load.course import Course
from stentor.load.plan import Reading, Share
from stentor.load.report import Tally
from stentor.load.sampling import PartsCheck, Sample
from stentor.load.schedule import Act, Schedule
from stentor.load.sockets import Secure
from stentor.load.target import Target
from stentor.load.visits import Visits
from stentor.load.waiting import Queue

NS = 1_000_000_000
EVENTS_S = 60.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.settimeout(EVENTS_S)
        yield one


class One:
    """One listener by TLS."""

    def __init__(self, port: int) -> None:
        target = Target("127.0.0.1", port, "hall", "aac48", secure=True)
        coming, chance = Coming(Arrivals.CONSTANT, 1.0), random.Random(1)
        share = Share(
            target=target,
            number=0,
            of=1,
            whole=1,
            seconds=60.0,
            coming=coming,
            behaviour=Behaviour(),
            sampled_every=100,
            decoding=0,
            buffer_s=None,
            reading=Reading.WHOLE,
        )
        self.tally, self.schedule = Tally(), Schedule()
        self.connections = Connections(target, 0, 1, Secure("localhost", verify=False))
        self.visits = Visits(
            share,
            audience=Audience(1, Course(), self.tally, None),
            sample=Sample(self.tally, target.rendition, PartsCheck),
            decoding=set(),
            schedule=self.schedule,
            queue=Queue(self.tally, chance),
            connections=self.connections,
            chance=chance,
        )

    def comes(self) -> None:
        self.visits.act(Act.CONNECT, 0, -1, time.monotonic_ns())

    def is_hung_up_on(self) -> tuple[float, float]:
        """Return between what the wait is that it plans, which nobody waits for here."""
        before_ns = time.monotonic_ns()
        while self.connections.count:
            events = self.connections.epoll.poll(EVENTS_S)
            assert events
            for fd, mask in events:
                self.visits.unusual(fd, mask)
        after_ns = time.monotonic_ns()
        assert len(self.schedule) == 1
        at_ns = self.schedule.next_ns(after_ns + 3600 * NS)
        act = self.schedule.take(at_ns)
        assert act == (Act.CONNECT, 0, -1)
        return (at_ns - after_ns) / NS, (at_ns - before_ns) / NS


def test_who_is_hung_up_on_in_the_handshake_is_counted_and_comes_after_twice_as_long(
    listener: socket.socket,
) -> None:
    one = One(listener.getsockname()[1])
    for attempt, (least_s, most_s) in enumerate([(0, 0.1), (0.25, 0.5), (0.5, 1), (1, 2), (2, 4)]):
        one.comes()
        with listener.accept()[0] as accepted:
            assert accepted.recv(1) == b"\x16", "a ClientHello"
        low_s, high_s = one.is_hung_up_on()
        assert high_s >= least_s
        assert low_s <= most_s
        assert one.tally.unanswered == attempt + 1
    assert one.tally.lost == one.tally.refused == one.tally.broken == 0


def test_who_cannot_connect_by_tls_is_counted_too(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    one = One(port)
    one.comes()
    one.is_hung_up_on()
    assert one.tally.unanswered == 1


def test_by_tls_one_waits_for_a_connection_that_takes_its_time(listener: socket.socket) -> None:
    """Where a crowd is, the kernel answers none: their own system tries again after 1 s and 3 s."""
    sockets = Secure("localhost", verify=False)
    connection = socket.socket()
    connection.setblocking(False)
    fd = sockets.adopt(connection)
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            sockets.write(fd, b"GET /")
    connection.connect_ex(listener.getsockname())
    with listener.accept()[0] as accepted:
        with pytest.raises(BlockingIOError):
            sockets.write(fd, b"GET /")
        assert accepted.recv(1) == b"\x16", "a ClientHello"
    sockets.close(fd)


def test_one_who_leaves_before_the_connection_is_there_leaves_nothing() -> None:
    sockets = Secure("localhost", verify=False)
    connection = socket.socket()
    connection.setblocking(False)
    sockets.close(sockets.adopt(connection))
    assert connection.fileno() == -1
