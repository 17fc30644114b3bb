"""Which machine of a fleet is watched, what its shield sees, and what that means for all machines.

Bots and people who come to that machine are seen there one by one (`watched`): whom a ban strikes
is kept out there, and the same share of their like everywhere else. Decides nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stentor.admission.ladder import LoadFacts, Step, delivery_use
from stentor.admission.lanes import LANE_PARTS, period_s
from stentor.shield.facts import DoorSecond, Load
from stentor.shield.keys import EVENT_KEY_BYTES, EventKey
from stentor.shield.policy import Policy
from stentor.simulate.fleet.bots import Swarm, per_s
from stentor.simulate.fleet.homes import NETWORKS, Homes
from stentor.simulate.fleet.people import Rows
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.watched import EdgeStands, Fate, Watched

Marks = NDArray[np.bool_]

_FADES = 0.8  # a second: of what is remembered of people who were kept out


class Lookout:
    """The machine that is watched, and people who were kept out there of late."""

    def __init__(
        self, scene: Scene, told: list[LoadFacts], homes: Homes, seeds: np.random.SeedSequence
    ) -> None:
        """`told` is what each edge's ladder decided on last."""
        self._edges, self._told, self._homes = scene.edges, told, homes
        self._chance = np.random.default_rng(seeds)
        self._key = EventKey(self._chance.bytes(EVENT_KEY_BYTES))
        self._guard = scene.scenario.fleet.guard
        self._machine = 0
        self.watched = self._watch()
        self._struck = np.zeros((2, 2))  # people of carriers or not × came or kept out

    def look(self, swarms: Sequence[Swarm], now_s: float) -> None:
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
        for swarm in swarms:
            rate = per_s(swarm.attack, now_s)
            if rate:
                swarm.look(self.watched, rate * each * up[self._machine], now_s)

    def bars(self, scene: Scene, rows: Rows, edges: NDArray[np.int64]) -> Marks:
        """Keep out people whose address is banned: seen on one machine, as likely elsewhere."""
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

    def second(self, scene: Scene) -> Policy:
        """Let the shield of that machine decide, which all obey."""
        self._struck *= _FADES
        return self.watched.second(scene.now_ms / 1000, self._stands(scene))

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
