"""A programme for trials, on a feed of its own: what an origin would publish, at real time.

Sound like speech in loudness and pauses, encoded by the origin's encoders, so that listeners can
decode and compare what they get. Encoded once, so that it takes no CPU time while something is
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
from stentor.codecs.encode import LoopedParts, Pcm
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
_LOOP_PARTS = 12
_SYLLABLES_PER_S = 4.0
_LOUDNESS = 6000.0


class Programme:
    """Some seconds of sound in all renditions, again and again. The same in every trial."""

    def __init__(self) -> None:
        pcm = _sound()
        self._loops = {name: LoopedParts(one, pcm) for name, one in RENDITIONS.items()}

    def bits_per_s(self, rendition: str) -> float:
        """Return the bits a second of a rendition's audio itself."""
        return 8 * self._loops[rendition].media_bytes / (_LOOP_PARTS * PART_S)

    def inits(self) -> Iterator[tuple[str, bytes]]:
        """Yield each rendition's init segment."""
        for name, loop in self._loops.items():
            yield name, loop.init

    def part(self, number: int) -> Iterator[tuple[str, bytes]]:
        """Yield one part in each rendition."""
        for name, loop in self._loops.items():
            yield name, loop.part(number).data


def _sound() -> Pcm:
    """Return something like a voice: its harmonics and breath, as loud as syllables are."""
    at_s = np.arange(_LOOP_PARTS * PART_SAMPLES) / SAMPLE_RATE
    voiced = np.sum([np.sin(2 * np.pi * 140.0 * k * at_s) / k for k in range(1, 12)], axis=0)
    breath = 0.3 * np.random.default_rng(1).standard_normal(len(at_s))
    loudness = np.clip(np.sin(np.pi * _SYLLABLES_PER_S * at_s), 0.0, None)
    pcm: Pcm = (_LOUDNESS * loudness * (voiced + breath) / 2).astype(np.int16)
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
