"""Attackers before a whole fleet: how many connect to each edge, what that takes, what they hold.

Bots are alike within an attack, so they are counted, not kept: in each tick an edge gets some lumps
of them. What share of them is dropped, closed or put off is what became of those who came to one
machine, where each of their acts goes through the production shield (`watched`): machines are
balanced, and each has a watch of its own. Decides nothing.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.base.settings import Settings
from stentor.simulate.attackers import Act, Family
from stentor.simulate.costs import COST
from stentor.simulate.fleet.calibration import Costs
from stentor.simulate.fleet.homes import NETWORKS, Homes
from stentor.simulate.fleet.lines import Line
from stentor.simulate.fleet.scenario import Attack
from stentor.simulate.fleet.watched import STAYS_S, Fate, Watched
from stentor.simulate.world import Chance, Population

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

ACTS_MAX = 30_000  # of one attack at one machine in a second, one by one; the rest are like them
CLOSED_S = 37e-6  # an accept and a close (docs/benchmarks/drops.md)
_DEFAULTS = Settings()
_CLUSTERS = 2_000
_PATIENCE_S = 60.0  # of mimics, in line
_MIX = 2_654_435_761  # Knuth's multiplicative hash: an address's number from its index
ACTS: dict[str, Act] = {
    Family.FLOOD_FEW.value: Act.JOIN,
    Family.FLOOD_MANY.value: Act.JOIN,
    Family.ONE_EACH.value: Act.JOIN,
    Family.SLOW_HEADERS.value: Act.SILENT,
    Family.SLOW_READS.value: Act.SLOW,
    Family.IDLE.value: Act.REST,
    Family.CACHE_BUSTING.value: Act.PROBE,
    Family.RELOADS.value: Act.RELOAD,
    Family.FORGERY.value: Act.FORGE,
    Family.MALFORMED.value: Act.GARBAGE,
    Family.MIMIC.value: Act.HOLD,
}
_ONCE = (Family.ONE_EACH.value, Family.MIMIC.value)  # each from an address of its own
# How long a connection is held that asks for no audio.
_HOLDS_S = {
    Act.SILENT: _DEFAULTS.edge_handshake_s,
    Act.REST: _DEFAULTS.edge_idle_s,
    Act.RELOAD: 2.0,
}


def per_s(attack: Attack, at_s: float) -> float:
    """Return how many connect a second at a moment; a wave is followed by a pause as long."""
    past_s = at_s - attack.from_s
    if not 0 <= past_s < attack.for_s:
        return 0.0
    if attack.waves > 1:
        span_s = attack.for_s / attack.waves
        if past_s % span_s >= span_s / 2:
            return 0.0
    return attack.per_s


def rates(attack: Attack, seconds: int) -> Floats:
    """Return `per_s` at the beginning of each second."""
    past_s = np.arange(seconds, dtype=np.float64) - attack.from_s
    on = (past_s >= 0) & (past_s < attack.for_s)
    if attack.waves > 1:
        span_s = attack.for_s / attack.waves
        on &= past_s % span_s < span_s / 2
    found: Floats = np.where(on, attack.per_s, 0.0)
    return found


def costs_s(costs: Costs, act: Act) -> float:
    """Return the CPU seconds of one who is served like anybody (who asks for audio: to be told)."""
    if act is Act.SILENT:
        return CLOSED_S
    if act is Act.GARBAGE:  # no handshake comes of it
        return CLOSED_S + COST["wrong"] * COST["accept"] * costs.join_s
    if act is Act.REST:
        return costs.page_s
    return costs.place_s


@dataclass(slots=True)
class Lumps:
    """Bots who come at once: an edge, how many, and what they are for, each a column."""

    edges: Counts
    n: Counts
    asking: Counts  # of them, how many want audio and will be told by the door
    work_s: Floats

    def __len__(self) -> int:
        return len(self.edges)

    def shrunk(self, share: Floats) -> "Lumps":
        """Return these shares of them, rounded down; who is nobody is left out."""
        n = np.floor(self.n * share).astype(np.int64)
        some = n > 0
        asking = np.floor(self.asking * share).astype(np.int64)
        return Lumps(self.edges[some], n[some], asking[some], (self.work_s * share)[some])


class Swarm:
    """The bots of one attack."""

    def __init__(self, attack: Attack, chance: Chance, carriers: list[bytes]) -> None:
        """`carriers` are addresses that people share, from which some may come too."""
        self.attack = attack
        self.act = ACTS[attack.family]
        self._chance = chance
        self._carriers = carriers
        clusters = max(1, min(_CLUSTERS, attack.addresses))
        self._homes = Homes(chance, Population(clusters, 0.3, 0.2, 0, 0.0))
        self._come = 0
        self.fates: Floats = np.eye(len(Fate))[Fate.SERVED]

    def peers(self, n: int) -> list[bytes]:
        """Return the addresses of the next `n` who come to the machine that is watched."""
        if self.attack.family in _ONCE:
            index = np.arange(self._come, self._come + n, dtype=np.uint64)
            self._come += n
        else:
            index = self._chance.integers(0, self.attack.addresses, n, np.uint64)
        numbers = (index * _MIX % NETWORKS).astype(np.uint32)
        found = self._homes.addresses(numbers)
        if self.attack.behind and self._carriers:
            behind = np.flatnonzero(self._chance.random(n) < self.attack.behind)
            which = self._chance.integers(0, len(self._carriers), len(behind))
            for at, one in zip(behind.tolist(), which.tolist(), strict=True):
                found[at] = self._carriers[one]
        return found

    def look(self, watched: Watched, expected: Floats, now_s: float) -> None:
        """Let those of the next second come to a machine, so many are expected at each edge."""
        edges = self._chance.poisson(expected)
        n = int(edges.sum())
        if not n:
            return
        if n > ACTS_MAX:
            edges = edges * ACTS_MAX // n
            n = max(1, int(edges.sum()))
        at = np.repeat(np.arange(len(edges)), edges)
        self._chance.shuffle(at)
        moments = now_s + np.arange(len(at)) / max(1, len(at))
        counts = np.zeros(len(Fate))
        act, does = self.act, watched.act
        for edge, peer, at_s in zip(
            at.tolist(), self.peers(len(at)), moments.tolist(), strict=True
        ):
            counts[does(edge, act, peer, at_s)] += 1
        self.fates = counts / max(1.0, counts.sum())

    def lumps(self, expected: Floats, costs: Costs, slow: Floats) -> Lumps:
        """Return who comes to each edge, of so many that are expected there."""
        n = self._chance.poisson(expected)
        edges = np.flatnonzero(n)
        n = n[edges]
        fates = self.fates
        served = self._chance.binomial(n, min(1.0, fates[Fate.SERVED]))
        rest = n - served
        turned = max(1e-12, 1.0 - fates[Fate.SERVED])
        closed = (fates[Fate.CLOSED] + fates[Fate.HASTY]) / turned
        work_s = served * costs_s(costs, self.act)
        work_s = work_s + rest * (closed * CLOSED_S + fates[Fate.PUT_OFF] / turned * costs.place_s)
        asking = served if self.act in STAYS_S else np.zeros_like(served)
        return Lumps(edges, n, asking, work_s * slow[edges])

    def pushed(self, edges: int) -> "Pushed":
        """Return how far back this swarm's places are put by coming often."""
        many = NETWORKS if self.attack.family in _ONCE else self.attack.addresses
        return Pushed(many, edges)


