"""What an edge sees of those who come: how long they had waited, and what letting one in costs."""

from __future__ import annotations

import socket

from stentor.edge.counts import Counts
from stentor.edge.knocks import Knocks, waited_ms
from support.edge import eventually


def test_wait_is_since_the_client_last_said_something() -> None:
    knocks = Knocks(Counts())
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as accepted,
    ):
        fd = accepted.fileno()
        client.sendall(b"GET")
        eventually(lambda: waited_ms(fd) >= 30)
        knocks.accepted(1, fd)
        assert not knocks.take_waited_s(), "only the first of a turn is looked at"
        knocks.accepted(0, fd)
        assert knocks.take_waited_s() >= 0.03
        assert not knocks.take_waited_s()

        def has_just_spoken() -> bool:
            client.sendall(b".")
            return waited_ms(fd) < 30

        eventually(has_just_spoken)


def turns(knocks: Knocks, counts: Counts, *, joins: bool) -> None:
    for _ in range(16):
        knocks.turn()
        for number in range(8):
            knocks.begins(number)
            counts.joined += joins
            knocks.ended(number)


def test_cost_is_of_those_who_join_and_not_of_those_who_are_told_to_wait() -> None:
    counts = Counts()
    knocks = Knocks(counts)
    turns(knocks, counts, joins=False)
    assert knocks.take_cost_s() is None
    turns(knocks, counts, joins=True)
    cost_s = knocks.take_cost_s()
    assert cost_s is not None
    assert 0 < cost_s < 0.1
    assert knocks.take_cost_s() is None, "each sample counts once"
