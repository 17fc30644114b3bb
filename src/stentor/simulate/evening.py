"""One evening under virtual time: people, attackers and faults before the machine, by the second.

Yields what a deployment would have recorded, and beside it the truth, which no record holds: who
was a person, and how each of them fared. Seeded and pure: the same event gives the same records.
"""

import math
from collections.abc import Callable

import numpy as np

from stentor.evidence.records import RoomPlan, Second
from stentor.shield.keys import EventKey
from stentor.shield.merge import Merging
from stentor.shield.shield import Shield
from stentor.simulate.attackers import Act, Deeds, Family, deeds
from stentor.simulate.audience import Audience
from stentor.simulate.bots import Bots
from stentor.simulate.events import EPOCH_MS, Event, Fault, Noise
from stentor.simulate.line import STEPS_PER_S
from stentor.simulate.machine import ROOM, Edge
from stentor.simulate.scene import Outcome, Scene
from stentor.simulate.world import Chance, Networks, strangers

_LAG_S = 2.0  # of the programme: players stall


class Evening:
    """Runs one event."""

    def __init__(self, event: Event, *, shielded: bool = True) -> None:
        """Not `shielded`: edges get no policy, for comparison."""
        self.event = event
        self._shielded = shielded
        # One stream for each who acts: without the one, the others are the same.
        streams = np.random.SeedSequence(event.seed).spawn(7)
        world, people, attack, noise, answers, bots, faults = map(np.random.default_rng, streams)
        key = EventKey(event.seed.to_bytes(32, "big"))
        self._scene = scene = Scene(event, key, answers)
        self._merging, self._shield = Merging(), Shield()
        networks = Networks(world, event.people.population)
        self._audience = Audience(scene, networks, answers)
        self._audience.gather(people, event.people)
        self._bots = Bots(scene, bots)
        self._deeds = Deeds([], [], [])
        if event.attack is not None:
            if event.attack.family is Family.PERFECT:
                self._audience.gather_mimics(attack, event.attack)
            else:
                self._deeds = deeds(attack, event.attack, networks)
        self._noise = _noises(noise, event.noise, event.end_s)
        self._faults = faults

    def run(self, is_enough: Callable[[Outcome, float], bool] | None = None) -> Outcome:
        """Return what came of it.

        After each second `is_enough` may end it, by what came of it until then.
        """
        scene = self._scene
        for n in range(1, round(self.event.end_s * STEPS_PER_S) + 1):
            scene.begins(n - 1)
            self._until(n / STEPS_PER_S)
            alive = scene.alive
            scene.line.step(EPOCH_MS + int(scene.now_s * 1000), alive)
            if n % STEPS_PER_S == 0:
                self._second(alive)
                if is_enough is not None and is_enough(scene.outcome, scene.now_s):
                    break
        return scene.outcome

    def _until(self, until_s: float) -> None:
        """Let everything happen that does before then."""
        scene, deeds_, noise = self._scene, self._deeds, self._noise
        while True:
            deed_s, noise_s = deeds_.next_s, noise.next_s
            first_s = min(deed_s, noise_s)
            if first_s >= until_s:
                break
            scene.goes_on(first_s)
            scene.now_s = first_s
            scene.outcome.bots += deed_s == first_s
            self._bots.act(*(deeds_ if deed_s == first_s else noise).take())
        scene.goes_on(math.nextafter(until_s, 0.0))
        scene.now_s = until_s

    def _second(self, alive: list[Edge]) -> None:
        scene, event = self._scene, self.event
        now_ms = EPOCH_MS + int(scene.now_s * 1000)
        for edge in alive:  # what each HLS player waits for comes every two seconds
            reloads = int(self._faults.poisson(event.noise.shelf * edge.listeners / 2))
            edge.count("reloads", reloads)
            edge.count("requests", reloads)
        told = [edge.second(scene.now_s, event.people.inside // len(alive)) for edge in alive]
        policy = self._shield.decide(self._merging.merge(told, now_ms), now_ms)
        if self._shielded:
            for edge in alive:
                edge.obeys(policy)
        scene.outcome.seconds.append(
            Second(
                at_ms=now_ms,
                edges=tuple(told),
                missing=tuple(edge.name for edge in scene.edges if not edge.alive),
                policy=policy,
                rooms={} if scene.outcome.seconds else {ROOM: RoomPlan(epoch_ms=EPOCH_MS)},
            )
        )
        if event.fault is not None and scene.now_s >= event.fault_s:
            self._breaks(event.fault)

    def _breaks(self, fault: Fault) -> None:
        """Do to ourselves what this evening has us do."""
        scene = self._scene
        if fault is Fault.HALVED:
            for edge in scene.edges:
                edge.slows(2.0)
        elif fault is Fault.SLOW_DISK:
            lag_s = 3.0 + 3.0 * float(self._faults.random())
            for edge in scene.edges:
                edge.lag_s = lag_s
            for person in scene.outcome.people:
                if person.parts:
                    person.stalled_s += min(1.0, lag_s - _LAG_S)
        elif fault is Fault.LOST_EDGE and scene.edges[0].alive and len(scene.edges) > 1:
            scene.loses(0)
            for person in scene.outcome.people:
                if person.parts and person.edge == 0:
                    person.parts = 0
                    self._audience.returns(person)


def _noises(chance: Chance, noise: Noise, end_s: float) -> Deeds:
    """Return the scans and crawlers of any evening."""
    scans = int(chance.poisson(noise.scans_per_s * end_s))
    n = scans + int(chance.poisson(noise.crawls_per_s * end_s))
    peers = strangers(chance, 60, 0.1).draw(n)
    at_s = np.sort(chance.random(n) * end_s)
    scanned = chance.permutation(n) < scans
    acts = [Act.GARBAGE if scan else Act.PROBE for scan in scanned]
    return Deeds(at_s.tolist(), acts, peers)
