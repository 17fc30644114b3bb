"""Runs a scenario before a fleet: every listener one by one, in arrays, a quarter of a second each.

In each tick people leave, come, are looked at as their edge's CPU allows, are let in or told their
place, and look at the notice; each second every edge's ladder decides. What anybody is told is the
production code's decision. Seeded and pure: the same seed gives the same bytes.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from stentor.simulate.fleet.calibration import Calibration
from stentor.simulate.fleet.coming import Coming
from stentor.simulate.fleet.counting import Counting
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.delivering import Delivering
from stentor.simulate.fleet.diary import TICK_MS, Diary
from stentor.simulate.fleet.door import Doors
from stentor.simulate.fleet.edges import make_edges
from stentor.simulate.fleet.harm import make_harms
from stentor.simulate.fleet.homes import NETWORKS, Homes, population
from stentor.simulate.fleet.knocks import Knocks
from stentor.simulate.fleet.ladders import Ladders
from stentor.simulate.fleet.lines import BEGINS_MS, Line
from stentor.simulate.fleet.moving import MOVES_PER_S, Moving
from stentor.simulate.fleet.people import State, draw
from stentor.simulate.fleet.scenario import Fleet, Scenario
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.serving import Serving
from stentor.simulate.fleet.stock import stall, take_stock
from stentor.simulate.fleet.waiting import Waiting

Progress = Callable[[int, int], None]

_TICK_S = TICK_MS / 1000
_PER_SECOND = 1000 // TICK_MS


def simulate(
    scenario: Scenario,
    fleet: Fleet,
    calibration: Calibration,
    seed: int,
    progress: Progress | None = None,
) -> Course:
    """Return the course of a scenario before a fleet whose machines are filled in.

    `progress` is told of the second that is over, and of how many there are. Raises `UsageError`
    for a fleet that cannot be.
    """
    return Run(scenario, fleet, calibration, seed).course(progress)


class Run:
    """One simulation."""

    def __init__(
        self, scenario: Scenario, fleet: Fleet, calibration: Calibration, seed: int
    ) -> None:
        """Draw the people and put up the fleet; `course` lets time go by."""
        self._fleet, self._calibration, self._seed = fleet, calibration, seed
        self._seconds = int(scenario.event.lasts_s)
        self._hour_ms = int(scenario.event.hour_s * 1000)
        edges = make_edges(scenario, fleet, calibration)
        who, world, answers, harm = np.random.SeedSequence(seed).spawn(4)
        people = draw(scenario, NETWORKS, fleet.regions, who)
        homes = Homes(np.random.default_rng(world), population(scenario.event.listeners))
        self.scene = scene = Scene(
            scenario=scenario,
            people=people,
            edges=edges,
            lines=[Line() for _ in range(fleet.machines)],
            doors=Doors(edges),
            diary=Diary(people.due_ms),
            knocks=Knocks(),
            counting=Counting(self._seconds),
            chance=np.random.default_rng(answers),
            harm=np.random.default_rng(harm),
        )
        self._delivering = Delivering(edges)
        self._ladders = Ladders(edges, scenario.programme)
        self.harms = make_harms(scene, self._ladders.told, homes, harm)
        self._waiting = Waiting(scene)
        self._coming = Coming(scene, self.harms)
        self._moving = Moving(scene)
        self._serving = Serving(
            scene, self._waiting, self._ladders, homes, self.harms, calibration.first_audio_s
        )

    def course(self, progress: Progress | None = None) -> Course:
        """Run it all, and return what came of it."""
        for second in range(self._seconds):
            self.scene.second = second
            for n in range(_PER_SECOND):
                self._tick(second * _PER_SECOND + n)
            self._second(second)
            if progress is not None:
                progress(second + 1, self._seconds)
        return self._result()

    def _tick(self, tick: int) -> None:
        scene = self.scene
        people = scene.people
        begin_ms, scene.now_ms = tick * TICK_MS, (tick + 1) * TICK_MS
        if begin_ms <= scene.ends_ms < scene.now_ms:
            scene.exit(scene.listening())
        for harm in self.harms:
            harm.tick(scene, begin_ms)
        due = scene.diary.take(tick)
        if len(due):
            state = people.state[due]
            scene.exit(due[state == State.LISTENS])
            self._waiting.look(due[state == State.WAITS])
            comes = state <= State.COMES
            self._coming.come(due[comes], scene.diary.at_ms[comes], begin_ms)
        self._coming.move(self._moving.take(tick), begin_ms)
        live = begin_ms >= self._hour_ms
        turn = self._delivering.begin(_TICK_S, live=live)
        scene.doors.tick(_TICK_S, self._waiting.missing(), MOVES_PER_S)
        spent_s = self._serving.serve(turn, begin_ms)
        # Before the hour there is nothing to be given at once.
        welcomes_bits = (self._serving.welcomes_bits + scene.edges.guests_bits) * live
        scene.edges.guests_bits[:] = 0
        self._ladders.welcomes_bits += welcomes_bits
        self._delivering.end(_TICK_S, spent_s, welcomes_bits)
        self._waiting.step(tick)

    def _second(self, second: int) -> None:
        scene, delivering = self.scene, self._delivering
        edges = scene.edges
        live = scene.now_ms > self._hour_ms
        open_ = edges.listeners + edges.idle + scene.knocks.by_edge(len(edges))
        spent_s = self._ladders.spent_s.copy()
        if live:
            stall(scene, delivering)
        self._ladders.second(
            second + 1.0, delivering, live=live, open_=open_, waiting=self._waiting.sheets.waiting
        )
        self._moving.second(second)
        for harm in self.harms:
            harm.second(scene)
        self._waiting.second(second)
        now_ms = BEGINS_MS + scene.now_ms
        scene.doors.forget_idle([line.sheet.virtual_ms(now_ms) for line in scene.lines])
        take_stock(scene, delivering, spent_s, open_, self._waiting.people, live=live)

    def _result(self) -> Course:
        scene, counting = self.scene, self.scene.counting
        people, counts = scene.people, counting.counts
        scene.settle(scene.listening())
        asks = (people.state == State.COMES) | (people.state == State.KNOCKS)
        asking = np.flatnonzero(asks).astype(np.int32)
        scene.too_late(asking)
        for state in State:
            counts[f"at_end_{state.name.lower()}"] = int((people.state == state).sum())
        counts["never_heard"] = counts.get("people", 0) - counts.get("heard", 0)
        return Course(
            scenario=scene.scenario,
            fleet=msgspec.structs.replace(self._fleet, edges=scene.edges.per_machine),
            calibration=self._calibration,
            seed=self._seed,
            seconds=counting.seconds,
            lanes=counting.lanes,
            people=counting.people(),
            percentiles=counting.percentiles(),
            counts=counts,
            edges=len(scene.edges),
        )
