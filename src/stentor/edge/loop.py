"""A bare epoll loop: descriptors and their handlers, a first task, and a few timers.

Each turn the first task (the feed, and so the delivery to present listeners) runs before any
event, then what happens at those who are present, then those who come or ask: these within a
budget of CPU time, whatever they do, so that they delay nobody's programme. Nothing here knows
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
from stentor.edge.budget import Budget

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
    """Whoever is told of a descriptor's events.

    One with a true `joins` serves those who come or ask, not those who listen.
    """

    def on_event(self, fd: int, mask: int) -> None:
        """Something happened; must not block."""
        ...

    def on_fault(self, fd: int) -> None:
        """Serving this descriptor failed by a mistake of ours: let go of it, wholly."""
        ...


class _Timer:
    __slots__ = ("_every_ns", "_phase_ns", "due_ns", "task")

    def __init__(self, every_ns: int, task: Callable[[int], None], phase_ns: int | None) -> None:
        self._every_ns = every_ns
        self._phase_ns = phase_ns
        self.due_ns = 0
        if phase_ns is not None:
            self.was_due(time.monotonic_ns())
        self.task = task

    def was_due(self, now_ns: int) -> None:
        """Be due again: so long after now, or, in phase, when the next moment comes."""
        late_ns = 0 if self._phase_ns is None else (now_ns - self._phase_ns) % self._every_ns
        self.due_ns = now_ns - late_ns + self._every_ns


class Loop:
    """Runs until `stop`, which may be called from a signal handler or another thread."""

    def __init__(self, join_share: float = 1.0) -> None:
        self.epoll = select.epoll()
        self.table: dict[int, Handler] = {}
        self.first: Callable[[], None] = lambda: None
        self.last: Callable[[], None] = lambda: None  # who comes: part of the joiners' turn
        self.in_haste = False  # the first task has more to do
        self.joins_until_ns = 0  # the joiners' turn ends then
        self.join_cpu_ns = 0  # spent on joiners since the start
        self.joiners_done = 0  # turns that ended because no joiner had anything more to say
        self._budget = Budget(join_share)
        self._joiners = select.epoll()  # itself watched, while there is something to spend
        self._joining: set[int] = set()
        self._rests_until_ns = 0
        self.wakes_at_ns = 0  # a turn is wanted then, whatever happens; 0: none
        self.epoll.register(self._joiners.fileno(), select.EPOLLIN)
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
        if getattr(handler, "joins", False):
            self._joiners.register(fd, mask)
            self._joining.add(fd)
        else:
            self.epoll.register(fd, mask)

    def change(self, fd: int, mask: int) -> None:
        """Watch for something else; a joiner in the table may begin to be watched so."""
        if fd in self._joining:
            self._joiners.modify(fd, mask)
        elif getattr(self.table.get(fd), "joins", False):
            self._joiners.register(fd, mask)
            self._joining.add(fd)
        else:
            self.epoll.modify(fd, mask)

    def watches(self, fd: int) -> bool:
        """Say whether a joiner is watched already."""
        return fd in self._joining

    def stay(self, fd: int, handler: Handler, mask: int) -> None:
        """Let a joiner, watched or not, be one of those who are present."""
        if fd in self._joining:
            self._joining.discard(fd)
            self._joiners.unregister(fd)
        self.table[fd] = handler
        self.epoll.register(fd, mask)

    def drop(self, fd: int) -> None:
        """Forget and close a descriptor."""
        if self.before_close is not None:
            self.before_close(fd)
        if self.shares:
            self.forget(fd)
        self.table.pop(fd, None)
        self._joining.discard(fd)
        try:
            os.close(fd)  # the kernel takes it out of the epoll set, unless others have it too
        except OSError:
            pass

    def forget(self, fd: int) -> None:
        """Watch a descriptor no more, and leave it open."""
        self.table.pop(fd, None)
        epoll = self._joiners if fd in self._joining else self.epoll
        self._joining.discard(fd)
        with contextlib.suppress(OSError, ValueError):  # it was not watched
            epoll.unregister(fd)

    def every(
        self, seconds: float, task: Callable[[int], None], *, phase_ns: int | None = None
    ) -> None:
        """Call `task` with the monotonic time again and again.

        With the monotonic time of one moment as `phase_ns` it is called whole intervals from there,
        or late: then the next is not put off, and none is made up for.
        """
        self._timers.append(_Timer(round(seconds * 1e9), task, phase_ns))

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
            self._serve(events, time.monotonic_ns() + EVENTS_NS_PER_TURN)
            if self.wakes_at_ns and time.monotonic_ns() >= self.wakes_at_ns:
                self.wakes_at_ns = 0
            self._serve_joiners()
            now_ns = time.monotonic_ns()
            for timer in self._timers:
                if now_ns >= timer.due_ns:
                    timer.was_due(now_ns)
                    self.safely(partial(timer.task, now_ns))

    def _serve(self, events: list[tuple[int, int]], until_ns: int) -> None:
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

    def _serve_joiners(self) -> None:
        """Spend some time on those who come or ask, if there is some to spend."""
        now_ns = time.monotonic_ns()
        if now_ns < self._rests_until_ns:
            return
        budget_ns = self._budget.slice_ns(now_ns)
        if budget_ns:
            if self._rests_until_ns:
                self._rests_until_ns = 0
                self.epoll.modify(self._joiners.fileno(), select.EPOLLIN)
            began_ns = time.thread_time_ns()
            self.joins_until_ns = now_ns + budget_ns
            # Who has come already may not keep out who comes: some time is left for `last`.
            self._serve_in_order(now_ns + budget_ns * 3 // 4)
            self.safely(self.last)
            spent_ns = time.thread_time_ns() - began_ns
            self._budget.spend(spent_ns)
            self.join_cpu_ns += spent_ns
        else:  # they would wake the loop again and again
            self._rests_until_ns = now_ns + self._budget.rest_ns()
            self.epoll.modify(self._joiners.fileno(), 0)

    def _serve_in_order(self, until_ns: int) -> None:
        """Serve joiners until a time, those first who have been ready for longest.

        epoll puts what it has told of at the end again: whoever is told of and not served would
        lose their turn. So they are asked for one by one, until one comes round again.
        """
        served: set[int] = set()
        while events := self._joiners.poll(0, 1):
            fd = events[0][0]
            if fd in served:
                return
            served.add(fd)
            self._serve(events, until_ns)
            if time.monotonic_ns() >= until_ns:
                return
        self.joiners_done += 1

    def close(self) -> None:
        """Close every descriptor that is watched."""
        for fd in tuple(self.table):
            self.drop(fd)
        os.close(self._wake)
        self._joiners.close()
        self.epoll.close()

    def _timeout_s(self) -> float:
        if self.in_haste:
            return 0.0
        due_ns = min((timer.due_ns for timer in self._timers), default=1 << 63)
        for until_ns in (self._rests_until_ns, self.wakes_at_ns):
            if until_ns:
                due_ns = min(due_ns, until_ns)
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
