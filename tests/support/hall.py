"""Many listeners of a push stream in one thread: what each was given, and when."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stentor.load.reading import read_chunks, read_head
from stentor.media.grid import PART_S


class Seat:
    """One listener."""

    def __init__(self, port: int, target: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        self.socket.setblocking(False)
        self.status = 0
        self.period_s = PART_S
        self.lost = False
        self.parts: list[int] = []
        self.arrived: list[float] = []
        self._tail = b""

    def read(self) -> None:
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.lost = self.lost or not data
        self._tail += data
        if not self.status:
            head = read_head(self._tail)
            if head is None:
                return
            self.status, self._tail = head.status, self._tail[head.length :]
            self.period_s = head.period_s or PART_S
        said = read_chunks(self._tail)
        self._tail = self._tail[said.used :]
        self.parts += said.parts
        self.arrived += [time.time()] * len(said.parts)

    @property
    def whole(self) -> bool:
        """Whether every part came once, in order."""
        return self.parts == list(range(self.parts[0], self.parts[0] + len(self.parts)))

    def late_s(self, epoch_s: float) -> float:
        """Return how much later than its lane's deliveries are due the latest part came.

        What came with the first bytes was made long before, and is not looked at.
        """
        own = zip(self.parts, self.arrived, strict=True)
        made = ((at, at - epoch_s - (part + 1) * PART_S) for part, at in own)
        late = [delay for at, delay in made if at > self.arrived[0]]
        return max(late, default=0.0) - (self.period_s - PART_S)


class Hall:
    """Listeners of one room, and a thread that reads what they get."""

    def __init__(self, port: int, targets: list[str]) -> None:
        self.seats = [Seat(port, target) for target in targets]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        by_fd = {seat.socket.fileno(): seat for seat in self.seats}
        epoll = select.epoll()
        for fd in by_fd:
            epoll.register(fd, select.EPOLLIN)
        while not self._stopping.is_set():
            for fd, _ in epoll.poll(0.05):
                seat = by_fd[fd]
                seat.read()
                if seat.lost:
                    epoll.unregister(fd)
        epoll.close()

    def newest(self) -> int:
        """Return the last part that everyone has, −1 if somebody has none."""
        return min((seat.parts[-1] if seat.parts else -1) for seat in self.seats)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(5)
        for seat in self.seats:
            seat.socket.close()


@contextmanager
def hall(port: int, targets: list[str]) -> Iterator[Hall]:
    one = Hall(port, targets)
    try:
        yield one
    finally:
        one.close()
