"""A lane under any pace of reading: what a listener hears is whole, or it was told what is not."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.base.settings import Settings
from stentor.edge.counts import Counts
from stentor.edge.lane import Lane, Totals
from stentor.edge.limits import draw_limits
from stentor.edge.loop import QUIET, Loop
from stentor.edge.rooms import Room, Stream
from stentor.load.reading import read_chunks
from stentor.media.renditions import RENDITIONS
from support.programme import part_of

AAC96 = RENDITIONS["aac96"]
LIMITS = draw_limits(Settings(edge_lag_s=3.2))  # ten parts
WINDOW = 24


@dataclass
class Reader:
    """The other end of a listener's socket, who reads when told to."""

    socket: socket.socket
    data: bytes = b""
    parts: list[int] = field(default_factory=list)
    jumps: int = 0
    ended: bool = False

    def read(self, most: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self.data += self.socket.recv(most)
        said = read_chunks(self.data)
        self.data = self.data[said.used :]
        self.parts += said.parts
        self.jumps += said.jumps
        self.ended = self.ended or said.ended


# An act: publish so many parts, or let reader n take so many bytes.
acts = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["read 0", "read 1", "read 2"]), st.integers(1, 30_000)),
    ),
    max_size=120,
)


@given(
    acts,
    st.sampled_from([(1, 0), (3, 0), (3, 2), (6, 0), (6, 5), (12, 3)]),
    st.tuples(*[st.integers(0, 8)] * 3),
)
@settings(max_examples=80, deadline=None)
def test_every_listener_hears_all_or_is_told_what_was_left_out(
    plan: list[tuple[str, int]], lane_shape: tuple[int, int], starts: tuple[int, ...]
) -> None:
    loop, counts = Loop(), Counts()
    room, stream = Room("hall"), Stream("aac96")
    lane = Lane(
        room,
        stream,
        *lane_shape,
        loop=loop,
        limits=LIMITS,
        counts=counts,
        now_ns=lambda: 0,
        gone=lambda _fd: None,
        slow=lambda _fd: None,
        totals=Totals(),
    )
    readers = []
    for start in starts:  # some come from a faster lane, with more than this one has given
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        ours.setblocking(False)
        theirs.setblocking(False)
        fd = ours.detach()
        loop.watch(fd, lane, QUIET)
        lane.join(fd, part_chunk(), start)
        readers.append(Reader(theirs))

    def turn() -> None:
        for fd, mask in loop.epoll.poll(0):
            if fd in loop.table:
                loop.table[fd].on_event(fd, mask)

    try:
        for act, amount in plan:
            if act == "publish":
                for _ in range(amount):
                    stream.append(stream.next, part_of(AAC96, stream.next), 0, WINDOW)
                    lane.deliver()
            else:
                readers[int(act[-1])].read(amount)
            turn()
        stream.end = stream.next
        lane.deliver()
        lane.finish()
        for _ in range(2000):
            for reader in readers:
                if not reader.ended:
                    reader.read(100_000)
            turn()
            if all(reader.ended for reader in readers):
                break
        assert all(reader.ended for reader in readers)
        assert lane.listeners == 0
        for reader, start in zip(readers, starts, strict=True):
            heard = reader.parts[1:]  # the first is the welcome
            assert heard == sorted(set(heard))
            holes = sum(b != a + 1 for a, b in zip([start - 1, *heard], heard, strict=False))
            assert holes <= reader.jumps
            if not reader.jumps:
                assert heard == list(range(start, stream.next))
            assert heard[-1:] == ([stream.next - 1] if stream.next > start else [])
    finally:
        for reader in readers:
            reader.socket.close()
        loop.close()


def part_chunk() -> bytes:
    """Return a welcome: something that a reader can tell from the programme."""
    from stentor.edge.answer import http_chunk

    return http_chunk(part_of(AAC96, 9_999))


def test_listener_whose_socket_breaks_is_gone_and_the_others_are_not() -> None:
    loop, counts = Loop(), Counts()
    gone: list[int] = []
    room, stream = Room("hall"), Stream("aac96")
    lane = Lane(
        room,
        stream,
        1,
        0,
        loop=loop,
        limits=LIMITS,
        counts=counts,
        now_ns=lambda: 0,
        gone=lambda _fd: gone.append(1),
        slow=lambda _fd: None,
        totals=Totals(),
    )
    pairs = [socket.socketpair() for _ in range(3)]
    for ours, theirs in pairs:
        ours.setblocking(False)
        theirs.setblocking(False)
        fd = os.dup(ours.fileno())
        ours.close()
        loop.watch(fd, lane, select.EPOLLRDHUP)
        lane.join(fd, part_chunk())
    pairs[1][1].close()
    stream.append(0, part_of(AAC96, 0), 0, WINDOW)
    lane.deliver()
    assert lane.listeners == 2
    assert gone == [1]
    for _, theirs in (pairs[0], pairs[2]):
        assert read_chunks(theirs.recv(1 << 20)).parts == (9_999, 0)
        theirs.close()
    loop.close()
