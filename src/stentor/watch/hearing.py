"""What edges and stages tell once a second, heard on one socket and put in order: a second at once.

An edge that told twice since the last look is not counted twice: the later second waits for the
next one. Bounded; what cannot be read or kept is counted and dropped. Nobody is ever answered.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from stentor.base.logs import log
from stentor.base.metrics import WATCH_EDGES, WATCH_UNREADABLE
from stentor.shield.facts import EdgeSecond, StageSecond

EDGES_MAX = 1_024
STAGES_MAX = 64
WAITING_MAX = 30  # seconds of one edge, while the watch was held up
DATAGRAM_BYTES_MAX = 1 << 18
LATE_S = 2.5  # an edge that told nothing for so long is missing
GONE_S = 60.0  # … and is forgotten after this
_RECEIVE_BYTES = 4 << 20
_AGAIN_S = 1.0
_LEAVING = "-leaving"  # how an edge calls itself that was succeeded: nobody misses it


class Heard:
    """The seconds of every edge that wait to be taken. Times passed in are monotonic, seconds."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[EdgeSecond]] = {}
        self._last: dict[str, float] = {}
        self._stages: dict[str, StageSecond] = {}
        self._decode = msgspec.msgpack.Decoder(EdgeSecond).decode
        self._decode_stage = msgspec.msgpack.Decoder(StageSecond).decode
        self.dropped = 0

    def take(self, datagram: bytes, now_s: float) -> None:
        """Keep what an edge or a stage says; never raises."""
        try:
            second = self._decode(datagram)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._take_stage(datagram)
            return
        if second.edge not in self._last and len(self._last) >= EDGES_MAX:
            self._drop()
            return
        waiting = self._waiting.setdefault(second.edge, deque())
        if len(waiting) >= WAITING_MAX:
            waiting.popleft()
            self._drop()
        waiting.append(second)
        self._last[second.edge] = now_s

    def rounds(self) -> list[tuple[EdgeSecond, ...]]:
        """Return what waits, one second of each edge a round; at least one round, perhaps empty."""
        most = max((len(waiting) for waiting in self._waiting.values()), default=0)
        return [self._round() for _ in range(max(1, most - 1))]

    def stages(self) -> tuple[StageSecond, ...]:
        """Return what stages told since this was last asked."""
        found = tuple(one for _, one in sorted(self._stages.items()))
        self._stages.clear()
        return found

    def knows(self, edge: str) -> bool:
        """Say whether an edge told something within the last minute."""
        return edge in self._last

    def missing(self, now_s: float) -> tuple[str, ...]:
        """Return who has fallen silent; forget who did so long ago."""
        for edge, last_s in tuple(self._last.items()):
            if now_s - last_s > (LATE_S if edge.endswith(_LEAVING) else GONE_S):
                del self._last[edge]
                self._waiting.pop(edge, None)
        silent = tuple(sorted(e for e, last_s in self._last.items() if now_s - last_s > LATE_S))
        WATCH_EDGES.set(len(self._last) - len(silent))
        return silent

    def _round(self) -> tuple[EdgeSecond, ...]:
        some = [waiting.popleft() for _, waiting in sorted(self._waiting.items()) if waiting]
        return tuple(some)

    def _take_stage(self, datagram: bytes) -> None:
        try:
            second = self._decode_stage(datagram)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._drop()
            return
        if second.stage not in self._stages and len(self._stages) >= STAGES_MAX:
            self._drop()
            return
        before = self._stages.get(second.stage)
        self._stages[second.stage] = second if before is None else _as_one(before, second)

    def _drop(self) -> None:
        self.dropped += 1
        WATCH_UNREADABLE.inc()


def _as_one(before: StageSecond, second: StageSecond) -> StageSecond:
    """Return two seconds of a stage that are told at once."""
    return msgspec.structs.replace(
        second,
        sifted=before.sifted + second.sifted,
        foreign=before.foreign + second.foreign,
    )


def open_watch_socket(path: Path) -> socket.socket:
    """Return a datagram socket at `path`, in place of an earlier process's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    receiver.bind(str(path))
    path.chmod(0o600)
    return receiver


async def hear(path: Path, take: Callable[[bytes, float], None]) -> None:
    """Listen on the socket at `path` until cancelled; what breaks is opened again."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            with open_watch_socket(path) as receiver:
                while True:
                    datagram = await loop.sock_recv(receiver, DATAGRAM_BYTES_MAX)
                    take(datagram, loop.time())
        except OSError as error:  # a full or changed run folder, or no descriptors left
            log().warning("edges_not_heard", why=error.strerror)
        await asyncio.sleep(_AGAIN_S)
