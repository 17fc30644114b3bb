"""What things cost here, fitted to what trials measured: least squares over their stretches.

A delivery costs so much and so much for each byte; whoever comes costs more where they wake the
edge up than in a crowd. What no trial showed stays as it came with the code, and is named. Pure.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from stentor.admission.lanes import LANE_PARTS, margin_parts
from stentor.media.grid import PART_S
from stentor.rehearsal.trial import VISITS, Kind, Trial, Window
from stentor.simulate.fleet.calibration import SHIPPED, Calibration, Costs

Floats = NDArray[np.float64]

# What a packet of 1,448 bytes adds: an IPv4 header, TCP with timestamps, an Ethernet frame.
PACKET_BYTES, PACKET_PAYLOAD = 66, 1448
# What a TLS 1.3 record of at most 16 KiB adds (RFC 8446 5.2): header, type, tag.
RECORD_BYTES, RECORD_PAYLOAD = 22, 16_384
_OVERHEAD_PARTS = 3
_JOINED_MIN = 10


class Fit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The costs, how far sizes were apart in them, and which could not be measured here."""

    calibration: Calibration
    spread: dict[str, tuple[float, float]]  # least and most that one size alone would have given
    shipped: tuple[str, ...]  # names such as "tls.page_s": as they come with the code


class _Way:
    """What a way's trials say, before it is a `Costs`."""

    def __init__(self, trials: Sequence[Trial], base: Costs) -> None:
        self.base = base
        self.shipped: list[str] = []
        alive = [one for one in trials if one.kind is not Kind.DELIVERIES]
        self.edge_s, self.idle_wakes = idle(alive)
        self.sends = _sends([one for one in trials if one.kind is Kind.DELIVERIES])
        if self.sends is None:
            self.shipped.append("delivery_s")
        self.bytes = _delivery_bytes(trials)
        self.asked = self._asked(alive)

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
        """Return what those who come and ask cost, each kind of them; only what was seen."""
        rows, results = [], []
        for trial in trials:
            for window in trial.windows:
                row, result = self._row(trial, window)
                if any(row):
                    rows.append(row)
                    results.append(result)
        names = ("join", "place", "notice", "page", "wake")
        if not rows:
            self.shipped += ["join_s", "place_s", "notice_s", "page_s"]
            return {}
        table, wanted = np.array(rows), np.array(results)
        weights = 1 / np.sqrt(np.maximum(wanted, 0.01))
        found = least_squares(table * weights[:, None], wanted * weights)
        seen = {
            n: float(f) for n, f, some in zip(names, found, np.any(table, axis=0), strict=True) if some
        }
        self.shipped += [f"{n}_s" for n in names[:4] if seen.get(n, 0.0) <= 0.0]
        alone = [w for one in trials if (w := one.window("comes")) and w.joined >= _JOINED_MIN]
        joined = sum(one.joined for one in alone)
        woke = sum(self._woken(one) for one in alone)
        seen["wake"] = seen.get("wake", 0.0) * (woke / joined if joined else 0.0)
        return seen

    def _row(self, trial: Trial, window: Window) -> tuple[list[float], float]:
        if window.name in ("idle",):
            return [0.0] * 5, 0.0
        pages = VISITS if window.name == "pages" else 0
        sent = window.deliveries * self.delivery_s(trial.lane_parts)
        result = window.cpu_s - self.edge_s * window.seconds * trial.edges - sent
        result -= window.joined * self.welcome_s(trial.lane_parts)
        if not (window.joined + window.places + window.notices):
            return [0.0] * 5, 0.0
        notices = 0.0 if pages else window.notices
        return [window.joined, window.places, notices, pages, self._woken(window)], result

    def _woken(self, window: Window) -> float:
        return max(0.0, window.wakes - self.idle_wakes * window.seconds)

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
            overhead=overhead(self.bytes_of(_OVERHEAD_PARTS), media, tls=tls)
            if media and self.bytes
            else base.overhead,
            notice_s=asked.get("notice") or base.notice_s,
            wake_s=asked.get("wake", base.wake_s),
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
    whole, shipped = _calibration(good, machine, cores, at, version, lane_parts, base)
    each = [
        _flat(_calibration(some, machine, cores, at, version, lane_parts, whole)[0])
        for size in sizes(good)
        if (some := of_size(good, size))
    ]
    spread = {
        name: (min(one[name] for one in each), max(one[name] for one in each))
        for name in (_flat(whole) if each else ())
    }
    return Fit(whole, spread, tuple(shipped))


