"""The kernel's own counters are read, and who waits at a listening socket is counted."""

from __future__ import annotations

import socket

from stentor.edge.kernel import KernelDrops, accept_queue, read_counters
from support.edge import eventually


def test_machines_counters_are_whole_numbers_and_there_are_some() -> None:
    found = read_counters()
    assert {"listen_overflows", "listen_drops", "handshakes"} <= found.keys()
    assert all(isinstance(count, int) and count >= 0 for count in found.values())


def test_who_was_not_accepted_yet_is_counted() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        assert accept_queue(listener.fileno()) == 0
        waiting = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        eventually(lambda: accept_queue(listener.fileno()) == 3)
        listener.accept()[0].close()
        assert accept_queue(listener.fileno()) == 2
        for one in waiting:
            one.close()


def test_growth_is_since_the_last_look_and_one_edge_tells_it() -> None:
    drops = KernelDrops()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        first = drops.growth(listener.fileno(), whole_machine=True)
        assert first["handshakes"] == 0  # nobody knows since when
        socket.create_connection(listener.getsockname()).close()
        eventually(lambda: drops.growth(listener.fileno(), whole_machine=True)["handshakes"])
        assert drops.growth(listener.fileno(), whole_machine=False).keys() == {"accept_queue"}
        assert drops.growth(listener.fileno(), whole_machine=True)["handshakes"] == 0


def test_descriptor_that_is_no_socket_says_nothing() -> None:
    with socket.socket(socket.AF_UNIX) as other:
        assert accept_queue(other.fileno()) == 0
