"""Pages lent to sockets: the same bytes for all, whole or in part, and no descriptor kept."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from stentor.edge import pages
from stentor.edge.pages import PAGES_BYTES_MIN, PAGES_RECEIVERS_MIN, Pages, pages_for

DATA = os.urandom(60_000)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(2)
    yield ours, theirs
    ours.close()
    theirs.close()


def took(theirs: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += theirs.recv(size - len(found))
    return found


def test_receiver_gets_the_bytes_though_the_file_is_closed_before_they_are_read(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    lent = Pages(DATA)
    assert lent.write(pair[0].fileno(), DATA) == len(DATA)
    del lent
    assert took(pair[1], len(DATA)) == DATA


def test_receiver_who_takes_no_more_is_told_as_by_write(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    lent, sent = Pages(DATA), 0
    with pytest.raises(BlockingIOError):  # noqa: PT012
        for _ in range(1000):
            sent += lent.write(pair[0].fileno(), DATA)
    found = took(pair[1], sent)
    assert found == (DATA * (sent // len(DATA) + 1))[:sent]


def test_pages_are_made_for_much_that_goes_to_many_and_let_go_of_at_once() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    assert pages_for(DATA, PAGES_RECEIVERS_MIN - 1) is None
    assert pages_for(DATA[: PAGES_BYTES_MIN - 1], 1000) is None
    lent = [pages_for(DATA, 1000) for _ in range(pages.PAGES_MAX)]
    assert all(lent)
    assert pages_for(DATA, 1000) is None, "no more than a bounded number at once"
    lent.clear()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert pages_for(DATA, 1000) is not None
