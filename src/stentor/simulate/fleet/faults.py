"""Faults of a scenario, each at its moment: what dies, what is slow, who is cut off or leaves.

All that happens to people is `Scene`'s. Control is in no model, as nothing that a listener does
asks it anything: its death is due like any other fault, and does nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.people import Millis, Rows
from stentor.simulate.fleet.scenario import Fault, Scenario
from stentor.simulate.fleet.scene import Scene

Marks = NDArray[np.bool_]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

_STORM_S = 15.0  # time constant of a page's being looked at again


class _Nobody:
    """Of `seam.Harm`, what only attackers do."""

    def bars(
        self, scene: Scene, rows: Rows, edges: NDArray[np.int64], came_ms: Millis
    ) -> Marks | None:
        """Keep nobody out."""
        return None

    def seen(self, scene: Scene, rows: Rows, edges: NDArray[np.int64], line: Marks) -> None:
        """Put nobody into the queues."""

    def second(self, scene: Scene) -> None:
        """Do nothing by the second."""


class Faults(_Nobody):
    """Which faults have begun, and when they end. A `seam.Harm`."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._begin = sorted(faults, key=lambda one: one.at_s)
        self._end: list[tuple[float, Fault, Marks]] = []

    def tick(self, scene: Scene, begin_ms: int) -> None:
        """Let happen what begins or ends within the 250 ms that begin now."""
        until_s = (begin_ms + TICK_MS) / 1000
        for ended in [one for one in self._end if one[0] < until_s]:
            self._end.remove(ended)
            _mend(scene, ended[1], ended[2])
        while self._begin and self._begin[0].at_s < until_s:
            fault = self._begin.pop(0)
            marks = _strike(scene, fault)
            if fault.for_s:
                self._end.append((fault.at_s + fault.for_s, fault, marks))


class Storm(_Nobody):
    """Who leaves when all is over looks at the page once more, and that is served here too.

    A share of them (`Staying.looks_again`), most within half a minute. A `seam.Harm`.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._share = scenario.staying.looks_again
        self._at_ms = [round(one.at_s * 1000) for one in scenario.faults if one.kind == "exit"]
        if scenario.event.ends_s is not None:
            self._at_ms.append(round(scenario.event.ends_s * 1000))
        self._before: Counts | None = None
        self._left: Floats | None = None  # to come, by edge
        self._pages = 0.0  # not yet counted

    def tick(self, scene: Scene, begin_ms: int) -> None:
        """Let some come to the edges that they listened at."""
        listeners, edges = scene.edges.listeners, scene.edges
        if any(begin_ms <= at_ms < begin_ms + TICK_MS for at_ms in self._at_ms):
            before = listeners if self._before is None else self._before
            gone = np.maximum(0, before - listeners) * self._share
            self._left = gone if self._left is None else self._left + gone
        self._before = listeners
        if self._left is None:
            return
        now = self._left * (1 - np.exp(-TICK_MS / 1000 / _STORM_S))
        self._left = self._left - now
        pages = np.where(edges.alive, now, 0.0)
        edges.extra_s += pages * edges.costs.page_s * edges.slow
        self._pages += float(pages.sum())
        whole = int(self._pages)
        self._pages -= whole
        scene.counting.count("pages_again", whole)


def _strike(scene: Scene, fault: Fault) -> Marks:
    """Let a fault begin; return the edges that it concerns."""
    edges, chance = scene.edges, scene.harm
    marks = np.zeros(len(edges), np.bool_)
    if fault.kind == "edges-lost":
        alive = np.flatnonzero(edges.alive)
        marks[chance.permutation(alive)[: round(len(alive) * fault.share)]] = True
        scene.lose(marks)
    elif fault.kind == "region-lost":
        marks = np.repeat(edges.region == edges.region[0], edges.per_machine) & edges.alive
        scene.lose(marks, silent=True)
    elif fault.kind == "slow":
        n = round(len(edges) * fault.share)
        marks[chance.permutation(len(edges))[:n]] = True
        edges.slow[marks] *= fault.factor
    elif fault.kind in ("cut", "exit"):
        rows = scene.listening()
        if fault.share < 1:
            rows = rows[chance.random(len(rows)) < fault.share]
        (scene.cut if fault.kind == "cut" else scene.exit)(rows)
    return marks


def _mend(scene: Scene, fault: Fault, marks: Marks) -> None:
    if fault.kind in ("edges-lost", "region-lost"):
        scene.restore(marks)
    elif fault.kind == "slow":
        scene.edges.slow[marks] /= fault.factor
