"""From the bytes of a ledger to the seconds of one room: what is read, and what is left out.

Reads records that are as they were written and no others; whether the files hold is `verify`'s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stentor.evidence.chain import leaf_hash, read_body, take_apart
from stentor.evidence.records import RoomPlan, Second

BEFORE_MS = 3_600_000  # of the hour: the crowd that comes early belongs to the evening
AFTER_MS = 300_000


@dataclass(frozen=True, slots=True)
class Evening:
    """A room's seconds, in their order."""

    room: str
    plan: RoomPlan
    seconds: Sequence[Second]


def read_seconds(files: Iterable[bytes]) -> list[Second]:
    """Return every second in these files that has the hash it says, by time, each once."""
    found: dict[int, Second] = {}
    for data in files:
        for line in data.split(b"\n"):
            parts = take_apart(line)
            if parts is None or leaf_hash(parts.body).hex() != parts.hash:
                continue
            body = read_body(parts.body)
            if body is not None and body.second is not None:
                found.setdefault(body.second.at_ms, body.second)
    return [found[at_ms] for at_ms in sorted(found)]


def rooms_in(seconds: Iterable[Second]) -> dict[str, RoomPlan]:
    """Return the rooms that these seconds tell of, with what was planned last."""
    rooms: dict[str, RoomPlan] = {}
    for second in seconds:
        rooms.update(second.rooms)
    return rooms


def evening_of(seconds: Sequence[Second], room: str) -> Evening | None:
    """Return a room's evening: from an hour before it until it ended; None if nothing tells of it.

    The last plan counts: an hour that was put off is judged by what was promised last.
    """
    plan = rooms_in(seconds).get(room)
    if plan is None:
        return None
    if not plan.epoch_ms:
        return Evening(room, plan, seconds)
    until_ms = plan.end_ms + AFTER_MS if plan.end_ms else seconds[-1].at_ms
    from_ms = plan.epoch_ms - BEFORE_MS
    return Evening(room, plan, [one for one in seconds if from_ms <= one.at_ms <= until_ms])
