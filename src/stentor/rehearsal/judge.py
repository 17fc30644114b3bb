"""From a plan and a simulated course to the answer. Pure: the same two give the same answer.

Decides whether it would hold, and what breaks first; `wording` says so in sentences.
"""

from collections.abc import Iterator, Sequence

from stentor.rehearsal import found
from stentor.rehearsal.answer import (
    FORMAT,
    Answer,
    Basis,
    Figure,
    Limit,
    Outcome,
    Probe,
    Promise,
    Witness,
)
from stentor.rehearsal.moved import by_part, lane_needs, sensitivities
from stentor.rehearsal.plan import Plan
from stentor.rehearsal.published import peers
from stentor.rehearsal.wording import REFUTED, assumed, because, refutation, sentence, sources
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.edges import connections_of

_IN_LINE = 0.001  # of the peak: fewer who wait are no line


def make_answer(
    course: Course,
    plan: Plan,
    *,
    witnesses: Sequence[Witness] = (),
    probes: Sequence[Probe] = (),
    refuted: str = "",
    version: str = "",
    again: str = "",
) -> Answer:
    """Return the answer. `again` is the command that was given, `version` the code's.

    `refuted` says why trials do not bear the simulation out, where their figures alone do not.
    """
    scenario, calibration = course.scenario, course.calibration
    kept = found.promises(course)
    wrong = refutation(witnesses)
    refuted = refuted or wrong
    outcome = _outcome(course, kept)
    figures = tuple(_figures(course, plan))
    limits = _limits(course)
    return Answer(
        format=FORMAT,
        scenario=scenario.name,
        about=scenario.about,
        seed=course.seed,
        version=version,
        machine=calibration.machine,
        costs=Basis.MEASURED if calibration.measured else Basis.ASSUMED,
        outcome=outcome,
        sentence=(REFUTED if refuted else "") + sentence(course, outcome, limits[0], figures),
        because=tuple(because(course, kept, wrong or refuted, plan.machines)),
        refuted=refuted,
        promises=kept,
        figures=figures,
        plan=plan,
        machines=course.fleet.machines,
        cores=course.fleet.cores,
        limits=limits,
        sensitivities=sensitivities(scenario, calibration, course.fleet.machines),
        lanes=lane_needs(scenario, calibration),
        people=tuple(found.quantiles(course)),
        steps=found.stays(course),
        witnesses=tuple(witnesses),
        peers=peers(plan.peak),
        probes=tuple(probes),
        minutes=tuple(found.minutes(course)),
        settings=_settings(course),
        assumed=tuple(assumed(course)),
        sources=sources(course),
        again=again,
    )


def _outcome(course: Course, kept: Sequence[Promise]) -> Outcome:
    if not all(one.kept for one in kept[: found.MUST]):
        return Outcome.FAILS
    waiting = found.course_of(course, "waiting").max(initial=0.0)
    peak = found.course_of(course, "listeners").max(initial=0.0)
    return Outcome.LINE if waiting > _IN_LINE * peak else Outcome.HOLDS


