"""Faults of a scenario, each at its moment: what dies, what is slow, who is cut off or leaves.

All that happens to people is `Scene`'s. Control is in no model, as nothing that a listener does
asks it anything: its death is due like any other fault, and does nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.people import Millis, Rows
from stentor.simulate.fleet.scenario import Fault
from stentor.simulate.fleet.scene import Scene

Marks = NDArray[np.bool_]


class Faults:
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

    def bars(
        self, scene: Scene, rows: Rows, edges: NDArray[np.int64], came_ms: Millis
    ) -> Marks | None:
        """Keep nobody out: who comes to an edge that is dead is not in the model."""
        return None

    def seen(self, scene: Scene, rows: Rows, edges: NDArray[np.int64], line: Marks) -> None:
        """Put nobody into the queues."""

    def second(self, scene: Scene) -> None:
        """Do nothing by the second."""


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
