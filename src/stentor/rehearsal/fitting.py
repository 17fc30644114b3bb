"""What things cost here, fitted to what trials measured, stretch by stretch.

A delivery costs so much and so much for each byte (least squares). Who comes costs more where they
wake the edge up than in a crowd. All costs are those at one speed of the machine (`speed`). What no
trial showed stays as it came with the code, and is named. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from stentor.admission.lanes import LANE_PARTS, margin_parts
from stentor.rehearsal.crowds import tell
from stentor.rehearsal.deliveries import OVERHEAD_PARTS, delivery_bytes, idle, overhead, sends
from stentor.rehearsal.speed import at_speed, usual_piece_s
from stentor.rehearsal.trial import VISITS, Kind, Trial, Window
from stentor.simulate.fleet.calibration import SHIPPED, Calibration, Costs
from stentor.simulate.fleet.gathering import gathered_s, turns

Floats = NDArray[np.float64]

_JOINED_MIN, _DELIVERIES_MIN = 10, 500
_JOINED_LATE = 10  # more, and a crowd was not over yet
_ASKED = ("join", "place", "notice", "page", "wake", "beside")  # what who comes and asks costs


class Fit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The costs, how far sizes were apart in them, and which could not be measured here."""

    calibration: Calibration
    spread: dict[str, tuple[float, float]]  # least and most that one size alone would have given
    shipped: tuple[str, ...]  # names such as "tls.page_s": as they come with the code
    piece_s: float = 0.0  # the machine's speed that they are for; 0: unknown


@dataclass(slots=True)
class _Sum:
    """Several stretches together."""

    windows: int = 0
    cpu_s: float = 0.0  # without deliveries, and without what an edge takes anyway
    asked_s: float = 0.0
    welcome_s: float = 0.0  # of those, for the first parts of who joined
    joined: float = 0.0
    places: float = 0.0
    notices: float = 0.0
    turns: float = 0.0  # of edges for those who joined, if they came evenly
    # Of each stretch with people, for one who joined, without their first parts.
    cpu_each_s: list[float] = field(default_factory=list)
    asked_each_s: list[float] = field(default_factory=list)


