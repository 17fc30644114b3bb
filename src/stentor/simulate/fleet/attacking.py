"""Attackers among a fleet's people: in the same queues, at the same doors, on the same descriptors.

They are counted by lumps (`bots`) and kept out as the shield of one machine says, which sees all
that is done there (`watched`). People who come to that machine are seen by its shield too: whom a
ban of bots strikes is kept out there, and the same share of their like everywhere else. Decides
nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.ladder import LoadFacts, Step, delivery_use
from stentor.admission.lanes import LANE_PARTS, period_s
from stentor.shield.bans import PEOPLE_MS
from stentor.shield.facts import DoorSecond, Load
from stentor.shield.keys import EVENT_KEY_BYTES, EventKey
from stentor.simulate.fleet.bots import CLOSED_S, Counts, Holding, Lumps, Swarm, holds_s, per_s
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.door import NETWORK_BURST
from stentor.simulate.fleet.edges import LANES
from stentor.simulate.fleet.homes import NETWORKS, Homes
from stentor.simulate.fleet.lines import BEGINS_MS
from stentor.simulate.fleet.people import Millis, Rows
from stentor.simulate.fleet.retrying import HEAD_S
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.watched import STAYS_S, EdgeStands, Fate, Watched

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_TICK_S = TICK_MS / 1000
_LUMPS_A_TICK = 2
_FIRST = -2  # the row that stands for the first lump
_REMEMBERED = 1 << 20  # lumps; as many as come in a minute to a thousand edges, and more
_AFTER_S = 180.0  # until the last wrong is noticed, and stress has come down
_FADES = 0.8  # a second: of what is remembered of people who were kept out


class Attacking:
    """All attacks of a scenario. A `seam.Harm`."""

    def __init__(
        self, scene: Scene, told: list[LoadFacts], homes: Homes, seeds: np.random.SeedSequence
    ) -> None:
        """`told` is what each edge's ladder decided on last."""
        attacks, edges = scene.scenario.attacks, scene.edges
        self._attacks = attacks
        key, people, *each = seeds.spawn(2 + len(attacks))
        self._edges, self._told, self._homes = edges, told, homes
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
        self._lumps = 0
        self._chance = np.random.default_rng(people)
        self._key = EventKey(np.random.default_rng(key).bytes(EVENT_KEY_BYTES))
        self._guard = scene.scenario.fleet.guard
        self._machine = 0  # that is watched
        self.watched = self._watch()
        self._share = 1.0
        self._set_rates()
        self._struck = np.zeros((2, 2))  # people of carriers or not × came or kept out

    def tick(self, scene: Scene, begin_ms: int) -> None:
        """Let bots come, and those leave whose time is over."""
        edges, begin_s = self._edges, begin_ms / 1000
        rates = [per_s(one, begin_s) for one in self._attacks]
        if not (any(rates) or self._holding or self._waiting.any()):
            return
        self._holding.pass_to(begin_s)
        if begin_ms % 1000 == 0:
            self._look(begin_s)
        scene.knocks.tire(begin_ms - int(HEAD_S * 1000), self._tired)
        self._waiting[~edges.alive] = 0  # they went with their edges
        for number, rate in enumerate(rates):
            self._pushed[number].pass_by(_TICK_S)
            if rate:
                self._come(scene, number, rate, begin_ms)
        listeners = np.maximum(0, self._holding.listeners)
        edges.guests[:] = np.where(edges.alive[:, None], listeners, 0)
        edges.idle[:] = np.where(edges.alive, np.maximum(0, self._holding.idle) + self._waiting, 0)

    def bars(
        self, scene: Scene, rows: Rows, edges: NDArray[np.int64], came_ms: Millis
    ) -> Marks | None:
        """Keep out people whose address is banned: seen on one machine, as likely elsewhere."""
        if not self._is_on(scene.now_ms / 1000):
            return None
        people = scene.people
        begin = self._machine * self._edges.per_machine
        mine = (edges >= begin) & (edges < begin + self._edges.per_machine)
        shared = (people.network[rows] < self._homes.behind * NETWORKS).astype(np.int64)
        barred = np.zeros(len(rows), np.bool_)
        if mine.any():
            barred[mine] = self._meets(scene, rows[mine], edges[mine] - begin)
            np.add.at(self._struck[:, 0], shared[mine], 1)
            np.add.at(self._struck[:, 1], shared[mine & barred], 1)
        if self._struck[:, 1].any():
            likely = self._struck[:, 1] / np.maximum(1.0, self._struck[:, 0])
            lots = self._chance.random(len(rows)) < likely[shared]
            barred |= ~mine & lots & (people.ticket[rows] == 0)
        return barred

    def seen(self, scene: Scene, rows: Rows, edges: NDArray[np.int64], line: Marks) -> None:
        """Let lumps of bots who were looked at ask, if it is audio that they want."""
        at = (_FIRST - rows.astype(np.int64)) % _REMEMBERED
        np.subtract.at(self._waiting, edges, self._lump_n[at])
        for number in np.unique(self._lump_attack[at]).tolist():
            some = self._lump_attack[at] == number
            asking = np.zeros(len(self._edges), np.int64)
            np.add.at(asking, edges[some], self._lump_asking[at[some]])
            if asking.any():
                self._ask(scene, number, asking, line)

    def second(self, scene: Scene) -> None:
        """Let the shield of the watched machine decide, and all obey."""
        if not self._is_on(scene.now_ms / 1000):
            return
        policy = self.watched.second(scene.now_ms / 1000, self._stands(scene))
        scene.counting.seconds["banned"][scene.second] = len(policy.bans)
        self._struck *= _FADES
        if policy.network_share != self._share:
            self._share = policy.network_share
            scene.doors.share(policy.network_share)
            self._set_rates()

    def _is_on(self, now_s: float) -> bool:
        """Say whether the watch has anything to see, or anybody obeys it in anything."""
        if self.watched.policy.bans or self._share < 1:
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
            ids = np.arange(self._lumps, self._lumps + n) % _REMEMBERED
            self._lumps += n
            self._lump_attack[ids] = number
            self._lump_asking[ids], self._lump_n[ids] = lumps.asking, lumps.n
            self._lump_edge[ids] = lumps.edges
            moment = begin_ms + TICK_MS * part // _LUMPS_A_TICK
            rows = (_FIRST - ids).astype(np.int32)
            scene.knocks.add(rows, lumps.edges, np.full(n, moment, np.int32), lumps.work_s)
            np.add.at(self._waiting, lumps.edges, lumps.n)
            held_s = holds_s(swarm.act)
            if held_s:
                served = np.round(lumps.n * swarm.fates[Fate.SERVED]).astype(np.int64)
                self._holding.hold(lumps.edges, served, begin_ms / 1000 + held_s, held_s)

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
        """Let the door tell them: come in, or a place that none of them will take up."""
        edges, swarm = self._edges, self._swarms[number]
        edges.others_asked += asking
        at = np.flatnonzero(asking)
        n = asking[at]
        closed = line[edges.machine(at)]
        let_in = np.where(closed, 0, np.minimum(n, np.maximum(0, edges.room[at])))
        edges.room[at] -= let_in
        stays_s = STAYS_S[swarm.act]
        until_s = scene.now_ms / 1000 + stays_s
        self._holding.hold(at, let_in, until_s, stays_s, edges.lane[at].astype(np.int64))
        scene.counting.count("bots_let_in", int(let_in.sum()))
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
            mine.note_many(int(virtual_ms + behind_s * 1000), many)

    # --- the machine that is watched ---------------------------------------------------------

    def _look(self, now_s: float) -> None:
        """Let the bots of the next second come to the machine that is watched."""
        edges, per = self._edges, self._edges.per_machine
        up = edges.alive.reshape(-1, per)
        if not up[self._machine].any():  # its shield has died with it
            if not up.any():
                return
            self._machine = int(np.flatnonzero(up.any(axis=1))[0])
            self.watched.close()
            self.watched = self._watch()
        each = 1.0 / int(edges.alive.sum())
        for swarm in self._swarms:
            rate = per_s(swarm.attack, now_s)
            if rate:
                swarm.look(self.watched, rate * each * up[self._machine], now_s)

    def _meets(self, scene: Scene, rows: Rows, edges: NDArray[np.int64]) -> Marks:
        """Let people come to the machine that is watched; say who is kept out."""
        peers = self._homes.addresses(scene.people.network[rows])
        tickets = scene.people.ticket[rows].tolist()
        now_s, comes = scene.now_ms / 1000, self.watched.comes
        fates = [
            comes(edge, peer, now_s, ticket or None)
            for edge, peer, ticket in zip(edges.tolist(), peers, tickets, strict=True)
        ]
        scene.counting.count("watched_people", len(rows))
        barred: Marks = np.array(fates) != Fate.SERVED
        scene.counting.count("watched_people_barred", int(barred.sum()))
        return barred

    def _stands(self, scene: Scene) -> list[EdgeStands]:
        edges, per = self._edges, self._edges.per_machine
        sheet = scene.lines[self._machine].sheet
        first = self._machine * per
        found = []
        for edge in range(first, first + per):
            facts = self._told[edge]
            load = Load(
                cores=facts.cores,
                use=delivery_use(facts),
                delivery_cost_s=facts.delivery_cost_s,
                join_cost_s=facts.join_cost_s,
                joining=facts.joining,
                late_s=facts.late_s,
                asked_per_s=facts.asked_per_s,
                connections=int(facts.descriptors * facts.descriptors_max),
                descriptors=facts.descriptors,
                memory=facts.memory,
                bits=facts.bits,
            )
            door = DoorSecond(
                step=Step(int(edges.step[edge])).name.lower(),
                lane_ms=round(period_s(LANE_PARTS[edges.lane[edge]]) * 1000),
                line=sheet.line,
                waiting=sheet.waiting,
                per_s=sheet.per_s,
                serving_ms=sheet.serving_ms,
            )
            found.append(EdgeStands(load, door, facts.join_wait_s))
        return found

    def _watch(self) -> Watched:
        return Watched(self._edges.per_machine, self._key, guard=self._guard)
