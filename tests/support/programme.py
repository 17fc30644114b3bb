"""A programme without sound and a feed to publish it on, for tests of what is behind the feed.

Parts are real boxes with payloads that say which part they are; the feed is the real publisher, in
a thread with a loop of its own, so that a test may stop and start it at will.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stentor.codecs.encode import RenditionEncoder
from stentor.feed.local import LocalPublisher
from stentor.feed.window import Window
from stentor.feed.wire import Kind, Message
from stentor.media.fragments import fragment, init_segment
from stentor.media.grid import PART_S, PART_SAMPLES, SAMPLE_RATE
from stentor.media.renditions import RENDITIONS, Codec, Rendition
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state

EPOCH_MS = 1_764_000_000_000
_AAC_CONFIG = bytes.fromhex("1188")  # LC, 48 kHz, mono
_OPUS_HEAD = b"OpusHead" + bytes((1, 1, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0))


def init_of(rendition: Rendition) -> bytes:
    config = _OPUS_HEAD if rendition.codec is Codec.OPUS else _AAC_CONFIG
    return init_segment(rendition, config)


def part_of(rendition: Rendition, number: int) -> bytes:
    frame_samples = rendition.codec.frame_samples
    count = PART_SAMPLES // frame_samples
    size = rendition.bitrate * frame_samples // 48_000 // 8
    frames = [f"{rendition.name}:{number}:{i}".encode().ljust(size, b".") for i in range(count)]
    return fragment(number, frame_samples, frames)


class Programme:
    """One room: publishes what an origin would, when the test says so."""

    def __init__(
        self,
        feed: "FeedThread",
        room: str = "town-hall",
        title: str = "Town hall",
        epoch_ms: int = EPOCH_MS,
    ) -> None:
        self.feed = feed
        self.epoch_ms = epoch_ms
        self.room = room
        self.title = title
        self.next = 0
        self.revision = 0

    def init_bytes(self, rendition: Rendition) -> bytes:
        return init_of(rendition)

    def part_bytes(self, rendition: Rendition, number: int) -> bytes:
        return part_of(rendition, number)

    def state(self, phase: Phase, **more: Any) -> None:
        self.revision += 1
        state = RoomState(
            self.room,
            self.title,
            phase,
            self.epoch_ms,
            sample_index=self.next * PART_SAMPLES,
            revision=self.revision,
            **more,
        )
        self.feed.publish(Message(Kind.STATE, self.room, payload=encode_state(state)))

    def open_doors(self) -> None:
        self.state(Phase.SCHEDULED)
        for rendition in RENDITIONS.values():
            self.feed.publish(
                Message(Kind.INIT, self.room, rendition.name, payload=self.init_bytes(rendition))
            )

    def parts(self, count: int) -> None:
        for _ in range(count):
            for rendition in RENDITIONS.values():
                self.feed.publish(
                    Message(
                        Kind.PART,
                        self.room,
                        rendition.name,
                        self.next,
                        self.next * PART_SAMPLES,
                        self.part_bytes(rendition, self.next),
                    )
                )
            self.next += 1

    def end(self) -> None:
        for rendition in RENDITIONS.values():
            self.feed.publish(
                Message(Kind.END, self.room, rendition.name, self.next, self.next * PART_SAMPLES)
            )
        self.state(Phase.ENDED, end_samples=self.next * PART_SAMPLES)

    def write_recording(self, folder: Any, parts: int | None = None) -> None:
        """Put on disk what the origin would have recorded so far."""
        for rendition in RENDITIONS.values():
            data, starts = bytearray(self.init_bytes(rendition)), []
            for number in range(self.next if parts is None else parts):
                starts.append(len(data).to_bytes(8, "little"))
                data += self.part_bytes(rendition, number)
            path = folder.recording(self.room, rendition.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            folder.recording_index(self.room, rendition.name).write_bytes(b"".join(starts))


class Tone(Programme):
    """A programme that can be heard: a continuous tone, encoded as an origin would."""

    HERTZ = 440.0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._encoders = {name: RenditionEncoder(one) for name, one in RENDITIONS.items()}
        self._made: dict[str, list[bytes]] = {name: [] for name in RENDITIONS}

    def init_bytes(self, rendition: Rendition) -> bytes:
        return self._encoders[rendition.name].init

    def part_bytes(self, rendition: Rendition, number: int) -> bytes:
        made = self._made[rendition.name]
        while len(made) <= number:
            at = np.arange(len(made) * PART_SAMPLES, (len(made) + 1) * PART_SAMPLES)
            pcm = (8000 * np.sin(2 * np.pi * self.HERTZ * at / SAMPLE_RATE)).astype(np.int16)
            made += [part.data for part in self._encoders[rendition.name].encode(pcm)]
        return made[number]

    @contextlib.contextmanager
    def at_real_time(self) -> Iterator[None]:
        """Publish a part every 0.32 s, from a thread, as long as the block lasts."""
        stopping = threading.Event()

        def run() -> None:
            due = time.monotonic()
            while not stopping.wait(max(0.0, due - time.monotonic())):
                self.parts(1)
                due += PART_S

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(5)


class FeedThread:
    """The origin's end of the feed. `stop` is what listeners' edges see when an origin dies."""

    def __init__(self, path: Path, parts_max: int = 96) -> None:
        self._path = path
        self.window = Window(parts_max)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._publisher: LocalPublisher | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        ready = threading.Event()

        def run() -> None:
            async def serve() -> None:
                self._publisher = LocalPublisher(self._path, self.window)
                await self._publisher.open()
                ready.set()
                await stopping.wait()
                self._publisher.close()

            stopping = self._stopping = asyncio.Event()
            loop = self._loop = asyncio.new_event_loop()
            loop.run_until_complete(serve())
            loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(5)

    def publish(self, message: Message) -> None:
        """Publish, or only remember while the feed is stopped."""
        if self._thread is None:
            self.window.keep(message)
            return
        self._call(lambda: self._publisher and self._publisher.publish(message))

    def publish_all(self, messages: Iterable[Message]) -> None:
        """Publish many at once, as an origin of many rooms does."""

        def run() -> None:
            assert self._publisher is not None
            for one in messages:
                self._publisher.publish(one)

        self._call(run)

    @property
    def subscribers(self) -> int:
        return 0 if self._publisher is None else self._publisher.subscribers

    def stop(self) -> None:
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(5)
            self._thread = None

    def _call(self, task: Callable[[], Any]) -> None:
        assert self._loop is not None
        done = threading.Event()

        def run() -> None:
            task()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(5)