class _Way:
    """What a way's trials say, before it is a `Costs`."""

    def __init__(self, trials: Sequence[Trial], base: Costs, usual_s: float, *, tls: bool) -> None:
        self.base, self._tls = base, tls
        self.shipped: list[str] = []
        crowds = [one for one in trials if one.kind is Kind.CROWD]
        trials = [at_speed(one, usual_s) for one in trials]
        alive = [one for one in trials if one.kind is not Kind.DELIVERIES]
        self.edge_s = idle(alive)
        self.sends = sends([one for one in trials if one.kind is Kind.DELIVERIES])
        if self.sends is not None:
            self.sends = self._in_life(self.sends, alive)
        if self.sends is None:
            self.shipped.append("delivery_s")
        self.bytes = delivery_bytes(trials)
        self._told = tell(crowds, usual_s, self.welcome_s, tls=tls)
        if self._told is None:
            self.shipped.append("saved_worth")
        self.asked = self._asked(alive)

    def _in_life(self, sends: tuple[float, float], trials: Sequence[Trial]) -> tuple[float, float]:
        """Return what a send costs where the programme is as fast as life, if that is more.

        Sixteen times as fast, sockets are still in the processor's caches when they come round.
        """
        more_s = []
        for one in trials:
            for window in one.named("after") if one.kind is Kind.CROWD else ():
                if window.deliveries < _DELIVERIES_MIN or window.joined > _JOINED_LATE:
                    continue
                used_s = window.cpu_s - self.edge_s * window.seconds * one.edges
                known_s = sends[0] * window.deliveries + sends[1] * window.sent_bytes
                more_s.append((used_s - known_s) / window.deliveries)
        return sends[0] + max(0.0, median(more_s) if more_s else 0.0), sends[1]

    def delivery_s(self, parts: int) -> float:
        """Return the CPU of a delivery of so many parts."""
        if self.sends is None or not self.bytes:
            known = sorted(self.base.delivery_s)
            return float(np.interp(parts, known, [self.base.delivery_s[one] for one in known]))
        return self.sends[0] + self.sends[1] * self.bytes_of(parts)

    def bytes_of(self, parts: int) -> float:
        """Return the bytes of so many parts: seen, or in proportion to the nearest that was."""
        near = min(self.bytes, key=lambda one: abs(one - parts))
        return self.bytes[near] / near * parts

    def welcome_s(self, parts: int) -> float:
        """Return what a joiner's first parts cost to send, beyond the join itself."""
        if self.sends is None or not self.bytes:
            return 0.0
        return self.sends[1] * self.bytes_of(parts + margin_parts(parts))

    def _asked(self, trials: Sequence[Trial]) -> dict[str, float]:
        """Return what those who come and ask cost; only what was seen, and of that a little.

        In a crowd each costs what the edge itself spends on them (`asked_s`), which is what limits
        how many are let in, and something beside that. Who comes while the edge has nothing to do
        wakes it up, or shares in a turn that does; what a turn costs is told by who came so.
        """
        crowd = self._sum("crowd", trials)
        found: dict[str, float] = {}
        if not crowd.asked_each_s:
            self.shipped += [f"{name}_s" for name in _ASKED]
            return found
        # What an edge did not get out of its joiners' share counts too.
        told_s = self._told.join_s if self._told else 0.0
        asked_s = max(0.0, told_s or median(crowd.asked_each_s))
        found["join"] = asked_s
        found["beside"] = max(0.0, median(crowd.cpu_each_s) - asked_s)
        each_s = found["join"] + found["beside"]
        comes = self._sum("comes", trials)
        if comes.joined:
            more_s = comes.cpu_s - comes.welcome_s - comes.joined * each_s
            found["wake"] = max(0.0, more_s / comes.turns)
        told = self._sum("told", trials)
        if told.places:
            found["place"] = told.asked_s / told.places
        after = self._sum("after", [one for one in trials if one.kind is Kind.LINE])
        if after.notices:
            joins_s = after.joined * each_s + after.turns * found.get("wake", 0.0) + after.welcome_s
            found["notice"] = max(0.0, (after.cpu_s - joins_s) / after.notices)
        pages = self._sum("pages", trials)
        if pages.windows:
            found["page"] = pages.asked_s / (VISITS * pages.windows)
        self.shipped += [f"{name}_s" for name in _ASKED if name not in found]
        return found

    def _sum(self, name: str, trials: Sequence[Trial]) -> _Sum:
        """Return what the stretches of a name took beyond deliveries and idleness."""
        total = _Sum()
        for trial in trials:
            before = trial.window("idle")  # where only the trial itself asks, once
            look_s = before.asked_s if before else 0.0
            for window in trial.named(name):
                sent_s = window.deliveries * self.delivery_s(trial.lane_parts)
                idle_s = self.edge_s * window.seconds * trial.edges
                cpu_s = max(0.0, window.cpu_s - sent_s - idle_s)
                asked_s = max(0.0, window.asked_s - look_s)
                total.windows += 1
                total.cpu_s += cpu_s
                total.asked_s += asked_s
                if window.joined >= _JOINED_MIN:
                    welcome_s = self.welcome_s(trial.lane_parts)
                    total.cpu_each_s.append(cpu_s / window.joined - welcome_s)
                    total.asked_each_s.append(asked_s / window.joined - welcome_s)
                total.joined += window.joined
                total.places += window.places
                total.notices += window.notices
                total.welcome_s += window.joined * self.welcome_s(trial.lane_parts)
                total.turns += trial.edges * turns(
                    window.joined / trial.edges, _for_s(trial, window), tls=self._tls
                )
        return total

    def costs(self, trials: Sequence[Trial], parts: int, *, tls: bool) -> Costs:
        """Return them, for a lane of so many parts."""
        base, asked = self.base, self.asked
        memory = [
            one.process_bytes + one.kernel_bytes
            for one in trials
            if one.kind is Kind.DELIVERIES and min(one.process_bytes, one.kernel_bytes) > 0
        ]
        if not memory:
            self.shipped.append("memory_bytes")
        media = next((one.media_bits_per_s for one in trials if one.media_bits_per_s), 0.0)
        if not (media and self.bytes):
            self.shipped.append("overhead")
        join_s = asked.get("join", 0.0)
        return Costs(
            delivery_s={lane: self.delivery_s(lane) for lane in LANE_PARTS},
            join_s=join_s + self.welcome_s(parts) if join_s > 0 else base.join_s,
            place_s=asked.get("place") or base.place_s,
            page_s=asked.get("page") or base.page_s,
            memory_bytes=float(np.mean(memory)) if memory else base.memory_bytes,
            overhead=overhead(self.bytes_of(OVERHEAD_PARTS), media, tls=tls)
            if media and self.bytes
            else base.overhead,
            notice_s=asked.get("notice") or base.notice_s,
            wake_s=asked.get("wake", base.wake_s),
            beside_s=asked.get("beside", base.beside_s),
            saved_worth=self._told.saved_worth if self._told else base.saved_worth,
        )


