"""Counts what happens, by the second and by how people fare: all that becomes a `Course`.

Times of people are counted into narrow bins as they come about, so that nobody's are kept. Decides
nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.lanes import LANE_PARTS, target_s
from stentor.simulate.fleet.course import FLEET, PEOPLE, Spread
from stentor.simulate.fleet.edges import LANES

Floats = NDArray[np.float64]

# 3 % a bin: a quantile, the upper edge of its bin, is at most so much too high.
_TIMES: Floats = np.concatenate(([0.0], np.geomspace(0.001, 86_400.0, 620)))
_BEHIND: Floats = np.arange(0.0, 120.01, 0.05)
_ERRORS: Floats = np.concatenate((np.arange(-1.0, 2.0, 0.005), np.geomspace(2.0, 1000.0, 100)))
_AHEAD: Floats = np.concatenate(([0.0], np.geomspace(1.0, 1e8, 700)))
_EDGES = dict.fromkeys(PEOPLE, _TIMES)
_EDGES |= {"ahead": _AHEAD, "behind_s": _BEHIND, "wait_error": _ERRORS}
_MINUTES = ("first_audio_s", "ahead", "wait_s", "behind_s")
BEHIND_S: Floats = np.array([target_s(parts) for parts in LANE_PARTS])


class Counting:
    """What has been counted so far."""

    def __init__(self, seconds: int) -> None:
        self.seconds = {name: np.zeros(seconds) for name in FLEET}
        self.lanes = np.zeros((seconds, LANES), np.int64)
        self.counts: dict[str, int] = {}
        self._bins = {name: np.zeros(len(edges) - 1, np.int64) for name, edges in _EDGES.items()}
        self._minutes = {
            name: np.zeros((max(1, -(-seconds // 60)), len(_EDGES[name]) - 1), np.int64)
            for name in _MINUTES
        }

    def count(self, name: str, n: int, second: int | None = None) -> None:
        """Count so many, in a second too if it is one of `course.FLEET`."""
        if n:
            self.counts[name] = self.counts.get(name, 0) + n
            if second is not None:
                self.seconds[name][second] += n

    def spread(self, name: str, values: Floats, second: int) -> None:
        """Count how some people fared, each once."""
        if len(values):
            found = self._binned(name, values)
            self._bins[name] += found
            if name in self._minutes:
                self._minutes[name][second // 60] += found

    def behind(self, by_lane: NDArray[np.int64], second: int) -> None:
        """Count a second of listening, by lane."""
        self.lanes[second] = by_lane
        at = np.minimum(np.searchsorted(_BEHIND, BEHIND_S, "right") - 1, len(_BEHIND) - 2)
        np.add.at(self._bins["behind_s"], at, by_lane)
        np.add.at(self._minutes["behind_s"][second // 60], at, by_lane)

    def people(self) -> dict[str, Spread]:
        """Return how people fared."""
        return {name: Spread(_EDGES[name], self._bins[name]) for name in PEOPLE}

    def percentiles(self) -> dict[str, Floats]:
        """Return the median and the 95th percentile of each minute; NaN where there is nobody."""
        found = {}
        for name, minutes in self._minutes.items():
            rows = [Spread(_EDGES[name], row) for row in minutes]
            found[name] = np.array([(row.at(0.5), row.at(0.95)) for row in rows])
        return found

    @staticmethod
    def _binned(name: str, values: Floats) -> NDArray[np.int64]:
        edges = _EDGES[name]
        at = np.clip(np.searchsorted(edges, values, "right") - 1, 0, len(edges) - 2)
        return np.bincount(at, minlength=len(edges) - 1)
