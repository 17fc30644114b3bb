"""What deliveries take of each edge and of each machine's network, and how late they are.

Deliveries come first; what they leave is for those who come. An edge that cannot keep up is late by
what it owes, and never owes a listener more than one delivery, as all parts due go out at once.
A network that cannot keep up is late by what it has not sent. Decides nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.base.settings import Settings
from stentor.media.grid import PART_S
from stentor.simulate.fleet.edges import PERIODS_S, Edges

Floats = NDArray[np.float64]

JUMP_S = Settings().edge_lag_s  # who is further behind is moved to the live edge
_TURN_S = 0.02  # edge.budget: so much is saved up at least
_DEPTH_S = 0.25  # edge.budget: of the joiners' share, saved up
# While deliveries take all there is: 20 ms for joiners (edge.budget), then 50 ms for deliveries
# (edge.edge), in turn.
_LEAST_SHARE = 20 / 70


@dataclass(slots=True)
class Turn:
    """What an edge has for those who come, in one tick. CPU seconds, and cores."""

    speed: Floats  # while there is budget
    budget_s: Floats
    saved_s: Floats  # of that, what was there before the tick


def saved_s(share: float) -> float:
    """Return how much of such a share of a core's time is saved up while nobody comes."""
    return max(_TURN_S, _DEPTH_S * share)


class Delivering:
    """Remembers what edges and networks owe."""

    def __init__(self, edges: Edges) -> None:
        n = len(edges)
        self._edges = edges
        self.use = np.zeros(n)  # cores, for deliveries
        self.cost_s = np.zeros(n)  # of one delivery, as a mean
        self.per_s = np.zeros(n)
        self.cores = np.full(n, edges.share)
        # A second on the wire by edge, of all who are there, as soon as they hear audio.
        self.bits = np.zeros(n)
        self._live = False
        self.budget_s = np.full(n, saved_s(edges.join_share * edges.share))
        self._owed_s = np.zeros(n)
        self._unsent = np.zeros(edges.machines)
        self.late_s = np.zeros(n)
        self.missed = np.zeros(n)  # share of the programme that a network beyond its limit drops
        self.network = np.zeros(edges.machines)  # bits on the wire, against the limit

    def begin(self, past_s: float, *, live: bool) -> Turn:
        """Return what is left for those who come in the next `past_s` seconds."""
        edges = self._edges
        listeners = edges.present + edges.guests
        lower = edges.present_lower
        self.bits = ((listeners - lower) * edges.bits + lower * edges.lower_bits).sum(axis=1)
        self._live = live
        if live:
            per_s = listeners / PERIODS_S
            self.per_s = per_s.sum(axis=1)
            work = (per_s * edges.delivery_s).sum(axis=1) * edges.slow
            self.use = work
            with np.errstate(divide="ignore", invalid="ignore"):
                self.cost_s = np.where(self.per_s > 0, work / self.per_s, 0.0)
        share = edges.share
        if share < 1.0:  # an edge may have what the machine's others leave
            used = (self.use + edges.edge_s).reshape(-1, edges.per_machine)
            spare = np.maximum(0.0, edges.machine_cores - used.sum(axis=1)) / edges.per_machine
            mine = self.use + edges.edge_s + np.repeat(spare, edges.per_machine)
            self.cores = np.clip(mine, share, 1.0)
        depth_s = saved_s(edges.join_share * share)
        earned_s = edges.join_share * share * past_s
        np.minimum(depth_s + earned_s, self.budget_s + earned_s, out=self.budget_s)
        least = _LEAST_SHARE * self.cores
        speed = np.maximum(least, self.cores - self.use - edges.edge_s * edges.slow)
        budget_s = np.maximum(0.0, np.minimum(self.budget_s, speed * past_s))
        return Turn(speed, budget_s, np.maximum(0.0, budget_s - earned_s))

    def end(self, past_s: float, spent_s: Floats, welcomes_bits: Floats) -> None:
        """Note what those who came have cost, and see what is late."""
        edges = self._edges
        self.budget_s -= spent_s
        had_s = np.maximum(0.0, (self.cores - edges.edge_s * edges.slow) * past_s - spent_s)
        most_s = ((edges.present + edges.guests) * edges.delivery_s).sum(axis=1) * edges.slow
        owed_s = np.clip(self._owed_s + self.use * past_s - had_s, 0.0, most_s)
        self._owed_s = np.where(edges.alive, owed_s, 0.0)
        # All that is due with a part goes out one after the other, what is owed first.
        behind_s = np.minimum(self._owed_s + self.use * PART_S, most_s)
        by_cpu = behind_s / np.maximum(1e-3, self.cores)
        bits = self.bits * past_s * self._live
        sent = (bits + welcomes_bits).reshape(-1, edges.per_machine).sum(axis=1)
        limit = edges.machine_bits * past_s
        self.network = sent / limit
        unsent = self._unsent + sent - limit
        most = JUMP_S * edges.machine_bits
        over = unsent > most
        missed = np.where(over, np.maximum(0.0, 1.0 - 1.0 / np.maximum(1e-9, self.network)), 0.0)
        self._unsent = np.clip(unsent, 0.0, most)
        by_network = np.repeat(self._unsent / edges.machine_bits, edges.per_machine)
        self.missed = np.repeat(missed, edges.per_machine)
        self.late_s = by_cpu + by_network
