"""A bare epoll loop: descriptors and their handlers, a first task, and a few timers.

Each turn the first task (the feed, and so the delivery to present listeners) runs before any
event, and new connections are accepted after them. A turn that takes too long leaves the remaining
events to the next, so that whoever asks for much delays nobody's programme. Nothing here knows
what is delivered.
"""

import contextlib
import os
import select
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from stentor.base.logs import log

EVENTS_PER_TURN = 512
EVENTS_NS_PER_TURN = 20_000_000  # what is left then is reported again: epoll is level-triggered
_TURN_S_MAX = 0.1

READ = select.EPOLLIN | select.EPOLLRDHUP
WRITE = select.EPOLLOUT  # who half-closes may still have the answer
NOTHING = 0
QUIET = select.EPOLLRDHUP  # only whether it is still there
BEHIND = select.EPOLLOUT | select.EPOLLRDHUP
FAILED = select.EPOLLHUP | select.EPOLLERR
GONE = FAILED | select.EPOLLRDHUP
SAID = select.EPOLLIN


class Handler(Protocol):
    """Whoever is told of a descriptor's events."""

    def on_event(self, fd: int, mask: int) -> None:
        """Something happened; must not block."""
        ...

    def on_fault(self, fd: int) -> None:
        """Serving this descriptor failed by a mistake of ours: let go of it, wholly."""
        ...


class _Timer:
    __slots__ = ("due_ns", "every_ns", "task")

    def __init__(self, every_ns: int, task: Callable[[int], None]) -> None:
        self.every_ns = every_ns
        self.due_ns = 0
        self.task = task


class Loop:
    """Runs until `stop`, which may be called from a signal handler or another thread."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.table: dict[int, Handler] = {}
        self.first: Callable[[], None] = lambda: None
        self.last: Callable[[], None] = lambda: None
        self._timers: list[_Timer] = []
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.epoll.register(self._wake, select.EPOLLIN)
        self.faults_total = 0
        self.before_close: Callable[[int], None] | None = None  # ends a TLS session
        self.shares = False  # another process has copies of descriptors: a handover has begun

    def watch(self, fd: int, handler: Handler, mask: int) -> None:
        """Tell `handler` of what happens at `fd` from now on."""
        self.table[fd] = handler
        self.epoll.register(fd, mask)

    def change(self, fd: int, mask: int) -> None:
        """Watch for something else."""
        self.epoll.modify(fd, mask)

    def drop(self, fd: int) -> None:
        """Forget and close a descriptor."""
        if self.before_close is not None:
            self.before_close(fd)
        if self.shares:
            self.forget(fd)
        self.table.pop(fd, None)
        try:
            os.close(fd)  # the kernel takes it out of the epoll set, unless others have it too
        except OSError:
            pass

    def forget(self, fd: int) -> None:
        """Watch a descriptor no more, and leave it open."""
        self.table.pop(fd, None)
        with contextlib.suppress(OSError, ValueError):  # it was not watched
            self.epoll.unregister(fd)

    def every(self, seconds: float, task: Callable[[int], None]) -> None:
        """Call `task` with the monotonic time again and again."""
        self._timers.append(_Timer(round(seconds * 1e9), task))

    def stop(self) -> None:
        """Leave the loop soon."""
        self._stopping = True
        with contextlib.suppress(OSError):  # told twice: it is closed already
            os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Turn until stopped."""
        while not self._stopping:
            self.safely(self.first)
            events = self.epoll.poll(self._timeout_s(), EVENTS_PER_TURN)
            until_ns = time.monotonic_ns() + EVENTS_NS_PER_TURN
            for fd, mask in events:
                handler = self.table.get(fd)
                if handler is None:
                    continue
                try:
                    handler.on_event(fd, mask)
                except Exception:
                    self._fault()
                    self.safely(partial(handler.on_fault, fd))
                if time.monotonic_ns() > until_ns:
                    break
            self.safely(self.last)
            now_ns = time.monotonic_ns()
            for timer in self._timers:
                if now_ns >= timer.due_ns:
                    timer.due_ns = now_ns + timer.every_ns
                    self.safely(partial(timer.task, now_ns))

    def close(self) -> None:
        """Close every descriptor that is watched."""
        for fd in tuple(self.table):
            self.drop(fd)
        os.close(self._wake)
        self.epoll.close()

    def _timeout_s(self) -> float:
        if not self._timers:
            return _TURN_S_MAX
        due_ns = min(timer.due_ns for timer in self._timers)
        return min(_TURN_S_MAX, max(0.0, (due_ns - time.monotonic_ns()) / 1e9))

    def safely(self, task: Callable[[], None]) -> None:
        """Run a task; a mistake in it is logged and counted, and everything else goes on."""
        try:
            task()
        except Exception:
            self._fault()

    def _fault(self) -> None:
        """One listener's trouble, or a mistake of ours, must not end all others' programme."""
        self.faults_total += 1
        log().error("edge_fault", exc_info=True)
