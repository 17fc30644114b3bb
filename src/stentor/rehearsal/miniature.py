"""The fleet in miniature, and what more people or one change more would do to it: simulated.

As many people as a few cores of the fleet have for each, before as many cores: people, network and
memory for each core stay what they are. Cheap, so it can be asked again and again. What is lost is
that many machines even out: a miniature's few are less even, so it is no better than the fleet.
"""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from stentor.rehearsal import found
from stentor.rehearsal.answer import Probe
from stentor.rehearsal.moved import changes
from stentor.simulate.fleet.calibration import Calibration
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.run import simulate
from stentor.simulate.fleet.scenario import Fleet, Scenario, scaled

CROWDS = (1.5, 2.0, 3.0)  # times the scenario's
_PEOPLE_MIN = 2_000  # of a miniature: fewer are no crowd


def probe(
    scenario: Scenario,
    fleet: Fleet,
    calibration: Calibration,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Probe]:
    """Yield what larger crowds find before the same fleet, then what each change does about it.

    Changes are tried on the smallest crowd that broke a promise, else on the largest.
    """
    share = share_of(scenario, fleet)
    whole = replace(scenario, fleet=fleet)

    def ask(change: str, crowd: float, changed: Scenario, known: Calibration, n: int) -> Probe:
        tell(f"{crowd:g} times the crowd in miniature{', ' * bool(change)}{change}")
        small, costs = miniature(changed, known, n, fleet, share)
        course = simulate(
            scaled(small, round(small.event.listeners * crowd)), small.fleet, costs, seed
        )
        return _probe(change, crowd, course)

    hard = CROWDS[-1]
    for crowd in reversed(CROWDS):
        asked = ask("", crowd, whole, calibration, fleet.machines)
        if not asked.holds:
            hard = crowd
        yield asked
    for change, changed, known, n in changes(whole, calibration, fleet.machines):
        if not change.startswith("no slower"):
            yield ask(change, hard, changed, known, n)


def share_of(scenario: Scenario, fleet: Fleet) -> float:
    """Return how much of a fleet its miniature is: a core for each region, or people enough."""
    share = fleet.regions / (fleet.machines * fleet.cores)
    return min(1.0, max(share, _PEOPLE_MIN / scenario.event.listeners))


def miniature(
    scenario: Scenario, calibration: Calibration, machines: int, before: Fleet, share: float
) -> tuple[Scenario, Calibration]:
    """Return the scenario with `share` of its people and of so many of its machines, and its costs.

    There is one machine for each region. Cores that were added to `before` are work that takes
    less, as a machine's cores are whole.
    """
    fleet = scenario.fleet
    each = machines * share / fleet.regions  # of a machine, for each of the miniature's
    cores = max(1, round(before.machines * before.cores * share / fleet.regions))
    cheaper = cores / (each * fleet.cores)
    small = replace(
        fleet,
        machines=fleet.regions,
        cores=cores,
        memory_gib=fleet.memory_gib * each,
        network_gbit_per_s=fleet.network_gbit_per_s * each,
    )
    people = max(1, round(scenario.event.listeners * share))
    scenario = replace(scaled(replace(scenario, fleet=small), people), fleet=small)
    return scenario, calibration.times(cheaper)


def _probe(change: str, crowd: float, course: Course) -> Probe:
    kept = found.promises(course)
    peak = float(found.course_of(course, "listeners").max(initial=0.0))
    waiting = float(found.course_of(course, "waiting").max(initial=0.0))
    return Probe(
        change=change,
        crowd=crowd,
        holds=all(one.kept for one in kept[: found.MUST]),
        first_audio_p95_s=found.quantile(course, "first_audio_s", 0.95),
        waiting=waiting / max(1.0, float(course.scenario.event.listeners)),
        silent=found.stalled_share(course),
        peak=peak / max(1.0, float(course.scenario.event.listeners)),
        step=found.STEPS[int(found.course_of(course, "step_worst").max(initial=0.0))],
        people=course.scenario.event.listeners,
    )