def fit(
    trials: Sequence[Trial],
    *,
    machine: str,
    cores: int,
    at: str = "",
    version: str = "",
    lane_parts: int = LANE_PARTS[-1],
    base: Calibration = SHIPPED,
) -> Fit:
    """Return what the trials say things cost; void ones say nothing.

    `lane_parts` is the lane whose first parts a joiner is sent: the slowest, if it is not said,
    where they cost most.
    """
    good = [one for one in trials if not one.void]
    usual_s = usual_piece_s(good)
    whole, shipped = _calibration(good, machine, cores, at, version, lane_parts, base, usual_s)
    each = [
        _flat(_calibration(some, machine, cores, at, version, lane_parts, whole, usual_s)[0])
        for size in sizes(good)
        if (some := of_size(good, size))
    ]
    spread = {
        name: (min(one[name] for one in each), max(one[name] for one in each))
        for name in (_flat(whole) if each else ())
    }
    return Fit(whole, spread, tuple(shipped), usual_s)


def _calibration(
    trials: Sequence[Trial],
    machine: str,
    cores: int,
    at: str,
    version: str,
    lane_parts: int,
    base: Calibration,
    usual_s: float,
) -> tuple[Calibration, list[str]]:
    found: dict[bool, Costs] = {}
    shipped = []
    for tls, costs in ((False, base.plain), (True, base.tls)):
        mine = [one for one in trials if one.tls is tls]
        way = _Way(mine, costs, usual_s, tls=tls)
        found[tls] = way.costs(mine, lane_parts, tls=tls)
        shipped += [f"{'tls' if tls else 'plain'}.{name}" for name in way.shipped]
    alive = [one for one in trials if one.kind is not Kind.DELIVERIES]
    edge_s = idle([at_speed(one, usual_s) for one in alive])
    memory = [one.edge_bytes for one in trials if one.edge_bytes]
    first = [
        max(0.0, one.first_audio_s.p50 - gathered_s(_came_per_s(one)))
        for one in trials
        if one.kind is Kind.LINE and one.first_audio_s.of
    ]
    for name, known in (("edge_s", edge_s), ("edge_bytes", memory), ("first_audio_s", first)):
        if not known:
            shipped.append(name)
    measured = bool(trials) and not {"plain.join_s", "tls.join_s"} <= set(shipped)
    return (
        Calibration(
            machine=machine,
            cores=cores,
            measured=measured,
            plain=found[False],
            tls=found[True],
            edge_s=edge_s or base.edge_s,
            edge_bytes=float(np.mean(memory)) if memory else base.edge_bytes,
            first_audio_s=float(np.median(first)) if first else base.first_audio_s,
            at=at,
            version=version,
        ),
        shipped,
    )


def sizes(trials: Sequence[Trial]) -> list[int]:
    """Return the sizes that trials had, rising."""
    return sorted({one.size for one in trials if one.kind in (Kind.CROWD, Kind.LINE)})


def of_size(trials: Sequence[Trial], size: int) -> list[Trial]:
    """Return what trials say of one size."""
    return _where(trials, lambda found: found == size)


def without_size(trials: Sequence[Trial], size: int) -> list[Trial]:
    """Return what trials say of all other sizes."""
    return _where(trials, lambda found: found != size)


def _where(trials: Sequence[Trial], wanted: Callable[[int], bool]) -> list[Trial]:
    kept = []
    for one in trials:
        if one.kind is Kind.TOLD:  # is of one size, and predicted from no other
            kept.append(one)
            continue
        if one.kind is not Kind.DELIVERIES:
            kept += [one] if wanted(one.size) else []
            continue
        windows = tuple(w for w in one.windows if w.name == "idle" or wanted(w.listeners))
        if len(windows) > 1:
            kept.append(replace(one, windows=windows))
    return kept


def _came_per_s(trial: Trial) -> float:
    """Return how many of who came first came to an edge a second."""
    first = trial.groups[0]
    return first.count / max(1e-3, first.until_s - first.from_s) / trial.edges


def _for_s(trial: Trial, window: Window) -> float:
    """Return for how long people came in a stretch."""
    first = trial.groups[0] if trial.groups else None
    if window.name == "comes" and first is not None:
        return min(window.seconds, first.until_s - first.from_s)
    per_s = trial.per_s * trial.edges
    return min(window.seconds, window.joined / per_s) if per_s > 0 else window.seconds


def _flat(found: Calibration) -> dict[str, float]:
    """Return every figure by name."""
    flat = {
        "edge_s": found.edge_s,
        "edge_bytes": found.edge_bytes,
        "first_audio_s": found.first_audio_s,
    }
    for way, costs in (("plain", found.plain), ("tls", found.tls)):
        for name in (
            "join_s",
            "place_s",
            "page_s",
            "notice_s",
            "wake_s",
            "beside_s",
            "saved_worth",
            "memory_bytes",
            "overhead",
        ):
            flat[f"{way}.{name}"] = getattr(costs, name)
        for parts, cost_s in costs.delivery_s.items():
            flat[f"{way}.delivery_s.{parts}"] = cost_s
    return flat
