"""How an edge reads from and writes to a client's descriptor: plainly here, or through TLS.

A wire has the semantics of `os.read` and `os.write` on a non-blocking socket, so that whoever
delivers need not know which it is. It decides nothing about what is said.
"""

import os
import socket
from collections.abc import Callable
from typing import Protocol

from stentor.edge.loop import QUIET
from stentor.edge.pages import pages_for

_Socket = socket.SocketType
Write = Callable[[int, bytes | memoryview], int]


class Wire(Protocol):
    """What connections and lanes need of a transport.

    `write` returns how many bytes were taken and raises `BlockingIOError` when none were; who is
    owed the rest comes again with the same bytes. Both raise `OSError` when the client is lost.
    """

    @property
    def secure(self) -> bool:
        """Whether what goes over it is encrypted, and so cannot be handed to another process."""
        ...

    @property
    def quiet(self) -> int:
        """What to watch of a listener who keeps up."""
        ...

    @property
    def write(self) -> Write:
        """How to send."""
        ...

    def write_to_many(self, data: bytes, receivers: int) -> Write:
        """Return how to send just these bytes, whole and from their beginning, to so many."""
        ...

    def read(self, fd: int, size: int) -> bytes:
        """Return what has come, b"" at the end."""
        ...

    def still_there(self, fd: int) -> bool:
        """Read what a listener says although there is nothing to say; say whether it may stay."""
        ...


class PlainWire:
    """The kernel's own."""

    secure = False
    quiet = QUIET
    write = staticmethod(os.write)
    read = staticmethod(os.read)

    def write_to_many(self, data: bytes, receivers: int) -> Write:
        """Return the cheaper of two ways; it is good for as long as it is held."""
        pages = pages_for(data, receivers)
        return self.write if pages is None else pages.write

    def still_there(self, fd: int) -> bool:
        """What a plain listener says stays in the kernel, unread."""
        return True


PLAIN: Wire = PlainWire()


def send_last(fd: int, data: bytes) -> int:
    """Send to a plain client who is let go right after: end and data go in one packet.

    Raises `OSError` when nothing was taken. The client must have been heard to the end.
    """
    # Not `socket.socket`: that asks the kernel for all that is known here, in three calls.
    one = _Socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, fd)
    try:
        return one.send(data, socket.MSG_MORE)
    finally:
        one.detach()


def read_rest(wire: Wire, fd: int, size: int) -> None:
    """Read what else a client said, so that the answer arrives: unread, a close is a reset."""
    try:
        for _ in range(4):
            read = len(wire.read(fd, size))
            if not read or (read < size and not wire.secure):
                break  # TLS reads less at once; there is no more when it would block
    except OSError:
        pass
