"""Reading deliveries by their heads: the first bytes are looked at, the rest is discarded unseen.

A head is the chunk's length and the fragment's: its number, its place in the programme, its count
of frames. Whoever gets a delivery first reads all of it; the others must begin with the same bytes
and go on for exactly as long, so that each one's position is known at each boundary. What is in
between is compared only where it is read: by the first, and by the sample.
"""

import select
import socket
from collections.abc import Callable

from stentor.load.connections import READ_BYTES, Connections
from stentor.load.course import HEAD_BYTES, Node, Step
from stentor.load.sockets import Kept

Whole = Callable[[int, Node, bytes], None]


class Heads:
    """The turns of one process whose listeners read so; plain sockets only."""

    def __init__(
        self,
        connections: Connections,
        sockets: Kept,
        *,
        whole: Whole,
        unusual: Callable[[int, int], None],
        over: Whole,
        gained: Callable[[int, Step], None],
    ) -> None:
        self._connections = connections
        self._sockets = sockets.by_fd
        self._whole = whole
        self._unusual = unusual
        self._over = over
        self._gained = gained
        self._room = bytearray(READ_BYTES)  # nothing is ever written to it

    def turn(self, events: list[tuple[int, int]]) -> None:
        """Take what has come."""
        connections, gained, room = self._connections, self._gained, self._room
        nodes, sockets, owed = connections.nodes, self._sockets, connections.owed
        readable, discards = select.EPOLLIN, socket.MSG_TRUNC
        for fd, mask in events:
            node = nodes[fd]
            if node is None or (mask != readable and fd not in owed):
                self._unusual(fd, mask)
                continue
            one = sockets[fd]
            try:
                if fd in owed:
                    step, left = owed.pop(fd)
                elif node.heads:
                    head = one.recv(HEAD_BYTES)
                    found = node.heads.get(head)
                    if found is None:
                        self._read_on(fd, node, head)
                        continue
                    step, left = found, len(found.data) - HEAD_BYTES
                else:
                    self._read_on(fd, node, b"")
                    continue
            except BlockingIOError:
                continue
            except OSError:
                self._over(fd, node, b"")
                continue
            try:
                came = one.recv_into(room, min(left, READ_BYTES), discards)
            except BlockingIOError:
                owed[fd] = step, left
                continue
            except OSError:
                came = 0
            if came == left:
                nodes[fd] = step.node
                gained(fd, step)
            elif came:
                owed[fd] = step, left - came
            else:
                self._over(fd, node, b"")

    def _read_on(self, fd: int, node: Node, head: bytes) -> None:
        """Read what else has come, and take all of it as it is taken without heads."""
        more = self._connections.read(fd) if not head or len(head) == HEAD_BYTES else b""
        if more is None and not head:
            return
        self._whole(fd, node, head + (more or b""))
