"""Runs one trial: starts edges, lets real listeners come as planned, and says what was seen.

Listeners are `stentor.load`'s, in processes of their own. Decides when what begins; whether the
figures are worth anything is said (`void`), never left out.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from stentor.admission.lanes import period_s
from stentor.load.plan import Plan
from stentor.load.report import Histogram, Tally
from stentor.load.run import Sums, run_load
from stentor.media.renditions import DEFAULT_RENDITION
from stentor.rehearsal.trial import VISITS, Checked, Group, Kind, Quantiles, Trial
from stentor.trials.ground import Ground, ground
from stentor.trials.kernel import kernel_bytes, own_bytes
from stentor.trials.meter import Meter
from stentor.trials.plan import FAST, SLOW, SPEED, TrialPlan
from stentor.trials.programme import Programme
from stentor.trials.visit import Visitor

Tell = Callable[[str], None]

FOREIGN_MAX, STOLEN_MAX = 0.05, 0.02
LATE_S_MAX = 0.1
_IDLE_S = 2.0
_STEP_S = 3.0
_JOINED_S = 60.0
_CREW_S = 1.2  # until a load's processes are there
_LAST_S = 1.0
_RENDITION = DEFAULT_RENDITION


class _Load:
    """One load, in a thread: when it began, how it goes, and what came of it."""

    def __init__(self, plan: Plan, tell: Callable[[Sums], None] = lambda _sums: None) -> None:
        self._plan = plan
        self._tell = tell
        self._over = False
        self._error: BaseException | None = None
        self.began_s = 0.0
        self.sums: Sums | None = None
        self.tally = Tally()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.tally = run_load(self._plan, self._look)
        except BaseException as error:
            self._error = error

    def _look(self, sums: Sums) -> bool:
        self.began_s = time.monotonic() - sums.passed_s
        self.sums = sums
        self._tell(sums)
        return self._over

    def await_beginning(self) -> float:
        """Return when its first listener came, or was to; raises what ended it before."""
        while not self.began_s:
            if self._error is not None:
                raise self._error
            if not self._thread.is_alive():
                self.began_s = time.monotonic()
            time.sleep(0.02)
        return self.began_s

    def end(self) -> Tally:
        """Let it end, and return what came of it; raises what went wrong."""
        self._over = True
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self.tally


def run_trial(plan: TrialPlan, programme: Programme, tell: Tell) -> Trial:
    """Run it; raises `StentorError` if it cannot be. `tell` is told how it goes."""
    settings: dict[str, object] = {
        "edge_join_share": plan.join_share,
        "edge_admissions_per_s_max": plan.per_s / plan.edges,
    }
    speed = 1.0
    if plan.kind is Kind.DELIVERIES:
        speed = SPEED
        settings["edge_lane_ms_min"] = 320
    else:
        lane_ms = round(period_s(plan.lane_parts) * 1000)
        settings["edge_lane_ms_min"] = settings["edge_lane_ms_max"] = lane_ms
    tell("starts edges")
    with (
        ground(programme, edges=plan.edges, secure=plan.tls, speed=speed, **settings) as at,
        Meter(at) as meter,
    ):
        trial = _of(plan, at, programme)
        memory = sum(map(own_bytes, at.pids)), kernel_bytes()
        tell("nobody is there")
        meter.begin()
        time.sleep(_IDLE_S)
        meter.end("idle", 0)
        if plan.kind is Kind.DELIVERIES:
            found = _deliveries(plan, at, meter, tell, memory)
        else:
            found = _people(plan, at, meter, tell)
        foreign, stolen = meter.others()
    trial = replace(trial, **found, windows=tuple(meter.windows), foreign=foreign, stolen=stolen)
    return replace(trial, void=_void(trial))


def replace(trial: Trial, **more: object) -> Trial:
    """Return the trial with more that is known of it."""
    import msgspec

    return msgspec.structs.replace(trial, **more)


def _of(plan: TrialPlan, at: Ground, programme: Programme) -> Trial:
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
        edge_bytes=sum(map(own_bytes, at.pids)) / plan.edges,
        media_bits_per_s=programme.bits_per_s(_RENDITION),
    )


def _deliveries(
    plan: TrialPlan, at: Ground, meter: Meter, tell: Tell, before: tuple[int, int]
) -> dict[str, object]:
    """Let listeners come step by step, to the slow lane and then to the fast one too."""
    loads: list[_Load] = []
    there = 0
    found: dict[str, object] = {}
    began_s = time.monotonic()
    try:
        for size in plan.sizes:
            for lane, upto in ((SLOW, there + (size - there) // 2), (FAST, size)):
                count = upto - there
                target = at.target(
                    _RENDITION,
                    period_ms=round(period_s(lane) * 1000),
                    sources_from=10 + 2 * len(loads),
                )
                loads.append(_Load(Plan(target, count, 3600.0, max(0.5, count / 800), decoding=0)))
                there = upto
                _await_joined(at, there, tell)
                time.sleep(0.5)
                if size == plan.size and lane == SLOW:
                    grown = sum(map(own_bytes, at.pids)) - before[0]
                    found["process_bytes"] = grown / there
                    found["kernel_bytes"] = (kernel_bytes() - before[1]) / 2 / there
                meter.begin()
                tell(f"{there:,} listen, {period_s(lane):g} s at a time")
                time.sleep(_STEP_S)
                meter.end(f"deliveries-{lane}", size)
    finally:
        tallies = [one.end() for one in loads]
    total = Tally()
    for one in tallies:
        total.merge(one)
    lasts_s = time.monotonic() - began_s
    return {**found, **_seen(total), "lasts_s": lasts_s}


def _await_joined(at: Ground, count: int, tell: Tell) -> None:
    until_s = time.monotonic() + _JOINED_S
    while (joined := at.counted("joined")["joined"]) < count and time.monotonic() < until_s:
        tell(f"{joined:,.0f} of {count:,} have come")
        time.sleep(0.25)


def _people(plan: TrialPlan, at: Ground, meter: Meter, tell: Tell) -> dict[str, object]:
    """Let the crowd come, and a flood after it if there is to be one."""
    if plan.kind is Kind.LINE:
        visitor = Visitor(at)
        meter.begin()
        visitor.visit(VISITS)
        meter.end("pages", 0)

    def shown(sums: Sums) -> None:
        tell(f"{sums.heard:,} hear, {sums.waiting:,} in line, {sums.stalls:,} stalls")

    meter.begin()
    first = _Load(
        Plan(
            at.target(_RENDITION),
            plan.size,
            plan.lasts_s + _LAST_S,
            plan.comes_s,
            decoding=2,
        ),
        shown,
    )
    began_s = first.await_beginning()
    groups = [Group(plan.size, 0.0, plan.comes_s)]
    tallies = []
    if plan.kind is Kind.CROWD:
        _await_heard(first, plan, began_s)
        meter.end("crowd", plan.size)
    else:
        _sleep_until(began_s + plan.comes_s + 0.5)
        meter.end("comes", plan.size)
        _sleep_until(began_s + plan.flood_from_s - _CREW_S)
        meter.end("listens", plan.size)
        left_s = plan.lasts_s + _LAST_S - plan.flood_from_s
        flood = _Load(
            Plan(
                at.target(_RENDITION, sources_from=60),
                plan.flood,
                left_s,
                plan.flood_s,
                decoding=2,
                seed=2,
            ),
            shown,
        )
        from_s = flood.await_beginning() - began_s
        groups.append(Group(plan.flood, from_s, from_s + plan.flood_s))
        _sleep_until(began_s + from_s + plan.flood_s)
        meter.end("flood", plan.size)
    _sleep_until(began_s + plan.lasts_s)
    meter.end("after", plan.size + plan.flood)
    cpu_s = meter.cpu_between(began_s, began_s + plan.lasts_s)
    tallies.append(first.end())
    if plan.kind is Kind.LINE:
        tallies.append(flood.end())
    total = Tally()
    for one in tallies:
        total.merge(one)
    return {**_seen(total), "cpu_s": cpu_s, "groups": tuple(groups)}


def _await_heard(load: _Load, plan: TrialPlan, began_s: float) -> None:
    until_s = began_s + plan.lasts_s - 1.5
    while time.monotonic() < until_s:
        if load.sums is not None and load.sums.heard >= plan.size:
            return
        time.sleep(0.05)


def _sleep_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.monotonic()))


def _seen(tally: Tally) -> dict[str, object]:
    return {
        "first_audio_s": _quantiles(tally.first_audio_s),
        "served_audio_s": _quantiles(tally.served_audio_s),
        "wait_s": _quantiles(tally.wait_s),
        "told_s": _quantiles(tally.told_s),
        "late_s": _quantiles(tally.late_s),
        "announced": tally.waits_within_20 / max(1, tally.promised),
        "checked": Checked(
            came=tally.wanted,
            heard=tally.heard,
            listening=tally.listeners,
            parts=tally.parts,
            hashed=tally.sampled_parts,
            decoded=tally.decoded_parts,
            broken=tally.differing_parts + tally.undecodable_parts + tally.broken,
            stalls=tally.stalls,
            gaps=tally.gaps,
            lost=tally.lost,
            refused=tally.refused,
        ),
    }


def _quantiles(found: Histogram) -> Quantiles:
    figures = found.figures()
    if figures is None:
        return Quantiles()
    return Quantiles(sum(found.bins.values()), figures["p50"], figures["p95"])


def _void(trial: Trial) -> str:
    """Say why a trial's figures are worth nothing."""
    if trial.apart and trial.foreign > FOREIGN_MAX:
        return f"other programs took {trial.foreign:.0%} of the edges' cores"
    if trial.stolen > STOLEN_MAX:
        return f"the host took {trial.stolen:.0%} of the edges' cores away"
    if trial.late_s.p95 > LATE_S_MAX:
        return f"the listeners themselves were {trial.late_s.p95:.2f} s late to come (p95)"
    if trial.checked.heard < 0.99 * trial.checked.came:
        return f"only {trial.checked.heard:,} of {trial.checked.came:,} heard anything"
    return ""
