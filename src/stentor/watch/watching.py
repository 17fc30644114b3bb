"""The watch's second: what was told, what is wanted, what is written down, what is shown.

Puts the others together and decides nothing itself. A second that fails costs that second only.
"""

from collections import deque
from dataclasses import dataclass, field

from stentor.base.clock import Clock
from stentor.base.logs import log
from stentor.base.metrics import WATCH_SECONDS_FAILED
from stentor.evidence.records import Note, RoomPlan, Second
from stentor.shield.facts import EdgeSecond
from stentor.watch.deciding import Deciding
from stentor.watch.event import EventKeys
from stentor.watch.hearing import Heard
from stentor.watch.ledger import Ledger
from stentor.watch.outside import Outside
from stentor.watch.shown import History, point_of

NOTES_SHOWN_MAX = 200


@dataclass(slots=True)
class Watching:
    """Everything that the watch keeps. `look` is called once a second."""

    clock: Clock
    heard: Heard
    deciding: Deciding
    outside: Outside
    keys: EventKeys
    ledger: Ledger
    history: History = field(default_factory=History)
    notes: deque[tuple[int, Note]] = field(default_factory=lambda: deque(maxlen=NOTES_SHOWN_MAX))
    missing: tuple[str, ...] = ()
    edges: tuple[EdgeSecond, ...] = ()
    plans: dict[str, RoomPlan] = field(default_factory=dict)
    _last_ms: int = 0

    def look(self, now_s: float, offset_ns: int) -> None:
        """Compose what has come since the last look; never raises. `now_s` is monotonic."""
        try:
            now_ms = self.clock.now_ns() // 1_000_000
            self.missing = self.heard.missing(now_s)
            *earlier, newest = self.heard.rounds()
            for edges in earlier:  # the watch was held up: each second is told as one
                at_ms = max((one.at_ms for one in edges), default=now_ms)
                self._second(edges, min(max(at_ms, self._last_ms + 1), now_ms), (), {})
            rooms = self.outside.rooms(now_ms)
            self.plans.update(rooms)
            notes = (*self.outside.notes(offset_ns), *self.deciding.take_notes())
            self._second(newest, now_ms, notes, rooms)
            if self.keys.look(self.outside.known.values(), now_ms):
                self.notes.append((now_ms, Note("event-key-replaced", self.keys.key.id)))
        except Exception:
            WATCH_SECONDS_FAILED.inc()
            log().exception("second_failed")

    def _second(
        self,
        edges: tuple[EdgeSecond, ...],
        at_ms: int,
        notes: tuple[Note, ...],
        rooms: dict[str, RoomPlan],
    ) -> None:
        policy = self.deciding.decide(edges, at_ms)
        second = Second(
            at_ms=at_ms,
            edges=edges,
            missing=self.missing,
            policy=policy,
            rooms=rooms,
            notes=notes,
        )
        self.ledger.append(second)
        self._last_ms = at_ms
        if edges:
            self.edges = edges
        self.notes.extend((at_ms, note) for note in notes)
        self.history.add(point_of(second, self.deciding.merged, self.deciding.policy))
