"""An origin under virtual time, with a stage that may stall or die, and an edge that remembers.

The origin is the real one, from orders to recording files; only sockets and the clock are not. A
restart is a new `Schedule` on the same folder, as after kill -9: nothing is closed or flushed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stentor.base.clock import ManualClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.codecs.decode import PartDecoder
from stentor.codecs.encode import SilentParts
from stentor.feed.window import Window
from stentor.feed.wire import Kind, Message
from stentor.media.grid import FRAME_SAMPLES, PART_SAMPLES, sample_at
from stentor.media.renditions import RENDITIONS
from stentor.origin.house import House
from stentor.origin.room import WINDOW_PARTS
from stentor.origin.schedule import Schedule
from stentor.rooms.orders import Orders
from stentor.rooms.state import RoomState, StageState, decode_room_state, encode_state

Pcm = npt.NDArray[np.int16]
TICK_S = 0.01
RETAINED_FRAMES = 150
START_NS = 1_800_000_000_000_000_000
EPOCH_MS = START_NS // 1_000_000 + 1_000


@cache
def silent_parts() -> dict[str, SilentParts]:
    return {name: SilentParts(rendition) for name, rendition in RENDITIONS.items()}


def tone(index: int) -> Pcm:
    """A continuous 400 Hz tone: its period divides a frame."""
    places = np.arange(index, index + FRAME_SAMPLES)
    return (9_000 * np.sin(2 * np.pi * 400 * places / 48_000)).astype(np.int16)


class VirtualStage:
    """Sends a frame every 20 ms while `speaking`; keeps three seconds for who comes late."""

    def __init__(self, room: str, frame: Callable[[int], Pcm] = tone) -> None:
        self.room = room
        self.speaking = False
        self.delay_s = 0.0  # how late its frames arrive
        self.retained: deque[Message] = deque(maxlen=RETAINED_FRAMES)
        self._frame = frame
        self._last = -FRAME_SAMPLES
        self._under_way: deque[tuple[float, Message]] = deque()

    def tick(self, now_index: int, now_s: float) -> list[Message]:
        index = now_index // FRAME_SAMPLES * FRAME_SAMPLES
        if self.speaking:
            for due in range(max(0, self._last + FRAME_SAMPLES), index + 1, FRAME_SAMPLES):
                payload = self._frame(due).tobytes()
                message = Message(Kind.FRAME, self.room, "", due // 960, due, payload)
                self._under_way.append((now_s + self.delay_s, message))
        self._last = max(self._last, index)
        arrived = []
        while self._under_way and self._under_way[0][0] <= now_s:
            arrived.append(self._under_way.popleft()[1])
        self.retained.extend(arrived)
        return arrived

    def die(self) -> None:
        self.speaking = False
        self.retained.clear()
        self._under_way.clear()


class VirtualOrigin:
    """One machine: folder, clock, stages, and what an edge heard of the origin's lives."""

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        self.folder = DataFolder(root)
        self.clock = ManualClock(START_NS)
        self.settings = settings or Settings(data=str(root))
        self.orders: dict[str, Orders] = {}
        self.stages: dict[str, VirtualStage] = {}
        self.parts: dict[tuple[str, str], dict[int, bytes]] = {}
        self.conflicts: list[tuple[str, str, int]] = []
        self.inits: dict[tuple[str, str], bytes] = {}
        self.ends: dict[tuple[str, str], int] = {}
        self.states: dict[str, list[RoomState]] = {}
        self.events: list[tuple[float, Message]] = []
        self.disk_hangs = False
        self._jobs: list[Callable[[], None]] = []
        self._stage_connected_s = 0.0
        self.schedule: Schedule | None = None
        self.start()

    @property
    def now_s(self) -> float:
        """Seconds since the usual epoch."""
        return (self.clock.now_ns() - EPOCH_MS * 1_000_000) / 1e9

    def start(self, *, stage_after_s: float = 0.05) -> None:
        self.window = Window(WINDOW_PARTS)
        self.schedule = Schedule(
            House(
                self.settings,
                self.folder,
                silent_parts(),
                self._publish,
                self.window.retire,
                self._jobs.append,
            )
        )
        self.schedule.apply(self.orders.values(), self.clock.now_ns())
        self._stage_connected_s = self.now_s + stage_after_s

    def kill(self) -> None:
        if self.schedule is not None:
            for room in self.schedule.rooms.values():
                if room.recorder is not None:
                    room.recorder.close()
        self.schedule = None
        self._jobs.clear()

    def order(self, orders: Orders) -> None:
        self.orders[orders.room] = orders
        if self.schedule is not None:
            self.schedule.apply([orders], self.clock.now_ns())

    def stage(self, room: str, frame: Callable[[int], Pcm] = tone) -> VirtualStage:
        self.stages[room] = VirtualStage(room, frame)
        return self.stages[room]

    def tell(self, state: StageState) -> None:
        assert self.schedule is not None
        self.schedule.take(Message(Kind.STATE, state.room, payload=encode_state(state)))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.tick()
            self.clock.advance(TICK_S)

    def tick(self) -> None:
        now_s, now_ns = self.now_s, self.clock.now_ns()
        connected = self.schedule is not None and now_s >= self._stage_connected_s
        for stage in self.stages.values():
            epoch_ms = self.orders[stage.room].epoch_ms
            if connected and self._stage_connected_s > now_s - TICK_S:
                for message in tuple(stage.retained):
                    self.schedule.take(message)  # type: ignore[union-attr]
            for message in stage.tick(sample_at(epoch_ms, now_ns), now_s):
                if connected:
                    self.schedule.take(message)  # type: ignore[union-attr]
        if self.schedule is not None:
            while self.schedule.tick(now_ns):
                self._work()
            self._work()
            self.schedule.tick(now_ns)

    def _work(self) -> None:
        """Do what the disk's thread would, unless the disk hangs."""
        while self._jobs and not self.disk_hangs:
            self._jobs.pop(0)()

    def _publish(self, message: Message) -> None:
        self.window.keep(message)
        self.events.append((self.now_s, message))
        key = (message.room, message.rendition)
        match message.kind:
            case Kind.PART:
                held = self.parts.setdefault(key, {})
                if held.setdefault(message.sequence, message.payload) != message.payload:
                    self.conflicts.append((*key, message.sequence))
                assert message.sample_index == message.sequence * PART_SAMPLES
            case Kind.INIT:
                self.inits[key] = message.payload
            case Kind.END:
                self.ends[key] = message.sequence
            case Kind.STATE:
                self.states.setdefault(message.room, []).append(decode_room_state(message.payload))

    # -- what became of it ----------------------------------------------------------------

    def recorded(self, room: str, rendition: str = "aac48") -> bytes:
        return self.folder.recording(room, rendition).read_bytes()

    def published(self, room: str, rendition: str = "aac48") -> bytes:
        """Init and parts in order, which must be without a hole."""
        parts = self.parts[room, rendition]
        assert sorted(parts) == list(range(len(parts))), "a hole"
        return self.inits[room, rendition] + b"".join(parts[n] for n in range(len(parts)))

    def heard(self, room: str, rendition: str = "aac48") -> Pcm:
        """What was published, decoded, and moved back onto the grid."""
        parts = self.parts[room, rendition]
        decoder = PartDecoder(self.inits[room, rendition])
        pcm = np.concatenate([decoder.decode(parts[number]) for number in range(len(parts))])
        return pcm[{"opus24": 312}.get(rendition, 2_048) :]


def silences(pcm: Pcm, below: float = 500.0) -> list[tuple[float, float]]:
    """Return where nothing is heard for 10 ms or more: (from, to) in seconds."""
    block = 480
    count = pcm.size // block
    loud = np.abs(pcm[: count * block].reshape(count, block).astype(np.float64)).max(axis=1) > below
    found: list[tuple[float, float]] = []
    start: int | None = None
    for place, is_loud in enumerate([*loud, True]):
        if not is_loud and start is None:
            start = place
        if is_loud and start is not None:
            found.append((start / 100, place / 100))
            start = None
    return found
