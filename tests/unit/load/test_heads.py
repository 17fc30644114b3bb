"""Deliveries known by their heads: over real sockets, in any pieces, cut off, or others."""

from __future__ import annotations

import fcntl
import select
import socket
import sys
import termios
from collections.abc import Iterator

import pytest

from stentor.edge.answer import http_chunk
from stentor.load.connections import Connections
from stentor.load.course import HEAD_BYTES, PART_NS, Course, Node, Step
from stentor.load.heads import Heads
from stentor.load.reading import BrokenStream
from stentor.load.sockets import Kept
from stentor.load.target import Target
from stentor.media.merge import merge
from stentor.media.renditions import RENDITIONS
from support.edge import eventually
from support.programme import init_of, part_of

AAC = RENDITIONS["aac48"]
PERIOD = 12  # parts
HEAD = b"HTTP/1.1 200 OK\r\nStentor-Period-Ms: 3840\r\nTransfer-Encoding: chunked\r\n\r\n"


def delivery(first: int) -> bytes:
    return http_chunk(merge([part_of(AAC, first + number) for number in range(PERIOD)]))


WELCOME = HEAD + http_chunk(init_of(AAC)) + delivery(0)
NEXT = delivery(PERIOD)


class Row:
    """Listeners in a row, all of whom have had the welcome."""

    def __init__(self, count: int) -> None:
        self.course = Course()
        self.course.epoch_ms = 1
        kept = Kept()
        self.connections = Connections(Target("127.0.0.1", 1, "hall", "aac48"), 0, count, kept)
        self.whole: list[tuple[int, int]] = []  # who read how much wholly
        self.known: list[int] = []  # who took a delivery by its head
        self.over: list[int] = []
        self.heads = Heads(
            self.connections,
            kept,
            whole=self._whole,
            unusual=lambda fd, _mask: self.over.append(fd),
            over=lambda fd, _node, _data: self.over.append(fd),
            gained=self._gained,
        )
        start = self.course.follow(self.course.start, WELCOME, PART_NS).node
        self.edges: list[socket.socket] = []
        self.fds: list[int] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for _ in range(count):
                one = socket.socket()
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                one.connect(listener.getsockname())
                one.setblocking(False)
                fd = kept.adopt(one)
                while fd >= len(self.connections.nodes):
                    self.connections.nodes.append(None)
                self.connections.nodes[fd] = start
                self.fds.append(fd)
                self.edges.append(listener.accept()[0])

    def _whole(self, fd: int, node: Node, data: bytes) -> None:
        self.whole.append((self.fds.index(fd), len(data)))
        self.connections.nodes[fd] = self.course.follow(node, data, PART_NS).node

    def _gained(self, fd: int, step: Step) -> None:
        assert step.parts == PERIOD
        self.known.append(self.fds.index(fd))

    def comes(self, who: int, data: bytes) -> None:
        """Send, and wait until all of it can be read."""
        fd, unread = self.fds[who], bytearray(4)
        fcntl.ioctl(fd, termios.FIONREAD, unread)
        expected = int.from_bytes(unread, sys.byteorder) + len(data)
        self.edges[who].sendall(data)
        eventually(
            lambda: (
                fcntl.ioctl(fd, termios.FIONREAD, unread) == 0
                and int.from_bytes(unread, sys.byteorder) == expected
            )
        )

    def send(self, who: int, data: bytes) -> None:
        """Send, and let it be read once it has come."""
        self.comes(who, data)
        self._turn(who)

    def hang_up(self, who: int) -> None:
        self.edges[who].close()
        self._turn(who)

    def _turn(self, who: int) -> None:
        with select.epoll() as epoll:
            epoll.register(self.fds[who], select.EPOLLIN)
            events = epoll.poll(10)
            assert events
            self.heads.turn(events)

    def position(self, who: int) -> int:
        node = self.connections.nodes[self.fds[who]]
        assert node is not None
        return node.position

    def close(self) -> None:
        for fd in self.fds:
            self.connections.close(fd)
        for edge in self.edges:
            edge.close()


@pytest.fixture
def row() -> Iterator[Row]:
    row = Row(3)
    yield row
    row.close()


def test_first_reads_all_and_the_others_know_the_delivery_by_its_head(row: Row) -> None:
    for who in range(3):
        row.send(who, NEXT)
    assert row.whole == [(0, len(NEXT))]
    assert row.known == [1, 2]
    assert [row.position(who) for who in range(3)] == [2 * PERIOD] * 3
    for who in range(3):  # and so on from there
        row.send(who, delivery(2 * PERIOD))
    assert row.known == [1, 2, 1, 2]


@pytest.mark.parametrize("cut", [HEAD_BYTES, HEAD_BYTES + 1, 5_000, len(NEXT) - 1])
def test_position_changes_only_when_the_last_byte_has_come(row: Row, cut: int) -> None:
    row.send(0, NEXT)
    row.send(1, NEXT[:cut])
    assert (row.known, row.position(1)) == ([], PERIOD)
    row.send(1, NEXT[cut:])
    assert (row.known, row.position(1)) == ([1], 2 * PERIOD)
    assert row.whole == [(0, len(NEXT))]


@pytest.mark.parametrize("cut", [1, 10, HEAD_BYTES - 1])
def test_head_that_comes_in_pieces_is_read_wholly(row: Row, cut: int) -> None:
    row.send(0, NEXT)
    row.send(1, NEXT[:cut])
    row.send(1, NEXT[cut:])
    assert row.known == []
    assert row.position(1) == 2 * PERIOD


def test_delivery_of_another_place_is_not_taken_for_the_known_one(row: Row) -> None:
    row.send(0, NEXT)
    row.send(1, delivery(2 * PERIOD))
    assert row.known == []
    assert row.position(1) == 3 * PERIOD


def test_delivery_of_another_length_is_found_out_at_the_next_head(row: Row) -> None:
    row.send(0, NEXT)
    row.send(1, NEXT[:-40])
    assert (row.known, row.position(1)) == ([], PERIOD)
    row.send(1, delivery(2 * PERIOD))  # of which 40 bytes are taken for what was missing
    assert row.known == [1]
    with pytest.raises(BrokenStream):
        row.send(1, b"")


def test_two_deliveries_at_once_are_two_for_who_knows_only_the_first(row: Row) -> None:
    row.send(0, NEXT)
    row.comes(1, NEXT)
    row.send(1, delivery(2 * PERIOD))
    assert (row.known, row.position(1)) == ([1], 2 * PERIOD)


def test_two_deliveries_read_at_once_are_no_delivery_by_which_others_are_known(row: Row) -> None:
    row.comes(0, NEXT + delivery(2 * PERIOD))
    row.send(0, delivery(3 * PERIOD))
    row.send(1, NEXT)
    assert row.position(1) == 2 * PERIOD


def test_who_hangs_up_amid_a_delivery_is_where_it_was_before(row: Row) -> None:
    row.send(0, NEXT)
    row.send(1, NEXT[:3000])
    row.hang_up(1)
    assert (row.over, row.known, row.position(1)) == ([row.fds[1]], [], PERIOD)
