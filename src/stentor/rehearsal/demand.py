"""What a scenario asks of a fleet if nobody had to wait: who comes and who listens, by the second.

Expected values from the curves that the simulation draws its people from; a plan rests on them. It
knows nothing of edges, and chance is not in it.
"""

from dataclasses import dataclass
from math import ceil, erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.arrivals import CURVES
from stentor.simulate.fleet.scenario import Scenario, Staying

Floats = NDArray[np.float64]

MEAN_S = 3.0  # arrivals are met as a mean over so long: first audio may take no longer


@dataclass(frozen=True, slots=True)
class Demand:
    """By the second, from the scenario's beginning. People, and people a second."""

    comes_per_s: Floats
    present: Floats  # listening, or inside before the hour
    listening: Floats  # from the hour on, with audio

    @property
    def peak(self) -> float:
        """The most who listen at once."""
        return float(self.listening.max(initial=0.0))

    @property
    def peak_per_s(self) -> float:
        """The most who come a second, as a mean over `MEAN_S`."""
        return float(smoothed(self.comes_per_s).max(initial=0.0))


def demand(scenario: Scenario) -> Demand:
    """Return what is asked. Nobody leaves for a reason of ours, and nobody is turned away."""
    event = scenario.event
    seconds = max(1, ceil(event.lasts_s))
    ends = np.arange(seconds + 1, dtype=np.float64)
    shares = sum(one.share for one in scenario.arrivals) or 1.0
    came = np.zeros(seconds + 1)
    for one in scenario.arrivals:
        at_s, people = CURVES[one.model](one, event)
        span = people[-1] - people[0]
        if span > 0:
            part = (np.interp(ends, at_s, people) - people[0]) / span
            came += event.listeners * one.share / shares * part
    comes = np.diff(came)
    comes[0] += came[0]
    present = _convolved(comes, remaining(scenario.staying, seconds))
    if event.ends_s is not None:
        present[min(seconds, ceil(event.ends_s)) :] = 0.0
    listening = np.where(ends[1:] > event.hour_s, present, 0.0)
    return Demand(comes, present, listening)


def remaining(staying: Staying, seconds: int) -> Floats:
    """Return the share of those who came that is still there after so many seconds (log-normal)."""
    after = np.arange(seconds, dtype=np.float64) + 0.5
    z = np.log(after / max(1e-9, staying.median_s)) / max(1e-9, staying.sigma)
    return np.array([erfc(one / sqrt(2)) / 2 for one in z.tolist()])


def smoothed(per_s: Floats, mean_s: float = MEAN_S) -> Floats:
    """Return the mean over the seconds around each."""
    width = max(1, round(mean_s))
    return np.convolve(per_s, np.full(width, 1.0 / width), mode="same")


def _convolved(comes: Floats, stays: Floats) -> Floats:
    """Return who is there; by Fourier transform, as an evening has many seconds."""
    size = 1 << (2 * len(comes) - 1).bit_length()
    both = np.fft.irfft(np.fft.rfft(comes, size) * np.fft.rfft(stays, size), size)
    return np.maximum(0.0, both[: len(comes)])
