"""A programme for trials, on a feed of its own: what an origin would publish, at real time.

Sound like speech in loudness and pauses, encoded by the origin's encoders, so that listeners can
decode and compare what they get. Made ahead, so that encoding takes no CPU time while something is
measured. Knows nothing of edges or listeners.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from stentor.base.clock import Clock
from stentor.base.errors import UnavailableError
from stentor.codecs.encode import RenditionEncoder
from stentor.feed.local import LocalPublisher
from stentor.feed.window import Window
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_S, PART_SAMPLES, SAMPLE_RATE
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from stentor.rooms.state import OnAir, RoomState, encode_state

ROOM = "rehearsal"
_TITLE = "Rehearsal"
_WINDOW_PARTS = 96
_START_S = 10.0
_SYLLABLES_PER_S = 4.0
_LOUDNESS = 6000.0


class Programme:
    """All parts of all renditions, as far as they have been made. The same in every trial."""

    def __init__(self) -> None:
        self._encoders = {name: RenditionEncoder(one) for name, one in RENDITIONS.items()}
        self._parts: dict[str, list[bytes]] = {name: [] for name in RENDITIONS}
        self._noise = np.random.default_rng(1)
        self._made = 0

    def make(self, parts: int) -> None:
        """Encode until there are so many parts."""
        while self._made < parts:
            pcm = self._sound(self._made)
            self._made += 1
            for name, encoder in self._encoders.items():
                self._parts[name] += [part.data for part in encoder.encode(pcm)]

    def inits(self) -> Iterator[tuple[str, bytes]]:
        """Yield each rendition's init segment."""
        for name, encoder in self._encoders.items():
            yield name, encoder.init

    def part(self, number: int) -> Iterator[tuple[str, bytes]]:
        """Yield one part in each rendition; it is made if it has not been."""
        self.make(number + 1)
        for name, made in self._parts.items():
            yield name, made[number]

    def _sound(self, number: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        at_s = (np.arange(PART_SAMPLES) + number * PART_SAMPLES) / SAMPLE_RATE
        voiced = sum(np.sin(2 * np.pi * 140.0 * k * at_s) / k for k in range(1, 12))
        breath = 0.3 * self._noise.standard_normal(PART_SAMPLES)
        loudness = np.clip(np.sin(np.pi * _SYLLABLES_PER_S * at_s), 0.0, None)
        pcm: np.ndarray[tuple[int], np.dtype[np.int16]] = (
            _LOUDNESS * loudness * (voiced + breath) / 2
        ).astype(np.int16)
        return pcm


class Broadcast:
    """The room on the air: a publisher in a thread of its own, `speed` times faster than life."""

    def __init__(
        self, path: Path, clock: Clock, programme: Programme, *, old_parts: int, speed: float = 1.0
    ) -> None:
        self._path = path
        self._clock = clock
        self._programme = programme
        self._old_parts = old_parts
        self._speed = speed
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._publisher: LocalPublisher | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: list[threading.Thread] = []
        self.next = 0

    @property
    def subscribers(self) -> int:
        """How many edges follow."""
        return 0 if self._publisher is None else self._publisher.subscribers

    @contextlib.contextmanager
    def on_the_air(self) -> Iterator[None]:
        """Publish as long as the block lasts; raises `UnavailableError` if it cannot begin."""
        self._threads = [
            threading.Thread(target=self._run_feed, daemon=True),
            threading.Thread(target=self._run_parts, daemon=True),
        ]
        self._threads[0].start()
        if not self._ready.wait(_START_S):
            raise UnavailableError("The trial's feed did not start.")
        self._threads[1].start()
        try:
            yield
        finally:
            self._stopping.set()
            self._threads[1].join()
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._threads[0].join()

    def _run_feed(self) -> None:
        async def open_feed() -> None:
            self._publisher = LocalPublisher(self._path, Window(_WINDOW_PARTS))
            await self._publisher.open()

        self._loop = loop = asyncio.new_event_loop()
        loop.run_until_complete(open_feed())
        self._ready.set()
        loop.run_forever()
        assert self._publisher is not None
        self._publisher.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    def _run_parts(self) -> None:
        """Parts at real time, each when its last sample is due."""
        epoch_ms = self._clock.now_ns() // 1_000_000 - round(self._old_parts * PART_S * 1000)
        state = RoomState(ROOM, _TITLE, Phase.LIVE, epoch_ms, on_air=OnAir.VOICES, revision=1)
        self._publish(
            lambda: [
                Message(Kind.STATE, ROOM, payload=encode_state(state)),
                *_inits(self._programme),
            ]
        )
        live_s = time.monotonic()
        while not self._stopping.is_set():
            due_s = live_s + (self.next + 1 - self._old_parts) * PART_S / self._speed
            if self._stopping.wait(max(0.0, due_s - time.monotonic())):
                return
            number = self.next
            self.next += 1
            self._publish(partial(_part, self._programme, number))

    def _publish(self, make: Callable[[], list[Message]]) -> None:
        messages = make()

        def publish() -> None:
            assert self._publisher is not None
            for one in messages:
                self._publisher.publish(one)

        assert self._loop is not None
        self._loop.call_soon_threadsafe(publish)


def _inits(programme: Programme) -> list[Message]:
    return [Message(Kind.INIT, ROOM, name, payload=data) for name, data in programme.inits()]


def _part(programme: Programme, number: int) -> list[Message]:
    start = number * PART_SAMPLES
    return [
        Message(Kind.PART, ROOM, name, number, start, data) for name, data in programme.part(number)
    ]
