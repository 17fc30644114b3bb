"""What clients have said that cannot be answered yet: parts of requests, and requests too many.

Its sum is bounded, whatever each connection may have. Over the bound, whoever has kept the edge
waiting for longest goes: a slow attack pushes out its own, and who says all at once is never here.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stentor.edge.connection import Connection


class Unfinished:
    """How many bytes are held for which connection, who has been longest first."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: OrderedDict[Connection, int] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        """Return how many connections have said something that is not answered."""
        return len(self._held)

    def hold(self, connection: Connection, size: int) -> Connection | None:
        """Note how much is held for a connection now; return who is to go for it, if anybody."""
        self.bytes += size - self._held.get(connection, 0)
        if size:
            self._held[connection] = size
        else:
            self._held.pop(connection, None)
        return next(iter(self._held)) if self.bytes > self._bytes_max else None