def _calibration(
    trials: Sequence[Trial],
    machine: str,
    cores: int,
    at: str,
    version: str,
    lane_parts: int,
    base: Calibration,
) -> tuple[Calibration, list[str]]:
    found: dict[bool, Costs] = {}
    shipped = []
    for tls, costs in ((False, base.plain), (True, base.tls)):
        mine = [one for one in trials if one.tls is tls]
        way = _Way(mine, costs)
        found[tls] = way.costs(mine, lane_parts, tls=tls)
        shipped += [f"{'tls' if tls else 'plain'}.{name}" for name in way.shipped]
    alive = [one for one in trials if one.kind is not Kind.DELIVERIES]
    edge_s = idle(alive)[0]
    memory = [one.edge_bytes for one in trials if one.edge_bytes]
    first = [
        one.first_audio_s.p50 for one in trials if one.kind is Kind.LINE and one.first_audio_s.of
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
    return sorted({one.size for one in trials if one.kind is not Kind.DELIVERIES})


def of_size(trials: Sequence[Trial], size: int) -> list[Trial]:
    """Return what trials say of one size."""
    return _where(trials, lambda found: found == size)


def without_size(trials: Sequence[Trial], size: int) -> list[Trial]:
    """Return what trials say of all other sizes."""
    return _where(trials, lambda found: found != size)


def _where(trials: Sequence[Trial], wanted: Callable[[int], bool]) -> list[Trial]:
    kept = []
    for one in trials:
        if one.kind is not Kind.DELIVERIES:
            kept += [one] if wanted(one.size) else []
            continue
        windows = tuple(w for w in one.windows if w.name == "idle" or wanted(w.listeners))
        if len(windows) > 1:
            kept.append(replace(one, windows=windows))
    return kept


def idle(trials: Sequence[Trial]) -> tuple[float, float]:
    """Return an edge's CPU a second with nobody there, and how often it then sleeps."""
    windows = [(one.window("idle"), one.edges) for one in trials]
    seconds = sum(w.seconds * edges for w, edges in windows if w)
    if not seconds:
        return 0.0, 0.0
    cpu_s = sum(w.cpu_s for w, _ in windows if w)
    return cpu_s / seconds, sum(w.wakes for w, _ in windows if w) / seconds


def overhead(delivery_bytes: float, media_bits_per_s: float, *, tls: bool) -> float:
    """Return bytes on the wire against bytes of programme, of a delivery in the 0.96 s lane.

    The bytes of a delivery are measured; packets and TLS records are computed from them.
    """
    records = -(-delivery_bytes // RECORD_PAYLOAD) if tls else 0
    sent = delivery_bytes + records * RECORD_BYTES
    wire = sent + -(-sent // PACKET_PAYLOAD) * PACKET_BYTES
    return float(wire / (media_bits_per_s / 8 * _OVERHEAD_PARTS * PART_S))


def least_squares(table: Floats, wanted: Floats) -> Floats:
    """Return the factors of least squares, none below zero: what would be is left out."""
    kept: NDArray[np.bool_] = np.any(table, axis=0)
    found = np.zeros(table.shape[1])
    while kept.any():
        some, *_ = np.linalg.lstsq(table[:, kept], wanted, rcond=None)
        if (some >= 0).all():
            found[kept] = some
            break
        at = np.flatnonzero(kept)
        kept[at[int(np.argmin(some))]] = False
    return found


def _sends(trials: Sequence[Trial]) -> tuple[float, float] | None:
    """Return what a send costs, and what each of its bytes does."""
    rows, wanted = [], []
    for one in trials:
        edge_s, _ = idle([one])
        for window in one.windows:
            if window.deliveries:
                rows.append((window.deliveries, window.sent_bytes))
                wanted.append(window.cpu_s - edge_s * window.seconds * one.edges)
    if len(rows) < 2:
        return None
    table, cpu_s = np.array(rows), np.array(wanted)
    weights = 1 / np.sqrt(np.maximum(cpu_s, 1e-3))
    each, byte = least_squares(table * weights[:, None], cpu_s * weights)
    return (float(each), float(byte)) if each > 0 else None


def _delivery_bytes(trials: Sequence[Trial]) -> dict[int, float]:
    """Return the bytes of a delivery, by the parts of the lanes that were seen."""
    sums: dict[int, list[float]] = {}
    for one in trials:
        if one.kind is Kind.DELIVERIES:
            continue
        for window in one.windows:
            found = sums.setdefault(one.lane_parts, [0.0, 0.0])
            found[0] += window.deliveries
            found[1] += window.sent_bytes
    return {parts: sent / count for parts, (count, sent) in sums.items() if count}


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
            "memory_bytes",
            "overhead",
        ):
            flat[f"{way}.{name}"] = getattr(costs, name)
        for parts, cost_s in costs.delivery_s.items():
            flat[f"{way}.delivery_s.{parts}"] = cost_s
    return flat
