"""The watch's second: what was told, what is wanted, what is written down, what is shown.

Puts the others together and decides nothing itself. A second that fails costs that second only.
"""

from collections import deque
from dataclasses import dataclass, field

import msgspec

from stentor.base.clock import Clock
from stentor.base.logs import log
from stentor.base.metrics import WATCH_SECONDS_FAILED
from stentor.evidence.records import Note, RoomPlan, Second
from stentor.shield.facts import EdgeSecond
from stentor.watch.deciding import Deciding
from stentor.watch.event import EventKeys
from stentor.watch.guarding import Guarding
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
    guarding: Guarding
    history: History = field(default_factory=History)
    notes: deque[tuple[int, Note]] = field(default_factory=lambda: deque(maxlen=NOTES_SHOWN_MAX))
    missing: tuple[str, ...] = ()
    edges: dict[str, EdgeSecond] = field(default_factory=dict)  # the newest of each that tells
    plans: dict[str, RoomPlan] = field(default_factory=dict)
    _last_ms: int = 0

    def look(self, now_s: float, offset_ns: int) -> None:
        """Compose what has come since the last look; never raises. `now_s` is monotonic."""
        try:
            now_ms = self.clock.now_ns() // 1_000_000
            self.outside.look_at_settings()
            self.missing = self.heard.missing(now_s)
            *earlier, newest = self.heard.rounds()
            for edges in earlier:  # the watch was held up: each second is told as one
                at_ms = max((one.at_ms for one in edges), default=now_ms)
                self._second(Second(min(max(at_ms, self._last_ms + 1), now_ms), edges))
            rooms = self.outside.rooms(now_ms)
            plans = {**self.plans, **rooms}
            self.plans = {room: plans[room] for room in plans if room in self.outside.near}
            notes = (*self.outside.notes(offset_ns), *self.deciding.take_notes())
            guard = self.guarding.look()
            self._second(
                Second(
                    now_ms,
                    newest,
                    self.missing,
                    rooms=rooms,
                    guard=guard,
                    notes=notes,
                    stages=self.heard.stages(),
                )
            )
            if self.keys.look(self.outside.known.values(), now_ms):
                self.notes.append((now_ms, Note("event-key-replaced", self.keys.key.id)))
        except Exception:
            WATCH_SECONDS_FAILED.inc()
            log().exception("second_failed")

    def _second(self, second: Second) -> None:
        policy = self.deciding.decide(second.edges, second.at_ms)
        second = msgspec.structs.replace(second, policy=policy)
        self.ledger.append(second)
        self._last_ms = second.at_ms
        told = {one.edge: one for one in second.edges}
        known = {name: one for name, one in self.edges.items() if self.heard.knows(name)}
        self.edges = {**known, **told}
        self.notes.extend((second.at_ms, note) for note in second.notes)
        present = [one for name, one in self.edges.items() if name not in self.missing]
        self.history.add(point_of(second, present, self.deciding.merged, self.deciding.policy))
