"""Runs one trial: starts edges, lets real listeners come as planned, and says what was seen.

Listeners are `stentor.load`'s, in processes of their own. Decides when what begins; whether the
figures are worth anything is said (`void`), never left out.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from stentor.admission.lanes import period_s
from stentor.base.settings import Settings
from stentor.load.plan import Plan
from stentor.load.run import Sums
from stentor.media.renditions import DEFAULT_RENDITION
from stentor.rehearsal.trial import VISITS, Group, Kind, Trial
from stentor.rehearsal.tried import told_tried, tried
from stentor.trials.ground import Ground, ground
from stentor.trials.kernel import kernel_bytes, own_bytes
from stentor.trials.loads import Loads
from stentor.trials.meter import Meter
from stentor.trials.plan import FAST, IDLE_S, SLOW, SPEED, STEP_S, TrialPlan
from stentor.trials.programme import Programme
from stentor.trials.seen import seen, why_void
from stentor.trials.times import Once, together
from stentor.trials.visit import Visitor

Tell = Callable[[str], None]

DECODING = 2  # listeners of each load who decode all that they get
_PER_PROCESS_MIN = 50
_COME_PER_S = 800.0  # while deliveries are measured
_SETTLE_S = 0.5
_JOINED_S = 60.0
_CREW_S = 1.2  # until a load's processes are there
_AFTER_S = 1.0
_GONE_S = 0.5  # until edges have seen that a crowd has gone
_PATIENCE_S = 5.0  # for a crowd to hear that takes longer than planned
_LAST_S = 1.0  # that listeners stay after the last look
_LONG_S = 3600.0
_RENDITION = DEFAULT_RENDITION
_AS_SHIPPED = Settings()


def run_trial(
    plan: TrialPlan,
    programme: Programme,
    version: str,
    tell: Tell,
    deployment: Settings = _AS_SHIPPED,
) -> Trial:
    """Run it; raises `StentorError` if it cannot be. `tell` is told how it goes.

    `version` is the digest of the code. Edges have the `deployment`'s settings where a trial has
    none of its own; its certificate too, as to sign by one costs more than by another.
    """
    settings = settings_of(plan, deployment)
    speed = SPEED if plan.kind is Kind.DELIVERIES else 1.0
    tell("edges start")
    with (
        ground(programme, edges=plan.edges, secure=plan.tls, speed=speed, **settings) as at,
        Meter(at) as meter,
    ):
        trial = replace(_of(plan, at, programme, version), settings=told_tried(deployment))
        tell("nobody is there")
        meter.begin()
        time.sleep(IDLE_S)
        meter.end("idle", 0)
        if plan.kind is Kind.DELIVERIES:
            with Loads() as loads:
                found = _deliveries(plan, at, meter, loads, tell)
            others = meter.others()
            windows = tuple(meter.windows)
            trial = replace(trial, **found, windows=windows, foreign=others.foreign)
            trial = replace(trial, stolen=others.stolen)
            return replace(trial, void=why_void(trial))
        if plan.kind is Kind.LINE:
            _pages(at, meter, tell)
        trial = replace(trial, windows=tuple(meter.windows))
        return together(trial, [_once(plan, at, meter, n, tell) for n in range(plan.times)])


def settings_of(plan: TrialPlan, deployment: Settings) -> dict[str, object]:
    """Return an edge's settings in a trial, without where it lies and is reached."""
    lane_ms = round(period_s(plan.lane_parts) * 1000)
    any_lane = plan.kind is Kind.DELIVERIES  # listeners say which lane they want
    return {
        **tried(deployment),
        "edge_join_share": plan.join_share,
        "edge_admissions_per_s_max": plan.per_s / plan.edges,
        "edge_lane_ms_min": round(period_s(1) * 1000) if any_lane else lane_ms,
        "edge_lane_ms_max": lane_ms,
    }


def _of(plan: TrialPlan, at: Ground, programme: Programme, version: str) -> Trial:
    return Trial(
        kind=plan.kind,
        size=plan.size,
        tls=plan.tls,
        lane_parts=plan.lane_parts,
        edges=plan.edges,
        cores=len(at.cores.edges),
        apart=at.cores.apart,
        join_share=plan.join_share,
        per_s=plan.per_s / plan.edges,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        lasts_s=plan.lasts_s,
        version=version,
        round=plan.round,
        edge_bytes=sum(map(own_bytes, at.pids)) / plan.edges,
        media_bits_per_s=programme.bits_per_s(_RENDITION),
    )


