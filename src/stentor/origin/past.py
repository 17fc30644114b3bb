"""What an earlier process made of a room, as its files tell. Reads only.

A room that was said to be over is not, if a power cut took the end of its recordings: then it goes
on the air once more, just to fill them up.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stentor.base.paths import DataFolder
from stentor.media.grid import PART_SAMPLES
from stentor.rooms.orders import Phase
from stentor.rooms.state import OnAir, RoomState, decode_room_state

_LAST_STATE_BYTES = 16 * 1024
_ALL_STATES_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a room from before."""

    revision: int  # of the last state that was told, 0 if none was
    epoch_ms: int | None  # when it went on the air, if it did
    end_samples: int | None  # the length of its programme, if it is over and whole
    word_heard: bool
    was_recorded: bool


def find_past(folder: DataFolder, room: str, renditions: tuple[str, ...]) -> Past:
    """Return what the room's files say."""
    path = folder.state_log(room)
    states = load_states(path, _LAST_STATE_BYTES)
    if states and states[-1].phase is not Phase.ENDED:
        states = load_states(path, _ALL_STATES_BYTES)
    epochs = [state.epoch_ms for state in states if state.phase is not Phase.SCHEDULED]
    end_samples = None
    if states and states[-1].phase is Phase.ENDED:
        said = states[-1].end_samples or 0
        if _recorded_parts(folder, room, renditions) >= said // PART_SAMPLES:
            end_samples = said
    return Past(
        states[-1].revision if states else 0,
        epochs[-1] if epochs else None,
        end_samples,
        any(state.on_air is OnAir.VOICES for state in states),
        any(folder.recording(room, name).exists() for name in renditions),
    )


def _recorded_parts(folder: DataFolder, room: str, renditions: tuple[str, ...]) -> int:
    parts = []
    for name in renditions:
        try:
            parts.append(folder.recording_index(room, name).stat().st_size // 8)
        except OSError:
            return 0
    return min(parts)


def load_states(path: Path, bytes_max: int) -> list[RoomState]:
    """Return the newest states of a state log, oldest first; lines that are torn are left out."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - bytes_max))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    states: list[RoomState] = []
    for line in lines:
        try:
            states.append(decode_room_state(line))
        except msgspec.MsgspecError:
            continue
    return states
