"""Attackers among a fleet's people: in the same queues, at the same doors, on the same descriptors.

They are counted by lumps (`bots`) and kept out as the shield of one machine says, which sees all
that is done there (`lookout`). What they are told is the door's, what they hold the edge's, and
both end as a person's would. Decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.ladder import LoadFacts
from stentor.shield.bans import PEOPLE_MS
from stentor.simulate.attackers import Act
from stentor.simulate.fleet.bots import (
    CLOSED_S,
    Counts,
    Holding,
    Lumps,
    Queued,
    Swarm,
    holds_s,
    per_s,
)
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.door import NETWORK_BURST
from stentor.simulate.fleet.edges import LANES
from stentor.simulate.fleet.homes import Homes
from stentor.simulate.fleet.lines import BEGINS_MS
from stentor.simulate.fleet.lookout import Lookout
from stentor.simulate.fleet.people import Millis, Rows
from stentor.simulate.fleet.retrying import HEAD_S
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.watched import STAYS_S, Fate

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_TICK_S = TICK_MS / 1000
_LUMPS_A_TICK = 4
_FIRST = -2  # the row that stands for the first lump
_REMEMBERED = 1 << 20  # lumps; as many as come in a minute to a thousand edges, and more
_AFTER_S = 180.0  # until the last wrong is noticed, and stress has come down


class Attacking:
    """All attacks of a scenario. A `seam.Harm`."""

    def __init__(
        self, scene: Scene, told: list[LoadFacts], homes: Homes, seeds: np.random.SeedSequence
    ) -> None:
        """`told` is what each edge's ladder decided on last."""
        attacks, edges = scene.scenario.attacks, scene.edges
        self._attacks = attacks
        world, chance, *each = seeds.spawn(2 + len(attacks))
        self._edges = edges
        self._swarms = [
            Swarm(attack, np.random.default_rng(seed), homes.carriers)
            for attack, seed in zip(attacks, each, strict=True)
        ]
        self._pushed = [swarm.pushed(len(edges)) for swarm in self._swarms]
        self._holding = Holding(len(edges), LANES)
        self._waiting = np.zeros(len(edges), np.int64)  # bots in the queues
        self._lump_attack = np.zeros(_REMEMBERED, np.int16)
        self._lump_asking = np.zeros(_REMEMBERED, np.int64)
        self._lump_n = np.zeros(_REMEMBERED, np.int64)
        self._lump_edge = np.zeros(_REMEMBERED, np.int64)
        self._lump_work_s = np.zeros(_REMEMBERED)
        self._spent_s = 0.0  # CPU time on bots
        self._lump_turn = np.zeros(_REMEMBERED, np.bool_)  # it is their turn in line
        self._queued = Queued(edges.machines)
        self._lumps = 0
        self._chance = np.random.default_rng(chance)
        self.lookout = Lookout(scene, told, homes, world)
        self._share = 1.0
        self._set_rates()

    def tick(self, scene: Scene, begin_ms: int) -> None:
        """Let bots come, and those leave whose time is over."""
        edges, begin_s = self._edges, begin_ms / 1000
        rates = [per_s(one, begin_s) for one in self._attacks]
        if not (any(rates) or self._holding or self._waiting.any() or self._queued):
            return
        self._holding.pass_to(begin_s)
        if begin_ms % 1000 == 0:
            self.lookout.look(self._swarms, begin_s)
        # As people do, to the same moment: else one of the two would always be served first.
        scene.knocks.tire(begin_ms + TICK_MS - int(HEAD_S * 1000), self._tired)
        self._waiting[~edges.alive] = 0  # they went with their edges
        for number, rate in enumerate(rates):
            self._pushed[number].pass_by(_TICK_S)
            if rate:
                self._come(scene, number, rate, begin_ms)
        self._come_in_turn(scene, begin_ms)
        listeners = np.maximum(0, self._holding.listeners)
        edges.guests[:] = np.where(edges.alive[:, None], listeners, 0)
        edges.idle[:] = np.where(edges.alive, np.maximum(0, self._holding.idle) + self._waiting, 0)

    def bars(
        self, scene: Scene, rows: Rows, edges: NDArray[np.int64], came_ms: Millis
    ) -> Marks | None:
        """Keep out people whose address is banned: seen on one machine, as likely elsewhere."""
        if not self._is_on(scene.now_ms / 1000):
            return None
        return self.lookout.bars(scene, rows, edges)

    def seen(self, scene: Scene, rows: Rows, edges: NDArray[np.int64], line: Marks) -> None:
        """Let lumps of bots who were looked at ask, if it is audio that they want."""
        at = (_FIRST - rows.astype(np.int64)) % _REMEMBERED
        np.subtract.at(self._waiting, edges, self._lump_n[at])
        self._spent_s += float(self._lump_work_s[at].sum())
        turn = self._lump_turn[at]
        for number in np.unique(self._lump_attack[at]).tolist():
            mine = self._lump_attack[at] == number
            for some, asks in ((mine & ~turn, self._ask), (mine & turn, self._ask_in_turn)):
                asking = np.zeros(len(self._edges), np.int64)
                np.add.at(asking, edges[some], self._lump_asking[at[some]])
                if asking.any():
                    asks(scene, number, asking, line)

    def second(self, scene: Scene) -> None:
        """Let the shield of the watched machine decide, and all obey."""
        counts = scene.counting.counts
        counts["bots_cpu_s"] = round(self._spent_s)
        held = int(self._edges.guests.sum() + self._edges.idle.sum())
        counts["bots_descriptors_most"] = max(held, counts.get("bots_descriptors_most", 0))
        if not self._is_on(scene.now_ms / 1000):
            return
        policy = self.lookout.second(scene)
        scene.counting.seconds["banned"][scene.second] = len(policy.bans)
        if policy.network_share != self._share:
            self._share = policy.network_share
            scene.doors.share(policy.network_share)
            self._set_rates()

    def _is_on(self, now_s: float) -> bool:
        """Say whether the watch has anything to see, or anybody obeys it in anything."""
        if self.lookout.watched.policy.bans or self._share < 1:
            return True
        return any(
            one.from_s - PEOPLE_MS / 1000 <= now_s <= one.from_s + one.for_s + _AFTER_S
            for one in self._attacks
        )

    # --- bots ------------------------------------------------------------------------------

    def _come(self, scene: Scene, number: int, rate: float, begin_ms: int) -> None:
        edges, swarm = self._edges, self._swarms[number]
        each = rate * _TICK_S / _LUMPS_A_TICK / max(1, int(edges.alive.sum()))
        expected = np.where(edges.alive, each, 0.0)
        for part in range(_LUMPS_A_TICK):
            lumps = self._that_fit(scene, swarm.lumps(expected, edges.costs, edges.slow))
            n = len(lumps)
            if not n:
                continue
            scene.counting.count("bots", int(lumps.n.sum()), scene.second)
            slot_ms = TICK_MS // _LUMPS_A_TICK
            moments_ms = begin_ms + part * slot_ms + self._chance.integers(0, slot_ms, n)
            self._knock(scene, number, lumps, moments_ms, in_turn=False)
            held_s = holds_s(swarm.act)
            if held_s:
                served = np.round(lumps.n * swarm.fates[Fate.SERVED]).astype(np.int64)
                self._holding.hold(lumps.edges, served, begin_ms / 1000 + held_s, held_s)

    def _come_in_turn(self, scene: Scene, begin_ms: int) -> None:
        """Let mimics come whose turn it is."""
        edges = self._edges
        for number, machine, n in self._queued.due(scene.lines, begin_ms / 1000):
            at = np.arange(machine * edges.per_machine, (machine + 1) * edges.per_machine)
            at = at[edges.alive[at]]
            if len(at):
                each = self._chance.multinomial(n, np.full(len(at), 1 / len(at)))
                work_s = each * edges.costs.join_s * edges.slow[at]
                some = each > 0
                lumps = Lumps(at[some], each[some], each[some], work_s[some])
                moments_ms = np.full(len(lumps), begin_ms)
                self._knock(scene, number, lumps, moments_ms, in_turn=True)

    def _knock(
        self, scene: Scene, number: int, lumps: Lumps, moments_ms: Counts, *, in_turn: bool
    ) -> None:
        """Put lumps into the queues of their edges."""
        n = len(lumps)
        ids = np.arange(self._lumps, self._lumps + n) % _REMEMBERED
        self._lumps += n
        self._lump_attack[ids], self._lump_turn[ids] = number, in_turn
        self._lump_asking[ids], self._lump_n[ids] = lumps.asking, lumps.n
        self._lump_edge[ids], self._lump_work_s[ids] = lumps.edges, lumps.work_s
        rows = (_FIRST - ids).astype(np.int32)
        scene.knocks.add(rows, lumps.edges, moments_ms.astype(np.int32), lumps.work_s)
        np.add.at(self._waiting, lumps.edges, lumps.n)

    def _set_rates(self) -> None:
        share = self._share / self._edges.per_machine
        for pushed in self._pushed:
            pushed.set_rate(self._edges.network_per_s * share, NETWORK_BURST * share)

    def _that_fit(self, scene: Scene, lumps: Lumps) -> Lumps:
        """Leave out for whom an edge has no descriptor: they stay in the kernel, unseen."""
        edges = self._edges
        free = edges.descriptors - edges.listeners - self._holding.idle - self._waiting
        room = np.maximum(0, free[lumps.edges])
        if not (lumps.n > room).any():
            return lumps
        kept = lumps.shrunk(np.minimum(1.0, room / np.maximum(1, lumps.n)))
        scene.counting.count("bots_unseen", int(lumps.n.sum() - kept.n.sum()))
        return kept

    def _tired(self, rows: Rows) -> Floats:
        """Return the work of lumps that wait no longer than people do: an accept each."""
        at = (_FIRST - rows.astype(np.int64)) % _REMEMBERED
        np.subtract.at(self._waiting, self._lump_edge[at], self._lump_n[at])
        return np.asarray(self._lump_n[at] * CLOSED_S, np.float64)

    def _ask(self, scene: Scene, number: int, asking: Counts, line: Marks) -> None:
        """Let the door tell them: come in, or a place, which mimics wait for and others do not."""
        edges, swarm = self._edges, self._swarms[number]
        edges.others_asked += asking
        at = np.flatnonzero(asking)
        n = asking[at]
        closed = line[edges.machine(at)]
        let_in = np.where(closed, 0, np.minimum(n, np.maximum(0, edges.room[at])))
        self._let_in(scene, number, at, let_in)
        told = n - let_in
        at, told = at[told > 0], told[told > 0]
        back_s, given = self._pushed[number].places(at, told)
        scene.counting.count("bots_placed", int(told[given].sum()))
        scene.counting.count("bots_line_full", int(told[~given].sum()))
        machines = edges.machine(at[given]).tolist()
        for machine, many, behind_s in zip(
            machines, told[given].tolist(), back_s[given].tolist(), strict=True
        ):
            mine = scene.lines[machine]
            virtual_ms = mine.sheet.virtual_ms(BEGINS_MS + scene.now_ms)
            place_ms = int(virtual_ms + behind_s * 1000)
            mine.note_many(place_ms, many)
            if swarm.act is Act.HOLD:
                self._queued.put(number, machine, place_ms, many, scene.now_ms / 1000)

    def _ask_in_turn(self, scene: Scene, number: int, asking: Counts, line: Marks) -> None:
        """Let those in whose turn it is, as `edge.door` does: within its level, room or not."""
        edges, doors = self._edges, scene.doors
        at = np.flatnonzero(asking)
        most = np.minimum(np.floor(doors.level[at]), np.maximum(0, edges.room[at]) + doors.over[at])
        let_in = np.minimum(asking[at], np.maximum(0, most).astype(np.int64))
        doors.level[at] -= let_in
        self._let_in(scene, number, at, let_in)
        for machine, n in zip(edges.machine(at).tolist(), let_in.tolist(), strict=True):
            scene.lines[machine].came += n

    def _let_in(self, scene: Scene, number: int, edges: Counts, n: Counts) -> None:
        fleet, stays_s = self._edges, STAYS_S[self._swarms[number].act]
        fleet.room[edges] -= n
        until_s = scene.now_ms / 1000 + stays_s
        lanes = fleet.lane[edges].astype(np.int64)
        self._holding.hold(edges, n, until_s, stays_s, lanes)
        if self._swarms[number].act is not Act.SLOW:  # whose window lets nothing through
            np.add.at(fleet.guests_bits, edges, n * fleet.burst_bits[0, lanes])
        scene.counting.count("bots_let_in", int(n.sum()))
