"""One record a second: all that a stranger needs to come to the same verdict. Pure.

What the edges told, merged; what the shield decided; what an operator did; what was our own doing.
A record is one line of canonical JSON; `chain` binds lines together.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from stentor.shield.facts import EdgeSecond, StageSecond
from stentor.shield.policy import Policy


class Note(msgspec.Struct, frozen=True):
    """Something that was done to the system, by whom it was: an operator, a deploy, a failure."""

    what: str  # e.g. "undo-ban", "deploy", "part-restarted", "clock-jumped", "settings"
    about: str = ""


_LET_GO = "ledger-file-removed"
_ENDED = re.compile(r", which ended with ([0-9a-f]{64})\Z")


def let_go(name: str, last: str) -> Note:
    """Return the note that the oldest file was removed for room; `last` is its last hash."""
    return Note(_LET_GO, f"{name}, which ended with {last}" if last else name)


def let_go_after(notes: Iterable[Note]) -> Iterator[str]:
    """Yield the last hash of each file that these notes say was removed for room."""
    for note in notes:
        if note.what == _LET_GO and (found := _ENDED.search(note.about)) is not None:
            yield found[1]


class RoomPlan(msgspec.Struct, frozen=True):
    """What was planned of a room, and how its recording stands."""

    title: str = ""
    epoch_ms: int = 0
    end_ms: int | None = None
    parts_recorded: int = -1  # in the rendition that has fewest
    expected: int = 0  # listeners at once, as the host thought; 0: not said


class Second(msgspec.Struct, frozen=True):
    """One second of the whole deployment, as the watch saw it."""

    at_ms: int
    edges: tuple[EdgeSecond, ...] = ()
    missing: tuple[str, ...] = ()  # edges that told in the last minute, and did not now
    policy: Policy | None = None  # only when its number is new
    rooms: dict[str, RoomPlan] = {}  # only when they are new, and once a minute
    guard: dict[str, int] = {}  # growth of the kernel's counters, as the guard tells
    notes: tuple[Note, ...] = ()
    stages: tuple[StageSecond, ...] = ()


class Opening(msgspec.Struct, frozen=True):
    """The first record of a file: who wrote it, with which code, and what came before."""

    format: int
    version: str  # of Stentor
    settings: dict[str, str]  # those that are not the default, without secrets
    event_key_id: str
    public_key: str  # Ed25519, hexadecimal
    previous: str  # the last hash of the file before, or 64 zeros
    at_ms: int


class Closing(msgspec.Struct, frozen=True):
    """The last record of a file that was closed in peace."""

    at_ms: int
    why: str  # rotated, stopped
