"""The listeners of one process: an epoll loop that connects them when they are due, and reads.

Arrivals are open-loop: they come when they are due, whatever the server does, and wait from then.
What most listeners get is the next delivery that all get: that path is a read, a comparison, and
arithmetic on two numbers. Everything else takes the slower way (`visits`).
"""

import os
import random
import select
import time
from collections.abc import Callable

from stentor.base.clock import Clock
from stentor.load.audience import Audience
from stentor.load.connections import READ_BYTES, Connections
from stentor.load.course import Course, Node, Step
from stentor.load.heads import Heads
from stentor.load.plan import Reading, Share
from stentor.load.report import BIN_NS, BINS_MAX, Tally
from stentor.load.sampling import Decoder, Sample
from stentor.load.schedule import Schedule, plan_share
from stentor.load.sockets import Kept, Plain, Secure
from stentor.load.visits import Visits
from stentor.load.waiting import Queue

_EVENTS_PER_TURN = 4096
_ACTS_PER_TURN = 64
_SECOND_NS = 1_000_000_000
_APART_NS, _APART_NS_MAX = 4_000_000, 50_000_000


def turns_apart_ns(processes: int, cores: int) -> int:
    """Return how far apart the turns of one of so many processes are at least; 0 is not at all.

    A turn costs as much as taking several deliveries, and many processes on few cores have one for
    each. What they measure is later by up to that, and never earlier.
    """
    each = processes / cores
    return min(_APART_NS_MAX, round(_APART_NS * each)) if each > 2 else 0


class Fleet:
    """Runs one process's listeners."""

    def __init__(
        self,
        share: Share,
        clock: Clock,
        make_decoder: Callable[[], Decoder],
    ) -> None:
        self._share = share
        self._clock = clock
        self._end_ns = 0
        self._apart_ns = turns_apart_ns(share.of, len(os.sched_getaffinity(0)))
        chance = random.Random(f"{share.coming.seed}:{share.number}")
        self.tally = Tally(wanted=share.count)
        self.course = Course()
        self.audience = Audience(share.count, self.course, self.tally, share.buffer_s)
        self.sample = Sample(self.tally, share.target.rendition, make_decoder)
        self._schedule = Schedule()
        decoding = plan_share(share, self.audience, self._schedule, chance)
        target = share.target
        sockets: Plain | Secure = Plain()
        if target.secure:
            sockets = Secure(target.host, verify=not target.own_machine)
        elif share.reading is Reading.HEADS:
            sockets = Kept()
        self._connections = Connections(target, share.number, share.count, sockets)
        self._visits = Visits(
            share,
            audience=self.audience,
            sample=self.sample,
            decoding=decoding,
            schedule=self._schedule,
            queue=Queue(self.tally, chance),
            connections=self._connections,
            chance=chance,
        )
        self._late = [0] * (BINS_MAX + 1)
        self._turn = self._turn_whole
        if target.secure:
            self._turn = self._turn_secure
        elif isinstance(sockets, Kept):
            self._turn = Heads(
                self._connections,
                sockets,
                whole=self._take,
                unusual=self._visits.unusual,
                over=self._visits.take,
                gained=self._by_head,
            ).turn

    @property
    def connected(self) -> int:
        """How many connections there are."""
        return self._connections.count

    @property
    def listening(self) -> int:
        """How many have a stream."""
        return self._visits.listening

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._visits.queue)

    def stop(self) -> None:
        """Let `run` end with its next turn; called by its own progress."""
        self._end_ns = 0

    def run(self, begin_ns: int, end_ns: int, progress: Callable[["Fleet"], None]) -> Tally:
        """Connect, read and check until the time is over or everyone's room has ended."""
        self._schedule.begins(begin_ns)
        self._end_ns = end_ns
        visits, schedule = self._visits, self._schedule
        turn = self._turn
        told_ns = turned_ns = 0
        while (now_ns := time.monotonic_ns()) < self._end_ns:
            if now_ns - turned_ns < self._apart_ns:
                time.sleep((turned_ns + self._apart_ns - now_ns) / 1e9)
                now_ns = time.monotonic_ns()
            turned_ns = now_ns
            if now_ns - told_ns > _SECOND_NS:
                told_ns = now_ns
                self.course.wall_ahead_ns = self._clock.now_ns() - now_ns
                self.course.forget(now_ns)
                progress(self)
            for _ in range(_ACTS_PER_TURN):
                due = schedule.take(now_ns)
                if due is None:
                    break
                visits.act(*due, now_ns)
            if not self._connections.count and not schedule.arriving and not len(schedule):
                break
            until_ns = schedule.next_ns(min(self._end_ns, now_ns + _SECOND_NS // 4))
            turn(
                self._connections.epoll.poll(max(0.0, (until_ns - now_ns) / 1e9), _EVENTS_PER_TURN)
            )
        visits.close(time.monotonic_ns())
        self.tally.delivered_s.add_bins(self._late)
        return self.tally

    def _turn_whole(self, events: list[tuple[int, int]]) -> None:
        """The one loop that matters: read, compare, add."""
        read, readable = os.read, select.EPOLLIN
        nodes, unusual, take = self._connections.nodes, self._visits.unusual, self._take
        for fd, mask in events:
            node = nodes[fd]
            if mask != readable or node is None:
                unusual(fd, mask)
                continue
            try:
                data = read(fd, READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            take(fd, node, data)

    def _take(self, fd: int, node: Node, data: bytes) -> None:
        """Take what was read wholly: most often it is what another listener got already."""
        step = node.get(len(data))
        if step is None or step.data != data:
            step = self.course.known(node, data)
        if step is None or not step.plain:
            self._visits.take(fd, node, data)
            return
        self._connections.nodes[fd] = step.node
        self._gained(self._connections.who_of[fd], step, len(data))

    def _by_head(self, fd: int, step: Step) -> None:
        """A delivery has come that was known by its head."""
        self.tally.by_head += 1
        self._gained(self._connections.who_of[fd], step, len(step.data))

    def _gained(self, who: int, step: Step, size: int) -> None:
        tally = self.tally
        tally.bytes += size
        if step.ticket is not None:
            self._visits.tickets[who] = step.ticket.ticket
        gained_ns = step.gained_ns
        if gained_ns:
            now_ns = time.monotonic_ns()
            dry_ns = self.audience.dry_ns
            until_ns = dry_ns[who]
            if now_ns <= until_ns:
                dry_ns[who] = until_ns + gained_ns
            else:
                self.audience.stalled(who, now_ns, gained_ns)
            tally.parts += step.parts
            place = (now_ns - step.due_ns) // BIN_NS
            self._late[place if place < BINS_MAX else BINS_MAX] += 1

    def _turn_secure(self, events: list[tuple[int, int]]) -> None:
        for fd, mask in events:
            self._visits.unusual(fd, mask)
