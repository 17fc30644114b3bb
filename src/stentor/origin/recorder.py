"""Everything that is kept of one room: a recording of each rendition, and its states as published.

Shares out the memory that may hold what the disk does not take. Decides nothing about the
programme.
"""

from collections.abc import Callable

from stentor.base.paths import DataFolder
from stentor.codecs.encode import Part, SilentParts
from stentor.origin.disk import Submit, at_once
from stentor.origin.recording import Recording
from stentor.origin.state_log import StateLog
from stentor.rooms.state import RoomState

_RETRY_NS = 1_000_000_000
_BEHIND_NS = 1_000_000_000


class RoomRecorder:
    """The recordings and the state log of one room."""

    def __init__(
        self,
        folder: DataFolder,
        room: str,
        silent: dict[str, SilentParts],
        bytes_max: int,
        state_bytes_max: int,
        submit: Submit = at_once,
    ) -> None:
        self.recordings = {
            name: Recording(folder.recording(room, name), folder.recording_index(room, name), one)
            for name, one in silent.items()
        }
        self._states = StateLog(folder.state_log(room), state_bytes_max)
        self.bytes_max = bytes_max  # of what waits, all renditions together
        self._submit = submit
        self._at_work = False
        self._waits_since_ns: int | None = None
        self._retry_ns = 0
        self.behind = False  # the disk fails, or has not taken what it was given for a while
        self.errors = 0
        for recording in self.recordings.values():
            recording.recover()

    @property
    def settled(self) -> bool:
        """Nothing waits to be written."""
        return not self.pending_bytes and not self._states.waits and self.first_error() is None

    @property
    def pending_bytes(self) -> int:
        """How much waits in memory."""
        return sum(one.pending_bytes for one in self.recordings.values())

    @property
    def lost_parts(self) -> int:
        """How many parts gave way for want of memory."""
        return sum(one.lost_parts for one in self.recordings.values())

    @property
    def states_left_out(self) -> int:
        """How many states are not in the log, for want of room."""
        return self._states.left_out

    @property
    def parts(self) -> int:
        """How many parts every rendition has, written or waiting."""
        return min(one.next_part for one in self.recordings.values())

    def append(self, rendition: str, parts: list[Part]) -> None:
        """Take parts of a rendition to be written; never waits, never raises because of a disk."""
        recording = self.recordings[rendition]
        recording.append(parts)
        if recording.error is None:
            self._have_written()
        excess = self.pending_bytes - self.bytes_max
        if excess > 0:
            most = max(self.recordings.values(), key=lambda one: one.pending_bytes)
            most.give_way(most.pending_bytes - excess)

    def has(self, rendition: str, number: int) -> bool:
        """Say whether that part is in the file."""
        return number < self.recordings[rendition].parts

    def look(self, now_ns: int) -> None:
        """See how the disk does; try again, once a second, what it did not take."""
        failing = self.first_error() is not None
        if not self.pending_bytes:
            self._waits_since_ns = None
        elif self._waits_since_ns is None:
            self._waits_since_ns = now_ns
        since_ns = self._waits_since_ns
        self.behind = failing or (since_ns is not None and now_ns - since_ns >= _BEHIND_NS)
        if now_ns >= self._retry_ns:
            self._retry_ns = now_ns + _RETRY_NS
            if failing or self._states.waits:
                self._have_written()

    def note_state(self, state: RoomState) -> None:
        """Keep a state that is about to be published."""
        self._states.note(state)
        self._have_written()

    def _have_written(self) -> None:
        if not self._at_work:
            self._at_work = True
            self._submit(self._write)

    def _write(self) -> None:
        self._at_work = False  # what comes from now on asks again
        for recording in self.recordings.values():
            waits = recording.pending_bytes or recording.error is not None
            if waits and not recording.write_pending():
                self.errors += 1
        if not self._states.write():
            self.errors += 1

    def first_error(self) -> OSError | None:
        """Return what is wrong with the disk, if anything is."""
        return next((one.error for one in self.recordings.values() if one.error), None)

    def sync(self) -> None:
        """Bring everything onto the disk. For a thread; raises OSError."""
        for recording in self.recordings.values():
            recording.sync()

    def close_when_written(self, then: Callable[[], None]) -> None:
        """Write what was asked for, let go of the files, then call `then`: all where disks are."""

        def close() -> None:
            self.close()
            then()

        self._submit(close)

    def close(self) -> None:
        """Let go of the files; not while `sync` runs."""
        for recording in self.recordings.values():
            recording.close()
