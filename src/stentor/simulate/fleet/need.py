"""What a simulation will take, before it begins: memory, and roughly how long. Arithmetic only.

The figures were measured with `bench/fleet.py`; a test holds the memory to what a run really takes.
"""

from math import ceil

import msgspec

from stentor.base.errors import UsageError
from stentor.simulate.fleet.bots import ACTS_MAX
from stentor.simulate.fleet.calibration import Calibration
from stentor.simulate.fleet.edges import edges_per_machine
from stentor.simulate.fleet.scenario import Fleet, Scenario

_BASE_BYTES = 55e6  # Python, numpy and the code
_ROW_BYTES = 66.0  # of one of the people: columns, and what is drawn at once
_SORT_BYTES = 22.0  # more, while several groups of arrivals are put in order
_EDGE_BYTES = 45e3  # its door, ladder, moves and networks
_SECOND_BYTES = 400.0
_RUSH_BYTES = 25.0  # more, while attacks and faults have very many knock at once
_WATCH_BYTES = 120e6  # of the machine that is watched while somebody attacks
_BEGIN_S = 1.5
_ROW_S, _EDGE_SECOND_S, _SECOND_S = 9e-6, 30e-6, 5e-3
_WATCHED_S = 10e-6  # of an act of an attacker at that machine


class Need(msgspec.Struct, frozen=True):
    """What to expect. `cpu_s` is of one core, on the machine that the figures were taken on."""

    memory_bytes: float
    cpu_s: float


def need(scenario: Scenario, fleet: Fleet, calibration: Calibration) -> Need:
    """Return what a simulation of a scenario before a fleet will take."""
    people, seconds = scenario.event.listeners, ceil(scenario.event.lasts_s)
    edges = fleet.machines * edges_per_machine(scenario, fleet, calibration)
    row_bytes = _ROW_BYTES + (_SORT_BYTES if len(scenario.arrivals) > 1 else 0.0)
    attacks = scenario.attacks
    if attacks or scenario.faults:
        row_bytes += _RUSH_BYTES
    acts = sum(min(ACTS_MAX, one.per_s / max(1, fleet.machines)) * one.for_s for one in attacks)
    return Need(
        memory_bytes=_BASE_BYTES
        + people * row_bytes
        + edges * _EDGE_BYTES
        + seconds * _SECOND_BYTES
        + (_WATCH_BYTES if attacks else 0.0),
        cpu_s=_BEGIN_S
        + people * _ROW_S
        + edges * seconds * _EDGE_SECOND_S
        + seconds * _SECOND_S
        + acts * _WATCHED_S,
    )


def check_fits(needed: Need, available_bytes: float) -> None:
    """Raise `UsageError` with one sentence if there is not so much memory."""
    if needed.memory_bytes > available_bytes:
        raise UsageError(
            f"This simulation needs about {needed.memory_bytes / 1e9:.1f} GB of memory, and "
            f"{available_bytes / 1e9:.1f} GB are there: simulate fewer listeners with --listeners, "
            "or elsewhere."
        )
