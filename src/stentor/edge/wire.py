"""How an edge reads from and writes to a client's descriptor: plainly here, or through TLS.

A wire has the semantics of `os.read` and `os.write` on a non-blocking socket, so that whoever
delivers need not know which it is. It decides nothing about what is said.
"""

import os
from collections.abc import Callable
from typing import Protocol

from stentor.edge.loop import QUIET
from stentor.edge.pages import pages_for

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