def _deliveries(
    plan: TrialPlan, at: Ground, meter: Meter, loads: Loads, tell: Tell
) -> dict[str, object]:
    """Let listeners come step by step, to the slow lane and then to the fast one too."""
    before = sum(map(own_bytes, at.pids)), kernel_bytes()
    there, began_s = 0, time.monotonic()
    found: dict[str, object] = {}
    for size in plan.sizes:
        for lane, upto in ((SLOW, there + (size - there) // 2), (FAST, size)):
            count = upto - there
            target = at.target(
                _RENDITION,
                period_ms=round(period_s(lane) * 1000),
                sources_from=10 + 2 * len(loads),
            )
            comes_s = max(0.5, count / _COME_PER_S)
            loads.begin(Plan(target, count, _LONG_S, comes_s, _processes(at, count), decoding=0))
            there = upto
            _await_joined(at, there, tell)
            time.sleep(_SETTLE_S)
            if size == plan.size and lane == SLOW:
                grown = sum(map(own_bytes, at.pids)) - before[0]
                found["process_bytes"] = grown / there
                found["kernel_bytes"] = (kernel_bytes() - before[1]) / 2 / there
            meter.begin()
            tell(f"{there:,} listen, {period_s(lane):g} s at a time")
            time.sleep(STEP_S)
            meter.end(f"deliveries-{lane}", size)
    return {**found, **seen(loads.end()), "lasts_s": time.monotonic() - began_s}


def _processes(at: Ground, count: int) -> int:
    """Return as many processes for listeners as there are cores for them."""
    return max(1, min(len(at.cores.others), count // _PER_PROCESS_MIN))


def _await_joined(at: Ground, count: int, tell: Tell) -> None:
    until_s = time.monotonic() + _JOINED_S
    while (joined := at.counted("joined")["joined"]) < count and time.monotonic() < until_s:
        tell(f"{joined:,.0f} of {count:,} have come")
        time.sleep(0.25)


def _once(plan: TrialPlan, at: Ground, meter: Meter, number: int, tell: Tell) -> Once:
    """Let all of them come, hear and go."""
    which = f"{number + 1} of {plan.times}: " if plan.times > 1 else ""
    if number:
        time.sleep(_GONE_S)
    earlier = len(meter.windows)
    meter.alone()
    meter.begin()
    with Loads() as loads:
        began_s, groups = _people(plan, at, meter, loads, lambda line: tell(which + line))
        _sleep_until(began_s + plan.lasts_s)
        meter.end("after", plan.size + plan.flood)
        cpu_s, piece_s = meter.between(began_s, began_s + plan.lasts_s)
        others = meter.others()
        if plan.kind is Kind.CROWD:  # on a slow machine the last are still to hear
            _await(lambda: loads.heard >= plan.first, began_s + plan.lasts_s + _PATIENCE_S)
        tally = loads.end()
    return Once(tally, groups, tuple(meter.windows[earlier:]), cpu_s, piece_s, others)


def _people(
    plan: TrialPlan, at: Ground, meter: Meter, loads: Loads, tell: Tell
) -> tuple[float, tuple[Group, ...]]:
    """Let the crowd come, and a flood after it if there is to be one; return when it began."""

    def shown(sums: Sums) -> None:
        tell(f"{sums.heard:,} hear, {sums.waiting:,} in line, {sums.stalls:,} stalls")

    lasts_s = plan.lasts_s + (_PATIENCE_S if plan.kind is Kind.CROWD else 0.0) + _LAST_S
    first = loads.begin(
        Plan(
            at.target(_RENDITION),
            plan.first,
            lasts_s,
            plan.comes_s,
            _processes(at, plan.first),
            decoding=DECODING,
        ),
        shown,
    )
    began_s = first.await_beginning()
    groups = [Group(plan.first, 0.0, plan.comes_s)]
    if plan.kind is Kind.TOLD:
        _await(lambda: first.waiting >= plan.first, began_s + plan.lasts_s)
        meter.end("told", plan.size)
    elif plan.kind is Kind.CROWD:
        _await(lambda: first.heard >= plan.first, began_s + plan.lasts_s - _AFTER_S)
        meter.end("crowd", plan.size)
    else:
        _sleep_until(began_s + plan.comes_s + _SETTLE_S)
        meter.end("comes", plan.size)
        _sleep_until(began_s + plan.flood_from_s - _CREW_S)
        meter.end("listens", plan.size)
        flood = Plan(
            at.target(_RENDITION, sources_from=60),
            plan.flood,
            lasts_s - plan.flood_from_s,
            plan.flood_s,
            _processes(at, plan.flood),
            decoding=DECODING,
            seed=2,
        )
        from_s = loads.begin(flood, shown).await_beginning() - began_s
        groups.append(Group(plan.flood, from_s, from_s + plan.flood_s))
        _sleep_until(began_s + from_s + plan.flood_s)
        meter.end("flood", plan.size)
    return began_s, tuple(groups)


def _pages(at: Ground, meter: Meter, tell: Tell) -> None:
    tell("the page is visited")
    visitor = Visitor(at)
    meter.begin()
    visitor.visit(VISITS)
    meter.end("pages", 0)


def _await(over: Callable[[], bool], until_s: float) -> None:
    while not over() and time.monotonic() < until_s:
        time.sleep(0.05)


def _sleep_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.monotonic()))