class Pushed:
    """How far behind the present an edge puts the next place of each of a swarm's addresses.

    As `admission.networks.Places` does it for one address, for all of them together: they are
    alike, so each has had its share of what all have had.
    """

    def __init__(self, addresses: int, edges: int) -> None:
        self._addresses = addresses
        self._ahead_s = np.zeros(edges)
        self._cost_s = self._burst_s = 0.0

    def set_rate(self, per_s: float, burst: float) -> None:
        """Set what an edge gives to one address; a rate of 0 pushes nobody back."""
        self._cost_s = 1.0 / per_s if per_s else 0.0
        self._burst_s = max(1.0, burst) * self._cost_s

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        np.maximum(0.0, self._ahead_s - seconds, out=self._ahead_s)

    def places(self, edges: Counts, n: Counts) -> tuple[Floats, NDArray[np.bool_]]:
        """Return by how many seconds these are put back, and who is given no place any more."""
        back_s = np.maximum(0.0, self._ahead_s[edges] + self._cost_s - self._burst_s)
        given = back_s <= _DEFAULTS.door_push_s_max
        np.add.at(self._ahead_s, edges[given], n[given] * self._cost_s / self._addresses)
        return back_s, given


class Holding:
    """Connections that bots hold: of those who listen by edge and lane, of the others by edge."""

    def __init__(self, edges: int, lanes: int) -> None:
        self.idle = np.zeros(edges, np.int64)
        self.listeners = np.zeros((edges, lanes), np.int64)
        # By how long they are held, so that each queue is in order.
        self._queues: dict[float, deque[tuple[float, Counts, Counts, Counts | None]]] = {}

    def __bool__(self) -> bool:
        """Say whether any is held."""
        return any(self._queues.values())

    def hold(
        self, edges: Counts, n: Counts, until_s: float, for_s: float, lanes: Counts | None = None
    ) -> None:
        """Let so many have a connection until then; in `lanes` if they listen."""
        if not n.any():
            return
        self._add(edges, n, lanes)
        self._queues.setdefault(for_s, deque()).append((until_s, edges, n, lanes))

    def pass_to(self, now_s: float) -> None:
        """Let go of those whose time is over."""
        for queue in self._queues.values():
            while queue and queue[0][0] <= now_s:
                _, edges, n, lanes = queue.popleft()
                self._add(edges, -n, lanes)

    def _add(self, edges: Counts, n: Counts, lanes: Counts | None) -> None:
        if lanes is None:
            np.add.at(self.idle, edges, n)
        else:
            np.add.at(self.listeners, (edges, lanes), n)


class Queued:
    """Mimics in the lines of machines, who wait for their turn as long as they care to."""

    def __init__(self, machines: int) -> None:
        self._lines: list[deque[tuple[int, int, int, float]]] = [deque() for _ in range(machines)]
        self._n = 0

    def __bool__(self) -> bool:
        """Say whether any waits."""
        return bool(self._n)

    def put(self, number: int, machine: int, place_ms: int, n: int, now_s: float) -> None:
        """Let some of an attack wait with a place."""
        self._lines[machine].append((place_ms, number, n, now_s + _PATIENCE_S))
        self._n += 1

    def due(self, lines: list[Line], now_s: float) -> list[tuple[int, int, int]]:
        """Return whose turn it is: attack, machine and how many; forget who has gone."""
        found = []
        for machine, waiting in enumerate(self._lines if self._n else ()):
            sheet = lines[machine].sheet
            while waiting:
                place_ms, number, n, until_s = waiting[0]
                is_turn = not sheet.line or place_ms <= sheet.serving_ms
                if not is_turn and until_s > now_s:
                    break
                waiting.popleft()
                self._n -= 1
                if until_s > now_s:
                    found.append((number, machine, n))
        return found


def holds_s(act: Act) -> float:
    """Return how long a connection is held that asks for no audio; 0: it ends with its answer."""
    return _HOLDS_S.get(act, 0.0)
