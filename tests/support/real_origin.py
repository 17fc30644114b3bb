"""A real origin process on a data folder of its own, a stage's feed, and an edge that remembers.

with origin_process(tmp_path) as origin:
    origin.order(Orders(...))
    origin.hear(until=lambda: ...)      # what an edge gets, over every restart
    origin.kill(); origin.start()       # kill -9
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from stentor.base.clock import SharedClock
from stentor.base.paths import DataFolder
from stentor.codecs.decode import PartDecoder
from stentor.feed.local import LocalPublisher, LocalSubscription
from stentor.feed.window import Window
from stentor.feed.wire import Kind, Message
from stentor.media.grid import FRAME_SAMPLES, sample_at
from stentor.rooms.orders import Orders
from stentor.rooms.state import RoomState, decode_room_state
from stentor.store.orders import OrdersFolder
from support.machine import PATIENCE
from support.network import free_port
from support.virtual_origin import Pcm, tone

_CODE = """
import resource, sys
from pathlib import Path
from stentor.base.clock import SharedClock
from stentor.base.logs import set_up_logs
from stentor.base.paths import DataFolder
from stentor.base.settings import load_settings
from stentor.origin.serve import run_origin
data, port, file_bytes_max = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
if file_bytes_max:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, hard))
set_up_logs("origin")
folder = DataFolder(data)
settings = load_settings(data=str(data), metrics_port=port, hold_back_ms=int(sys.argv[4]))
run_origin(settings, folder, SharedClock(folder.clock))
"""


class RealOrigin:
    def __init__(self, root: Path) -> None:
        self.folder = DataFolder(root)
        self.clock = SharedClock(self.folder.clock)
        self.metrics_port = free_port()
        self.file_bytes_max = 0
        self.hold_back_ms = 100
        self.parts: dict[tuple[str, str], dict[int, bytes]] = {}
        self.inits: dict[tuple[str, str], bytes] = {}
        self.ends: dict[tuple[str, str], int] = {}
        self.states: list[RoomState] = []
        self.arrivals: list[tuple[int, Message]] = []  # clock, message
        self.conflicts: list[tuple[str, str, int]] = []
        self._orders = OrdersFolder(self.folder.orders)
        self._process: subprocess.Popen[bytes] | None = None
        self._subscription = LocalSubscription(self.folder.origin_feed)
        self._connected = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def start(self) -> None:
        numbers = (self.metrics_port, self.file_bytes_max, self.hold_back_ms)
        arguments = [str(self.folder.root), *map(str, numbers)]
        self._process = subprocess.Popen([sys.executable, "-c", _CODE, *arguments])

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def terminate(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(10)

    def order(self, orders: Orders) -> None:
        self._orders.write(orders)

    def hear(self, until: Callable[[], object], timeout_s: float = 20) -> None:
        """Take what an edge would get until the condition holds."""
        deadline = time.monotonic() + PATIENCE * timeout_s
        while not until():
            assert time.monotonic() < deadline, f"not heard within {timeout_s} s"
            if not self._connected:
                self._connected = self._subscription.open()
            messages = self._subscription.receive()
            if messages is None:
                self._connected = False
            for message in messages or []:
                self._note(message)
            if not messages:
                time.sleep(0.005)

    def hear_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.hear(lambda: time.monotonic() >= end, seconds + 10)

    def _note(self, message: Message) -> None:
        self.arrivals.append((self.clock.now_ns(), message))
        key = (message.room, message.rendition)
        match message.kind:
            case Kind.PART:
                held = self.parts.setdefault(key, {})
                if held.setdefault(message.sequence, message.payload) != message.payload:
                    self.conflicts.append((*key, message.sequence))
            case Kind.INIT:
                self.inits[key] = message.payload
            case Kind.END:
                self.ends[key] = message.sequence
            case Kind.STATE:
                self.states.append(decode_room_state(message.payload))

    def published(self, room: str, rendition: str) -> bytes:
        parts = self.parts[room, rendition]
        assert sorted(parts) == list(range(len(parts))), "a hole"
        return self.inits[room, rendition] + b"".join(parts[n] for n in range(len(parts)))

    def heard(self, room: str, rendition: str) -> Pcm:
        """What was published, decoded, and moved back onto the grid."""
        decoder = PartDecoder(self.inits[room, rendition])
        parts = self.parts[room, rendition]
        pcm = np.concatenate([decoder.decode(parts[number]) for number in range(len(parts))])
        return pcm[312 if rendition == "opus24" else 2_048 :]

    def close(self) -> None:
        self._subscription.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()


@contextmanager
def origin_process(root: Path) -> Iterator[RealOrigin]:
    origin = RealOrigin(root)
    origin.start()
    try:
        yield origin
    finally:
        origin.close()


@contextmanager
def stage_feed(origin: RealOrigin, orders: Orders) -> Iterator[threading.Event]:
    """Publish a tone as the stage does, from a thread; clear the event to fall silent."""
    speaking, over = threading.Event(), threading.Event()
    speaking.set()

    async def publish() -> None:
        publisher = LocalPublisher(origin.folder.stage_feed, Window(150))
        await publisher.open()
        last = -FRAME_SAMPLES
        while not over.is_set():
            now = sample_at(orders.epoch_ms, origin.clock.now_ns()) // FRAME_SAMPLES * FRAME_SAMPLES
            for index in range(max(0, last + FRAME_SAMPLES), now + 1, FRAME_SAMPLES):
                if speaking.is_set():
                    payload = tone(index).tobytes()
                    publisher.publish(
                        Message(Kind.FRAME, orders.room, "", index // 960, index, payload)
                    )
            last = max(last, now)
            await asyncio.sleep(0.01)
        publisher.close()

    thread = threading.Thread(target=lambda: asyncio.run(publish()))
    thread.start()
    try:
        yield speaking
    finally:
        over.set()
        thread.join(10)
