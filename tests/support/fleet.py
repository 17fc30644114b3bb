"""Small fleets and short scenarios, for tests of `simulate.fleet` that take less than a second."""

import msgspec

from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.run import simulate
from stentor.simulate.fleet.scenario import (
    Arrivals,
    Attack,
    Event,
    Fault,
    Fleet,
    Scenario,
    Staying,
)

_with = msgspec.structs.replace
SMALL = Fleet(machines=3, regions=3, cores=2)


def evening(
    *faults: Fault,
    attacks: tuple[Attack, ...] = (),
    listeners: int = 1_500,
    lasts_s: float = 120,
    ends_s: float | None = None,
    more: tuple[Arrivals, ...] = (),
) -> Scenario:
    """Return two minutes: all are there after 40 s and stay, but for what goes wrong."""
    here = 1.0 - sum(one.share for one in more)
    return Scenario(
        "evening",
        "for a test",
        Event(listeners, lasts_s, hour_s=20, ends_s=ends_s),
        (Arrivals("steady", here, until_s=40), *more),
        staying=Staying(median_s=10_000, sigma=0.1, returns=1.0),
        faults=faults,
        attacks=attacks,
    )


def course(scenario: Scenario, fleet: Fleet = SMALL, seed: int = 7) -> Course:
    """Return what becomes of it on a small fleet."""
    return simulate(scenario, fleet, SHIPPED, seed)


def hurried(scenario: Scenario, times: float) -> Scenario:
    """Return a scenario in which all comes and goes so many times sooner."""

    def sooner(at_s: float | None) -> float | None:
        return None if at_s is None else at_s / times

    event, staying = scenario.event, scenario.staying
    return _with(
        scenario,
        event=_with(
            event,
            lasts_s=event.lasts_s / times,
            hour_s=event.hour_s / times,
            ends_s=sooner(event.ends_s),
        ),
        arrivals=tuple(
            _with(
                one,
                from_s=one.from_s / times,
                until_s=sooner(one.until_s),
                spread_s=one.spread_s / times,
                points=tuple((at_s / times, n) for at_s, n in one.points),
            )
            for one in scenario.arrivals
        ),
        staying=_with(
            staying, median_s=staying.median_s / times, patience_s=staying.patience_s / times
        ),
        faults=tuple(
            _with(one, at_s=one.at_s / times, for_s=one.for_s / times) for one in scenario.faults
        ),
        attacks=tuple(
            _with(one, from_s=one.from_s / times, for_s=one.for_s / times)
            for one in scenario.attacks
        ),
    )
