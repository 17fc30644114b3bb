"""The ladder of each edge, once a second: facts from the modelled costs, decisions by production.

`Ladder.decide` and `Moves.step` are called for each edge that is alive; what they say is written
into the edges' columns. Smooths as `edge.load.LoadMeter` does. Decides nothing itself.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.ladder import Ladder, LoadFacts
from stentor.admission.lanes import LANE_PARTS, lane_for_period
from stentor.simulate.fleet.delivering import Delivering
from stentor.simulate.fleet.edges import Edges
from stentor.simulate.fleet.scenario import Programme

Floats = NDArray[np.float64]

_SMOOTH, _ASKED_SMOOTH = 0.3, 0.5  # edge.load
_DELIVERIES_MIN, _JOINS_MIN = 50, 20
_COSTS_S = (12e-6, 50e-6)  # edge.load: of a delivery and a join, until they are known
_LANE_AT = {parts: at for at, parts in enumerate(LANE_PARTS)}


class Ladders:
    """All ladders, and what their edges remember of the last seconds."""

    def __init__(self, edges: Edges, programme: Programme) -> None:
        n = len(edges)
        self._edges = edges
        fastest = lane_for_period(programme.lane_ms_min)
        slowest = lane_for_period(programme.lane_ms_max)
        self._ladders = [Ladder(fastest, edges.per_s_max, slowest) for _ in range(n)]
        self._delivery_cost_s = np.full(n, _COSTS_S[0])
        self._join_cost_s = np.full(n, _COSTS_S[1])
        self._asked = np.zeros(n)
        self._left = np.zeros(n)
        self._late_s = np.zeros(n)
        self.told: list[LoadFacts] = [LoadFacts()] * n  # what each decided on last
        # Of the second that goes on: what came, and how long the worst had waited.
        self.asked = np.zeros(n)
        self.seen = np.zeros(n)
        self.spent_s = np.zeros(n)
        self.wait_s = np.zeros(n)
        self.welcomes_bits = np.zeros(n)  # that joiners were given at once

    def second(
        self,
        now_s: float,
        delivering: Delivering,
        *,
        live: bool,
        open_: NDArray[np.int64],
        waiting: NDArray[np.int64],
    ) -> None:
        """Look, decide, and begin another second. `open_` are connections by edge."""
        edges, join_share = self._edges, self._edges.join_share * self._edges.share
        self._smooth(delivering, live=live)
        memory = (edges.edge_bytes + open_ * edges.costs.memory_bytes) / edges.memory_bytes
        # What is sent and what is due (edge.load): those there, and what joiners got at once.
        bits = (delivering.bits + self.welcomes_bits) / (edges.machine_bits / edges.per_machine)
        columns = zip(
            edges.alive.tolist(),
            (edges.present + edges.guests).tolist(),
            self._delivery_cost_s.tolist(),
            self._join_cost_s.tolist(),
            self._late_s.tolist(),
            (self.spent_s / join_share).tolist(),
            self.wait_s.tolist(),
            self._asked.tolist(),
            self._left.tolist(),
            (open_ / edges.descriptors).tolist(),
            memory.tolist(),
            bits.tolist(),
            np.repeat(waiting, edges.per_machine).tolist(),
            strict=True,
        )
        for edge, one in enumerate(columns):
            if not one[0]:
                continue
            facts = LoadFacts(
                cores=edges.share,
                listeners=dict(zip(LANE_PARTS, one[1], strict=True)),
                delivery_cost_s=one[2],
                join_cost_s=one[3],
                late_s=one[4],
                joining=one[5],
                join_wait_s=one[6],
                join_share=join_share,
                asked_per_s=one[7],
                left_per_s=one[8],
                descriptors=one[9],
                descriptors_max=edges.descriptors,
                memory=one[10],
                bits=one[11],
                waiting=one[12],
            )
            self.told[edge] = facts
            decision = self._ladders[edge].decide(facts, now_s)
            edges.lane[edge] = _LANE_AT[decision.fastest_parts]
            edges.lower[edge] = decision.lower_rendition
            edges.present_parts[edge] = decision.present_parts
            edges.wants_line[edge] = decision.line
            edges.pauses[edge] = decision.pauses
            edges.per_s[edge] = decision.per_s
            edges.room[edge] = decision.room
            edges.leaving_per_s[edge] = decision.leaving_per_s
            edges.step[edge] = decision.step
        for column in (self.asked, self.seen, self.spent_s, self.wait_s, self.welcomes_bits):
            column[:] = 0
        edges.others_asked[:] = 0
        edges.left[:] = 0

    def _smooth(self, delivering: Delivering, *, live: bool) -> None:
        """Let a second's figures move the means that ladders look at, as an edge's meter does."""
        edges = self._edges
        if live:
            enough = delivering.per_s >= _DELIVERIES_MIN
            off = (delivering.cost_s - self._delivery_cost_s) * _SMOOTH
            self._delivery_cost_s += np.where(enough, off, 0.0)
        enough = self.seen >= _JOINS_MIN
        cost_s = self.spent_s / np.maximum(1.0, self.seen)
        self._join_cost_s += np.where(enough, (cost_s - self._join_cost_s) * _SMOOTH, 0.0)
        self._asked += (self.asked + edges.others_asked - self._asked) * _ASKED_SMOOTH
        self._left += (edges.left - self._left) * _SMOOTH
        self._late_s += (delivering.late_s - self._late_s) * _ASKED_SMOOTH
