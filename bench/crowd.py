"""Listeners for the edges' benchmarks who come one after another and drain what they get, unread.

They cost the machine as little as listeners can: what comes is discarded in the kernel, where it
is not encrypted, and they look for it now and then, so that no delivery wakes anybody, as none to
a listener elsewhere does. What they are sent is checked by others (`stentor load listeners`).
"""

import contextlib
import itertools
import multiprocessing
import select
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event

from ground import Ground

from stentor.load.sockets import open_socket
from stentor.load.target import Target

_BURST = 64  # connections at once
_AT_ONCE_BYTES = 1 << 20
_PER_PROCESS = 16_000
_LOOKS_EVERY_S = 0.02
_JOINS_PER_S = 4000.0
_WAIT_S = 12.0
_WAITS_MAX = 8


def _shaken(one: ssl.SSLSocket) -> bool:
    """Go on with a handshake; say whether it is done."""
    try:
        one.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


class Crowd:
    """Listeners of one process; the `number`-th of several takes other addresses than they do."""

    def __init__(
        self,
        target: Target,
        requests: Sequence[bytes],
        tls: ssl.SSLContext | None = None,
        number: int = 0,
    ) -> None:
        self._target = target
        self._requests = itertools.cycle(requests)
        self._tls = tls
        self._number = number
        self._sockets: list[socket.socket] = []
        self._come = 0
        self._epoll = select.epoll()
        self._stopping = False
        self._draining: threading.Thread | None = None
        self.session: ssl.SSLSession | None = None
        self.resumed = 0

    def come(self, count: int, *, again: bool = False, per_s: float = 1e6) -> None:
        """Join, so many at once as an edge can take; `again`: with the first one's ticket.

        Where a line is formed, as the machine is busy with something else, it waits until that is
        over, and gives up after some such waits.
        """
        waits = 0
        while count:
            begun_s = time.monotonic()
            batch = [self._connect(again) for _ in range(min(_BURST, count))]
            waiting = [one for one in batch if isinstance(one, ssl.SSLSocket)]
            while waiting:
                waiting = [one for one in waiting if not _shaken(one)]
            for one in batch:
                one.settimeout(60)
                one.sendall(next(self._requests))
            for one in batch:
                answer = one.recv(12)
                if answer != b"HTTP/1.1 200":
                    if waits == _WAITS_MAX:
                        raise SystemExit(f"Not let in: {(answer + one.recv(2000)).decode()}")
                    one.close()
                    continue
                count -= 1
                self._sockets.append(one)
                if isinstance(one, ssl.SSLSocket):
                    self.session = self.session or one.session
                    self.resumed += bool(one.session_reused)
                one.setblocking(False)
                self._epoll.register(one.fileno(), select.EPOLLIN)
            let_in = sum(one.fileno() >= 0 for one in batch)
            if let_in < len(batch):
                waits += 1
                time.sleep(_WAIT_S)
            else:
                time.sleep(max(0.0, begun_s + len(batch) / per_s - time.monotonic()))

    def drain(self) -> None:
        """Discard from now on whatever comes, in a thread."""
        self._draining = threading.Thread(target=self._drain, daemon=True)
        self._draining.start()

    def take(self) -> None:
        """Let everybody read once what has come."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.recv(_AT_ONCE_BYTES)

    def leave(self) -> None:
        """Everybody leaves, and others may come."""
        if self._draining is not None:
            self._stopping = True
            self._draining.join()
            self._stopping, self._draining = False, None
        self.take()  # what has come is no reason for a reset
        for one in self._sockets:
            one.close()
        self._sockets.clear()

    def _connect(self, again: bool) -> socket.socket:
        one = open_socket(self._target, self._number, self._come, small_window=False)
        self._come += 1
        if self._tls is not None:
            one = self._tls.wrap_socket(
                one,
                server_hostname="localhost",
                session=self.session if again else None,
                do_handshake_on_connect=False,
            )
        return one

    def _drain(self) -> None:
        room = bytearray(_AT_ONCE_BYTES)
        how = socket.MSG_DONTWAIT | (0 if self._tls else socket.MSG_TRUNC)
        while not self._stopping:
            time.sleep(_LOOKS_EVERY_S)
            for fd, _ in self._epoll.poll(0, max(1, len(self._sockets))):
                with contextlib.suppress(OSError), socket.socket(fileno=fd) as one:
                    one.recv_into(room, 0, how)
                    one.detach()


def _come_and_drain(
    target: Target, requests: list[bytes], number: int, count: int, ready: Event
) -> None:
    crowd = Crowd(target, requests, number=number)
    crowd.drain()
    crowd.come(count, per_s=_JOINS_PER_S)
    ready.set()
    threading.Event().wait()


class Crowds:
    """Plain listeners in processes of their own, more and more of them, until the block is left."""

    def __init__(self, at: Ground, requests: list[bytes]) -> None:
        self._target = at.target("")
        self._requests = requests
        self._context = multiprocessing.get_context("spawn")
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self.count = 0

    def __enter__(self) -> "Crowds":
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def grow_to(self, count: int) -> bool:
        """Let so many be there, and wait until they are; say whether all were let in."""
        while self.count < count:
            more = min(_PER_PROCESS, count - self.count)
            at = self.count % len(self._requests)  # go on where the last one was
            requests = self._requests[at:] + self._requests[:at]
            ready = self._context.Event()
            process = self._context.Process(
                target=_come_and_drain,
                args=(self._target, requests, len(self._processes), more, ready),
                daemon=True,
            )
            process.start()
            self._processes.append(process)
            while not ready.wait(0.1):
                if not process.is_alive():
                    return False
            self.count += more
        return True