def _settings(course: Course) -> dict[str, str]:
    """Return how each machine has to be set: an edge does not know its interface by itself."""
    fleet, programme = course.fleet, course.scenario.programme
    each = max(1, course.edges // max(1, fleet.machines))
    return {
        "STENTOR_EDGES": f"{each}",
        "STENTOR_EDGE_MEGABITS_MAX": f"{fleet.network_gbit_per_s * 1000 / each:.0f}",
        "STENTOR_EDGE_MEMORY_BYTES_MAX": f"{fleet.memory_gib * (1 << 30) / each:.0f}",
        "STENTOR_EDGE_LANE_MS_MIN": f"{programme.lane_ms_min}",
        "STENTOR_EDGE_LANE_MS_MAX": f"{programme.lane_ms_max}",
        "STENTOR_EDGE_JOIN_SHARE": f"{fleet.join_share:g}",
        "STENTOR_EDGE_ADMISSIONS_PER_S_MAX": f"{fleet.admissions_per_s_max:g}",
        "STENTOR_DOOR_NETWORK_PER_S": f"{fleet.door_network_per_s:g}",
    }


def _limits(course: Course) -> tuple[Limit, ...]:
    """Return what the fleet can run out of, in the order in which it would."""
    fleet = course.fleet
    carries = by_part(course.scenario, course.calibration, fleet.machines)
    carries["cpu"] = min(carries[name] for name in ("cpu", "deliveries", "joins"))
    ceiling = found.USED["descriptors"][1]
    carries["descriptors"] = int(course.edges * connections_of(fleet) * ceiling)
    limits = []
    for name, (used, ceiling, about) in found.USED.items():
        seconds = found.course_of(course, used)
        at = int(seconds.argmax()) if len(seconds) else 0
        share = float(seconds[at]) if len(seconds) else 0.0
        limits.append(Limit(name, about, share, ceiling, float(at), carries[name]))
    return tuple(sorted(limits, key=lambda one: (one.listeners, one.name)))


def _figures(course: Course, plan: Plan) -> Iterator[Figure]:
    scenario, fleet = course.scenario, course.fleet
    sent = found.course_of(course, "bits_per_s")
    total = float(sent.sum()) / 8
    hours = fleet.machines * scenario.event.lasts_s / 3600
    cores = fleet.machines * fleet.cores
    memory = next(one for one in plan.parts if one.name == "memory")
    sim, extra = Basis.SIMULATED, Basis.EXTRAPOLATED
    peak = found.course_of(course, "listeners").max(initial=0.0)
    yield Figure("people", scenario.event.listeners, "people", Basis.ASSUMED, "come in all")
    yield Figure("listeners_peak", float(peak), "people", sim, "listen at once, at most")
    yield Figure(
        "joins_per_s",
        found.peak_per_s(course),
        "a second",
        sim,
        "are let in, at most (mean of 3 s)",
    )
    waiting = found.course_of(course, "waiting").max(initial=0.0)
    yield Figure("waiting_peak", float(waiting), "people", sim, "are in line at once, at most")
    yield Figure("machines", fleet.machines, "machines", Basis.ASSUMED if scenario.fleet.machines
                 else extra, f"that were simulated, of {fleet.cores} cores each")  # fmt: skip
    yield Figure("machines_needed", plan.machines, "machines", extra, "that the plan asks for")
    if scenario.attacks:
        yield Figure("machines_attacked", plan.attacked_machines, "machines", extra,
                     "that people and attackers would take, if nothing kept these out")  # fmt: skip
    yield Figure("processes", course.edges, "processes", sim, "edges, one a core at least")
    used = float(found.course_of(course, "cpu").max(initial=0.0)) * cores
    yield Figure("cores", used, "cores", sim, "busy at once, at most, in all edges")
    yield Figure("memory", memory.needed, "bytes", extra, "memory of listeners and edges, at most")
    yield Figure(
        "bits_per_s",
        float(sent.max(initial=0.0)),
        "bit/s",
        sim,
        "on the wire a second, at most, with packets"
        + (" and TLS" if scenario.programme.tls else ""),
    )
    yield Figure("bytes", total, "bytes", sim, "traffic in all")
    prices = scenario.prices
    cost = hours * prices.machine_hour + total / 1e9 * prices.gigabyte
    yield Figure("cost", cost, prices.currency, extra, "machines and traffic at the stated prices")
    yield Figure("headroom", float(found.headroom(course).min(initial=1.0)), "", sim,
                 "headroom: left of what is scarcest, at the worst second")  # fmt: skip
    stalled = found.stalled_share(course)
    if stalled is not None:
        yield Figure("stalled", stalled, "", sim, "share of those who heard audio that had silence")
    for name, about in found.COUNTS.items():
        if name in course.counts:
            yield Figure(f"people_{name}", course.counts[name], "people", sim, about)
    for name, (about, unit) in found.ATTACKERS.items():
        if name in course.counts:
            yield Figure(name, course.counts[name], unit, sim, about)
