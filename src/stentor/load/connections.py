"""One process's connections, as columns by descriptor: whose each is, and where its stream stands.

Opens, writes, reads and closes; what it means that one is open or over is decided in `visits`.
"""

import select
from array import array

from stentor.load.course import Node, Step
from stentor.load.sockets import Plain, Secure, open_socket
from stentor.load.target import Target

READ_BYTES = 131_072  # a delivery of the slowest lane, mostly at once


class Connections:
    """`nodes` and `who_of` are by descriptor, `fd_of` by listener: the connection that counts."""

    def __init__(
        self, target: Target, process: int, listeners: int, sockets: Plain | Secure
    ) -> None:
        self._target = target
        self._process = process
        self._sockets = sockets
        self._requests: dict[int, bytes] = {}  # of those that are not connected yet
        self.epoll = select.epoll()
        self.nodes: list[Node | None] = []
        self.owed: dict[int, tuple[Step, int]] = {}  # bytes of a delivery whose head has come
        self.who_of = array("i")
        self.fd_of = array("i", b"\xff" * (4 * listeners))
        self.count = 0

    def open(self, who: int, node: Node, *, small_window: bool) -> int:
        """Begin to connect; return the descriptor. Raises `OSError`."""
        connection = open_socket(self._target, self._process, who, small_window=small_window)
        fd = self._sockets.adopt(connection)
        while fd >= len(self.nodes):
            self.nodes.append(None)
            self.who_of.append(-1)
        self.who_of[fd] = who
        self.nodes[fd] = node
        self.count += 1
        return fd

    def send(self, fd: int, request: bytes) -> None:
        """Send the request, when it is connected if it is not yet; raises `OSError`.

        On loopback a plain socket is connected when `connect` returns, so the request goes at once.
        """
        waiting = fd in self._requests
        try:
            self._sockets.write(fd, request)
        except BlockingIOError:
            if not waiting:
                self._requests[fd] = request
                answers = select.EPOLLIN if self._sockets.secure else 0  # a handshake has several
                self.epoll.register(fd, select.EPOLLOUT | answers)
            elif self._sockets.secure:
                self.epoll.modify(fd, select.EPOLLIN)
            return
        self._requests.pop(fd, None)
        if waiting:
            self.epoll.modify(fd, select.EPOLLIN)
        else:
            self.epoll.register(fd, select.EPOLLIN)

    def unsent(self, fd: int) -> bytes | None:
        """Return the request of one that was not connected yet."""
        return self._requests.get(fd)

    def read(self, fd: int, most: int = READ_BYTES) -> bytes | None:
        """Return what has come, nothing at the end, None if nothing has come."""
        try:
            return self._sockets.read(fd, most)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def rest(self, fd: int) -> None:
        """Do not tell when there is something to read."""
        self.epoll.modify(fd, 0)

    def close(self, fd: int) -> Node | None:
        """Close a connection; return where it stood."""
        node = self.nodes[fd]
        self._sockets.close(fd)
        self.nodes[fd] = None
        self.owed.pop(fd, None)
        self._requests.pop(fd, None)
        self.count -= 1
        return node
