"""Carries the origin's plain counts over to its metrics, once a second. Decides nothing."""

from prometheus_client import Counter

from stentor.base import metrics
from stentor.base.logs import log
from stentor.feed.local import LocalPublisher
from stentor.origin.room import Room
from stentor.origin.schedule import Schedule

_FRAME_S = 0.02


class Counting:
    """Remembers what has been told, so that counters only ever grow."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}
        self._cut_off = 0

    def note(self, schedule: Schedule, publisher: LocalPublisher, now_ns: int) -> None:
        """Bring the metrics up to date."""
        metrics.ORIGIN_LIVE_ROOMS.set(len(schedule.live_rooms))
        metrics.FEED_SUBSCRIBERS.set(publisher.subscribers)
        metrics.FEED_CUT_OFF.inc(publisher.cut_off_total - self._cut_off)
        self._cut_off = publisher.cut_off_total
        behind = pending = 0.0
        for name, room in schedule.rooms.items():
            if room.programme is not None:
                self._note_programme(name, room)
                behind = max(behind, room.behind_s(now_ns))
            if room.recorder is not None:
                pending += room.recorder.pending_bytes
                self._grow(metrics.ORIGIN_DISK_ERRORS, name, room.recorder.errors)
                self._grow(metrics.ORIGIN_LOST_PARTS, name, room.recorder.lost_parts)
                self._grow(metrics.ORIGIN_STATES_LEFT_OUT, name, room.recorder.states_left_out)
                error = room.recorder.first_error()
                if error is not None:
                    log().error("recording_fails", room=name, reason=str(error))
        metrics.ORIGIN_BEHIND_SECONDS.set(behind)
        metrics.ORIGIN_RECORDING_PENDING_BYTES.set(pending)

    def _note_programme(self, name: str, room: Room) -> None:
        assert room.programme is not None
        counts, frames = room.programme.counts, room.programme.timeline.counts
        self._grow(metrics.ORIGIN_PARTS, name, counts.parts)
        self._grow(metrics.ORIGIN_ENCODE_SECONDS, name, counts.encode_s)
        metrics.ORIGIN_RECORD_SECONDS.observe(counts.record_s)
        counts.record_s = 0.0
        self._grow(metrics.ORIGIN_UNRECORDED_PARTS, name, counts.unrecorded_parts)
        self._grow(metrics.ORIGIN_BACKFILLED_PARTS, name, counts.backfilled_parts)
        self._grow(metrics.ORIGIN_SILENCE_SECONDS, name, frames.silence * _FRAME_S)
        self._grow(metrics.ORIGIN_HOLD_SECONDS, name, frames.hold * _FRAME_S)
        self._grow(metrics.ORIGIN_FRAMES_LATE, name, frames.late)
        self._grow(metrics.ORIGIN_FRAMES_REFUSED, name, frames.refused)

    def _grow(self, counter: Counter, room: str, value: float) -> None:
        key = (str(counter), room)
        counter.inc(max(0.0, value - self._told.get(key, 0.0)))
        self._told[key] = value
