"""What a simulation found: the fleet's course by the second, and how each of the people fared.

Facts in arrays. Two simulations of the same scenario, fleet, costs and seed give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.calibration import Calibration
from stentor.simulate.fleet.scenario import Fleet, Scenario

Floats = NDArray[np.float64]

# The names of `Course.fleet`: one value a second each. Shares are of what the fleet has.
FLEET = (
    "listeners",
    "waiting",  # in line
    "came",  # a second, first time or again
    "joined",
    "returned",
    "told",  # a place, or that it is full
    "gave_up",
    "left",
    "cut",
    "bots",  # acts of attackers
    "cpu",  # of all edges' cores, deliveries and joins
    "cpu_worst",  # of the fullest edge
    "deliveries_cpu",
    "bits_per_s",  # on the wire, all machines
    "network_worst",  # share of the fullest machine's interface
    "memory_worst",
    "descriptors_worst",
    "edges",  # alive
    "step_median",  # the ladder's, over edges
    "step_worst",
    "late_s",  # the worst edge's deliveries
    "stalling",  # listeners whose buffer is dry
    "banned",
)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a quantity is spread over people: a histogram, edges rising, one more than counts."""

    edges: Floats
    counts: NDArray[np.int64]

    def at(self, share: float) -> float:
        """Return the quantile, the upper edge of its bin; NaN if there is nobody."""
        total = int(self.counts.sum())
        if not total:
            return float("nan")
        n = int(np.searchsorted(np.cumsum(self.counts), share * total))
        return float(self.edges[min(n + 1, len(self.edges) - 1)])


# The names of `Course.people`.
PEOPLE = (
    # From coming to audio, or to giving up without any, of those who were told no place in line.
    "first_audio_s",
    "served_audio_s",  # from one's turn to audio, of those who had
    "called_audio_s",  # from coming as it was one's turn to audio: what a load measures
    "ahead",  # how many, as those were told who were given a place
    "wait_s",  # in line
    "wait_error",  # actual against announced, as a share
    "behind_s",  # live, of all seconds listened
    "stalled_s",  # of those who stalled
    "back_s",  # from being cut off to audio again, or to giving up
)


@dataclass(frozen=True, slots=True)
class Course:
    """The whole result. `lanes` is listeners by second and lane (`admission.lanes.LANE_PARTS`)."""

    scenario: Scenario
    fleet: Fleet  # with its machines filled in
    calibration: Calibration
    seed: int
    seconds: Mapping[str, Floats]
    lanes: NDArray[np.int64]
    people: Mapping[str, Spread]
    percentiles: Mapping[str, Floats]  # by minute × (p50, p95), of "first_audio_s", …
    counts: Mapping[str, int] = field(default_factory=dict)  # came, heard, stalled, never_heard, …
    edges: int = 0  # processes
    took_s: float = 0.0  # filled in by who ran it; not part of what two runs must agree in
