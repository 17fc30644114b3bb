"""From the bytes of a ledger to the seconds of one room: what is read, and what is left out.

Reads records that the ledger's key signed and no others; whether the files hold is `verify`'s. The
files are gone through twice, so that of a long ledger only one room's evening is in memory.
"""

from collections.abc import Iterable, Iterator, Sequence
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


class Signed:
    """What is to be known of all signed seconds before any is kept: which they are, which rooms.

    `note` is for `verify`. The last plan counts: an hour that was put off is judged by what was
    promised last.
    """

    def __init__(self) -> None:
        self._digests: set[bytes] = set()
        self._rooms: dict[str, tuple[tuple[int, bytes], RoomPlan]] = {}  # with when it was told
        self._last_ms = 0

    def note(self, digest: bytes, second: Second) -> None:
        """Take in a second that the ledger's key signed."""
        self._digests.add(digest)
        self._last_ms = max(self._last_ms, second.at_ms)
        told = second.at_ms, digest
        for room, plan in second.rooms.items():
            if room not in self._rooms or self._rooms[room][0] < told:
                self._rooms[room] = told, plan

    @property
    def rooms(self) -> list[str]:
        """The rooms that are told of."""
        return sorted(self._rooms)

    def evening(self, files: Iterable[bytes], room: str) -> Evening | None:
        """Return a room's evening: from an hour before it until it ended; None if none is told of.

        `files` are those that the seconds came from.
        """
        if room not in self._rooms:
            return None
        plan = self._rooms[room][1]
        from_ms, until_ms = 0, self._last_ms
        if plan.epoch_ms:
            from_ms = plan.epoch_ms - BEFORE_MS
            until_ms = plan.end_ms + AFTER_MS if plan.end_ms else until_ms
        found: dict[int, tuple[bytes, Second]] = {}  # by time: of two the smaller hash, anywhere
        for digest, second in self._read(files):
            if from_ms <= second.at_ms <= until_ms:
                known = found.get(second.at_ms)
                if known is None or digest < known[0]:
                    found[second.at_ms] = digest, second
        return Evening(room, plan, [found[at_ms][1] for at_ms in sorted(found)])

    def _read(self, files: Iterable[bytes]) -> Iterator[tuple[bytes, Second]]:
        for data in files:
            for line in data.split(b"\n"):
                parts = take_apart(line)
                if parts is None or (digest := leaf_hash(parts.body)) not in self._digests:
                    continue
                body = read_body(parts.body)
                if body is not None and body.second is not None:
                    yield digest, body.second
