"""One room on the air: its timeline, encoded, recorded, then published, part after part.

For every rendition part n exists for every n from 0, without a hole: what an earlier process
recorded is continued, and what nobody made in between is filled. Works in steps of bounded length,
so that several rooms share a loop.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from stentor.codecs.encode import Part, RenditionEncoder, SilentParts
from stentor.feed.wire import Kind, Message
from stentor.media.grid import FRAME_SAMPLES, PART_SAMPLES, SAMPLE_RATE, sample_at
from stentor.media.renditions import RENDITIONS
from stentor.origin.recorder import RoomRecorder
from stentor.origin.timeline import Pcm, Timeline

Publish = Callable[[Message], None]

STEP_FRAMES = 16  # of one room in one go: some ten milliseconds of encoding
_SKIP_PARTS = 128
_DISK_PATIENCE_NS = 250_000_000  # listeners hold half a second; a disk may take half of it
_WINDOW_WAIT_NS = 300_000_000  # for what the stage retained; without a stage nothing comes
_WINDOW_NS_MAX = 2_000_000_000  # while it is coming: a busy machine takes it in piece by piece


class Step(Enum):
    """What is left to do after a step."""

    DONE = auto()
    MORE = auto()
    ENDED = auto()


@dataclass(slots=True)
class ProgrammeCounts:
    """What a programme has cost and made so far."""

    parts: int = 0
    encode_s: float = 0.0
    record_s: float = 0.0  # the longest from a part's making to its publication
    unrecorded_parts: int = 0  # published before the disk had taken them
    backfilled_parts: int = 0


class Programme:
    """The programme of one room from the hour to its end."""

    def __init__(
        self,
        room: str,
        epoch_ms: int,
        timeline_for: Callable[[int], Timeline],
        recorder: RoomRecorder,
        silent: dict[str, SilentParts],
        publish: Publish,
        now_ns: int,
    ) -> None:
        self.room = room
        self.epoch_ms = epoch_ms
        self.counts = ProgrammeCounts()
        self._recorder = recorder
        self._silent = silent
        self._publish = publish
        # One part earlier than what is missing: its frames, if the stage still has them, bring
        # the encoders to where the dead process's were. Parts that are recorded are not made twice.
        first_part = max(0, recorder.parts - 1)
        self.timeline = timeline_for(first_part * PART_SAMPLES)
        self._encoders = self._new_encoders(first_part)
        self._encoders_are_behind = False
        self._unpublished: deque[tuple[int, Message]] = deque()  # since when, what
        late = sample_at(epoch_ms, now_ns) > PART_SAMPLES // 2
        self._fill_from_ns = now_ns + _WINDOW_WAIT_NS if late else now_ns
        self._fill_by_ns = now_ns + _WINDOW_NS_MAX
        self._newest_seen = -1

    def _new_encoders(self, first_part: int) -> dict[str, RenditionEncoder]:
        return {name: RenditionEncoder(RENDITIONS[name], first_part) for name in self._silent}

    @property
    def sample_index(self) -> int:
        """The programme clock: how far the programme has gone out."""
        return self.timeline.next_index

    def overdue_samples(self, now_ns: int) -> int:
        """Return how far the programme is behind the clock."""
        return sample_at(self.epoch_ms, now_ns) - self.timeline.next_index

    def step(self, now_ns: int) -> Step:
        """Let out what is due, but no more than takes some milliseconds."""
        now_index = sample_at(self.epoch_ms, now_ns)
        filling = now_ns >= self._fill_from_ns or self._window_is_here(now_index, now_ns)
        skipped = self._skip(now_index, now_ns) if filling else 0
        first_index = self.timeline.next_index
        frames = self.timeline.advance(now_index, STEP_FRAMES, filling=filling)
        if frames:
            self._encode(first_index, np.concatenate(frames), now_ns)
        self._publish_recorded(now_ns)
        if self.timeline.ended and not self._unpublished:
            return Step.ENDED
        return Step.MORE if skipped or len(frames) == STEP_FRAMES else Step.DONE

    def end(self) -> int:
        """Say that it is over; return how many samples the programme has."""
        parts = self.timeline.next_index // PART_SAMPLES
        for name in self._encoders:
            self._publish(Message(Kind.END, self.room, name, parts, parts * PART_SAMPLES))
        return parts * PART_SAMPLES

    def _window_is_here(self, now_index: int, now_ns: int) -> bool:
        """The stage's retained frames come in order: when a new one is here, all are."""
        newest = self.timeline.newest_held
        if newest >= now_index - SAMPLE_RATE // 10 - FRAME_SAMPLES:
            self._fill_from_ns = 0
            return True
        if newest > self._newest_seen:
            self._newest_seen = newest
            self._fill_from_ns = min(now_ns + _WINDOW_WAIT_NS, self._fill_by_ns)
        return False

    def _encode(self, first_index: int, pcm: Pcm, now_ns: int) -> None:
        started = time.perf_counter()
        if self._encoders_are_behind:
            self._encoders = self._new_encoders(first_index // PART_SAMPLES)
            self._encoders_are_behind = False
        made = {name: encoder.encode(pcm) for name, encoder in self._encoders.items()}
        self.counts.encode_s += time.perf_counter() - started
        for name, parts in made.items():
            self._record(name, parts, now_ns)

    def _skip(self, now_index: int, now_ns: int) -> int:
        first = self.timeline.next_index // PART_SAMPLES
        count = self.timeline.skip_silent_parts(now_index, _SKIP_PARTS)
        if count == 0:
            return 0
        self.counts.backfilled_parts += count
        for name, silent in self._silent.items():
            numbers = range(first, first + count)
            self._record(name, [silent.part(number) for number in numbers], now_ns)
        self._encoders_are_behind = True
        return count

    def _record(self, name: str, parts: list[Part], now_ns: int) -> None:
        due = self._recorder.recordings[name].next_part
        parts = [part for part in parts if part.number >= due]
        if not parts:
            return
        self._recorder.append(name, parts)
        self.counts.parts += len(parts)
        for part in parts:
            index = part.number * PART_SAMPLES
            message = Message(Kind.PART, self.room, name, part.number, index, part.data)
            self._unpublished.append((now_ns, message))

    def _publish_recorded(self, now_ns: int) -> None:
        """Publish what is in the files, and what a disk has taken too long over."""
        patience_ns = 0 if self._recorder.behind else _DISK_PATIENCE_NS
        while self._unpublished:
            made_ns, message = self._unpublished[0]
            recorded = self._recorder.has(message.rendition, message.sequence)
            if not recorded and now_ns - made_ns < patience_ns:
                return
            if recorded:
                self.counts.record_s = max(self.counts.record_s, (now_ns - made_ns) / 1e9)
            else:
                self.counts.unrecorded_parts += 1
            self._unpublished.popleft()
            self._publish(message)
