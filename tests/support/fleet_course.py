"""A course as a simulation might have found it, made from the plan's demand: for what reads one.

Nothing here was simulated; it has the shapes, and figures that can be told apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stentor.admission.lanes import LANE_PARTS
from stentor.rehearsal.demand import demand
from stentor.rehearsal.plan import Plan, make_plan, planned_fleet
from stentor.simulate.fleet.calibration import SHIPPED, Calibration
from stentor.simulate.fleet.course import FLEET, PEOPLE, Course, Spread
from stentor.simulate.fleet.scenario import Arrivals, Attack, Event, Fault, Scenario


def a_scenario(name: str = "an interview", listeners: int = 8_000_000) -> Scenario:
    return Scenario(
        name,
        "Eight million people come to an interview within minutes.",
        Event(listeners, lasts_s=3600.0, hour_s=600.0),
        (Arrivals("crowd", spread_s=90.0, reminded=0.2, source="flash events, so goes the model"),),
        sources=("what was published of that evening",),
    )


def a_broken_scenario(name: str = "an evening with everything") -> Scenario:
    from msgspec.structs import replace

    return replace(
        a_scenario(name),
        faults=(Fault("region-lost", 1200.0, 600.0), Fault("control-dead", 2000.0, 600.0)),
        attacks=(Attack("join-flood-many", 500.0, 400.0, 50_000.0, waves=3),),
    )


def spread(edges: NDArray[np.float64], peak: float, people: int) -> Spread:
    """Return a histogram around a peak that holds so many people."""
    middle = (edges[1:] + edges[:-1]) / 2
    weight = np.exp(-(((np.log(middle + 1e-3) - np.log(peak)) / 0.7) ** 2))
    return Spread(edges, np.floor(weight / weight.sum() * people).astype(np.int64))


def a_course(
    scenario: Scenario | None = None,
    calibration: Calibration = SHIPPED,
    *,
    waiting: float = 0.0,
    stalled: int = 0,
    first_audio_s: float = 0.4,
) -> tuple[Course, Plan]:
    scenario = scenario or a_scenario()
    plan = make_plan(scenario, calibration)
    fleet = planned_fleet(scenario, plan)
    asked = demand(scenario)
    n = len(asked.present)
    share = asked.listening / max(1.0, asked.peak)
    seconds = {name: np.zeros(n) for name in FLEET}
    seconds |= {
        "listeners": np.round(asked.listening),
        "waiting": np.round(share * waiting),
        "came": asked.comes_per_s,
        "joined": asked.comes_per_s,
        "cpu": share * 0.3,
        "cpu_worst": share * 0.4,
        "deliveries_cpu": share * 0.2,
        "bits_per_s": share * plan.bits_per_s,
        "network_worst": share * 0.8,
        "memory_worst": share * 0.1,
        "descriptors_worst": share * 0.85,
        "edges": np.full(n, float(fleet.machines * plan.processes_per_machine)),
        "step_median": np.round(share * 2),
        "step_worst": np.round(share * 2),
        "late_s": share * 0.2,
        "stalling": np.round(share * stalled),
    }
    lanes = np.zeros((n, len(LANE_PARTS)), dtype=np.int64)
    level = np.minimum(len(LANE_PARTS) - 1, (share * len(LANE_PARTS)).astype(int))
    for lane in range(len(LANE_PARTS)):
        lanes[:, lane] = np.where(level >= lane, asked.listening / (level + 1), 0)
    heard = int(asked.comes_per_s.sum())
    edges = np.concatenate(([0.0], np.geomspace(0.01, 3600.0, 200)))
    peaks = dict.fromkeys(PEOPLE, 1.0) | {
        "first_audio_s": first_audio_s / 2,
        "served_audio_s": 0.1,
        "wait_s": 40.0,
        "wait_error": 0.05,
        "behind_s": 8.0,
        "back_s": 2.0,
    }
    of = dict.fromkeys(PEOPLE, heard) | {"stalled_s": stalled, "back_s": 0}
    of |= dict.fromkeys(("served_audio_s", "wait_s", "wait_error"), heard // 10 if waiting else 0)
    minutes = np.arange(-(-n // 60))
    course = Course(
        scenario,
        fleet,
        calibration,
        7,
        seconds,
        lanes,
        {name: spread(edges, peaks[name], of[name]) for name in PEOPLE},
        {
            "first_audio_s": np.stack((0.2 + minutes * 0, 0.3 + 0.1 * (minutes % 5)), axis=1),
            "behind_s": np.stack((4 + 2.0 * (minutes > 10), 8 + 6.0 * (minutes > 10)), axis=1),
        },
        {"came": heard, "heard": heard, "stalled": stalled, "never_heard": 0},
        edges=fleet.machines * plan.processes_per_machine,
    )
    return course, plan
