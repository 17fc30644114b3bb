"""One descriptor kept back: with none left, whoever comes can still be told so.

Without it they would wait in the kernel, connected, for an answer that never comes.
"""

import os
import socket
from collections.abc import Callable

_TOLD_PER_REST = 16


class Spare:
    """A place for one who comes when there is none."""

    def __init__(self) -> None:
        self._fd = -1
        self._keep()

    def tell(self, listener: socket.socket, end: Callable[[int], None]) -> int:
        """Give some of those who wait to `end`, one after another; return how many there were."""
        told = 0
        self._let_go()
        try:
            while told < _TOLD_PER_REST:
                client, _address = listener.accept()
                fd = client.detach()
                os.set_blocking(fd, False)
                end(fd)
                told += 1
        except OSError:
            pass
        self._keep()
        return told

    def close(self) -> None:
        """Give it back."""
        self._let_go()

    def _keep(self) -> None:
        try:
            self._fd = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # somebody was quicker; there is another time
            self._fd = -1

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
