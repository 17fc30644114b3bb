"""A room's recordings being taken up as an earlier process left them, away from the loop.

To mend a long recording takes seconds and a disk may take its time: neither may hold up another
room. Whoever asked looks whether it is done.
"""

from dataclasses import dataclass

from stentor.codecs.encode import Part
from stentor.origin.house import House
from stentor.origin.recorder import RoomRecorder


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A room's recordings, whole, and their newest parts for the feed."""

    recorder: RoomRecorder
    tails: dict[str, list[Part]]


class TakingUp:
    """`done` is set last, so that who sees it may ask for the result."""

    def __init__(self, house: House, room: str, tail_parts: int) -> None:
        self._house = house
        self._room = room
        self._tail_parts = tail_parts
        self._taken_up: TakenUp | None = None
        self._error: Exception | None = None
        self.done = False

    def begin(self) -> None:
        """Have it done where the house has long things done."""
        try:
            self._house.submit_apart(self._work)
        except BaseException:
            self.done = True
            raise

    def result(self) -> TakenUp:
        """Return what was taken up; raises what came in the way."""
        if self._taken_up is None:
            raise self._error or RuntimeError("not taken up yet")
        return self._taken_up

    def _work(self) -> None:
        try:
            recorder = self._open_recorder()
            tails = {
                name: recording.tail(self._tail_parts)
                for name, recording in recorder.recordings.items()
            }
            self._taken_up = TakenUp(recorder, tails)
        except Exception as error:  # of ours: it belongs to the room that asked
            self._error = error
        finally:
            self.done = True

    def _open_recorder(self) -> RoomRecorder:
        house, settings = self._house, self._house.settings
        return RoomRecorder(
            house.folder,
            self._room,
            house.silent,
            settings.recording_pending_bytes_max,
            settings.state_log_bytes_max,
            house.submit,
        )
