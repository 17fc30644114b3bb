"""What an edge sees of those who come: how long they had waited, and what letting one in costs."""

from __future__ import annotations

import socket
import struct

import pytest

from stentor.edge import knocks as module
from stentor.edge.counts import Counts
from stentor.edge.knocks import Knocks, has_hung_up, waited_ms
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
        samples: list[float] = []
        knocks.queued = samples.append
        knocks.accepted(1, fd)
        assert not samples, "only the first of a turn is looked at"
        knocks.accepted(0, fd)
        assert samples[0] >= 0.03

        def has_just_spoken() -> bool:
            client.sendall(b".")
            return waited_ms(fd) < 30

        eventually(has_just_spoken)


def test_who_hung_up_is_known_where_the_wait_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONG_MS", 30)
    knocks = Knocks(Counts())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for ends in (lambda one: one.shutdown(socket.SHUT_WR), reset, None):
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(b"GET /")
                if ends is not None:
                    ends(client)
                with listener.accept()[0] as accepted:
                    fd = accepted.fileno()
                    eventually(lambda fd=fd, gone=ends is not None: has_hung_up(fd) is gone)  # type: ignore[misc]
                    if ends is None:
                        eventually(lambda fd=fd: waited_ms(fd) >= 40)  # type: ignore[misc]
                        knocks.accepted(0, fd)
                    assert not knocks.is_gone(fd), "while nobody waits long, nobody is looked at"
        gone, first = (socket.create_connection(listener.getsockname()) for _ in range(2))
        with gone, first, listener.accept()[0] as left, listener.accept()[0]:
            gone.shutdown(socket.SHUT_WR)
            eventually(lambda: has_hung_up(left.fileno()))
            assert knocks.is_gone(left.fileno()), "the first of this turn had waited"


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


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
