"""A crowd at a house with so many places, under virtual time: real doors and real ladders.

Each edge measures itself as a real one does, once a second, and does what its ladder decides.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from stentor.admission.ladder import Decision, Ladder, LoadFacts
from support.crowd import Crowd, Visitor


class House(Crowd):
    """Edges that hold `places` listeners each; `stays_s` is how long somebody listens."""

    def __init__(
        self,
        folder: Path,
        *,
        places: int,
        edges: int = 2,
        stays_s: float = 1e9,
        join_share: float = 0.05,
        seed: int = 1,
        **settings: Any,
    ) -> None:
        super().__init__(folder, edges=edges, seed=seed, **settings)
        self.places = places
        self.stays_s = stays_s
        self.join_share = join_share
        self.join_cost_s = 40e-6
        self.delivery_cost_s = 12e-6
        self.ladders = {n: Ladder(fastest_parts=3) for n in self.doors}
        self.decisions = {n: [Decision(fastest_parts=3)] for n in self.doors}
        self._asked = Counter[int]()
        self._asked_per_s = Counter[int]()
        self._left = Counter[int]()
        self.most = Counter[int]()
        self._seen = 0
        self.at(0.5, self._second)

    def _second(self) -> None:
        for n, door in self.doors.items():
            asked, self._asked[n] = door.asked - self._asked[n], door.asked
            rate = self._asked_per_s[n] + (asked - self._asked_per_s[n]) * 0.5
            self._asked_per_s[n] = rate  # type: ignore[assignment]
            left, self._left[n] = self._left[n], 0
            facts = LoadFacts(
                listeners={3: self.listeners[n]},
                delivery_cost_s=self.delivery_cost_s,
                join_cost_s=self.join_cost_s * self.chance.uniform(0.8, 1.3),
                join_share=self.join_share,
                asked_per_s=rate,
                left_per_s=left,
                descriptors=self.listeners[n] / self.places * 0.97,
                descriptors_max=round(self.places / 0.97),
                waiting=door.sheet.waiting,
            )
            decision = self.ladders[n].decide(facts, self.now_s)
            self.decisions[n].append(decision)
            door.per_s, door.wants_line = decision.per_s, decision.line
            door.room, door.pauses = decision.room, decision.pauses
            door.leaving_per_s = decision.leaving_per_s
        self.at(self.now_s + 1.0, self._second)

    def _try(self, visitor: Visitor) -> None:
        before = Counter(self.listeners)
        super()._try(visitor)
        for n in self.listeners - before:
            self.most[n] = max(self.most[n], self.listeners[n])
            leaves_s = self.now_s + self.chance.expovariate(1 / self.stays_s)
            self.at(leaves_s, lambda n=n: self._leave(n))  # type: ignore[misc]

    def _leave(self, n: int) -> None:
        self.listeners[n] -= 1
        self._left[n] += 1

    @property
    def let_in_per_s(self) -> float:
        """How many the doors may let in a second now, all together."""
        return sum(found[-1].per_s for found in self.decisions.values())
