"""Trials that nobody ran: what would have been measured where things cost what a test says."""

from __future__ import annotations

from msgspec.structs import replace

from stentor.admission.lanes import margin_parts, period_s
from stentor.rehearsal.trial import (
    TWENTIETHS,
    VISITS,
    Checked,
    Group,
    Kind,
    Quantiles,
    Trial,
    Window,
)
from stentor.rehearsal.witnesses import predict, quantile
from stentor.simulate.fleet.calibration import Calibration, Costs
from stentor.simulate.fleet.course import Spread
from stentor.simulate.fleet.gathering import turns

PART_BYTES = 2000.0
SEND_S, BYTE_S = 6e-6, 0.2e-9
SIZES = (100, 200, 400)
_LANES = (3, 12, 48)
_PER_S, _WINDOW_S = 100.0, 2.0


def delivery_s(parts: int) -> float:
    """Return what a delivery costs in these tests."""
    return SEND_S + BYTE_S * PART_BYTES * parts


def welcome_s(parts: int) -> float:
    """Return what a joiner's first parts cost."""
    return BYTE_S * PART_BYTES * (parts + margin_parts(parts))


def truth(
    *, join_s: float = 60e-6, place_s: float = 80e-6, saved_worth: float = 1.0
) -> Calibration:
    """Return what things cost; with TLS the same, as what is tested does not differ."""
    costs = Costs(
        delivery_s={lane: delivery_s(lane) for lane in (1, 3, 6, 12, 24, 48)},
        join_s=join_s,
        place_s=place_s,
        page_s=900e-6,
        memory_bytes=6000.0,
        overhead=1.1,
        notice_s=30e-6,
        wake_s=100e-6,
        beside_s=15e-6,
        saved_worth=saved_worth,
    )
    return Calibration("a test's", 2, True, costs, costs, 0.008, 4e7, 0.005)


def trials(
    costs: Calibration, sizes: tuple[int, ...] = SIZES, ways: tuple[bool, ...] = (False,)
) -> list[Trial]:
    """Return what trials of these sizes would say; `ways` are whether by TLS."""
    found = []
    for tls in ways:
        found.append(_deliveries(costs, sizes, tls=tls))
        for number, size in enumerate(sizes):
            lane = _LANES[number % len(_LANES)]
            found += [_crowd(costs, size, lane, tls=tls), _line(costs, size, lane, tls=tls)]
        found.append(_told(costs, sizes[0], tls=tls))
    return found


def _deliveries(costs: Calibration, sizes: tuple[int, ...], *, tls: bool) -> Trial:
    windows = [_window("idle", 0, costs, 1)]
    for size in sizes:
        windows += [
            _window(f"deliveries-{lane}", size, costs, lane, deliveries=size * 16.0)
            for lane in (48, 3)
        ]
    return replace(
        _trial(Kind.DELIVERIES, sizes[-1], 48, tls=tls),
        windows=tuple(windows),
        process_bytes=2000.0,
        kernel_bytes=4000.0,
    )


def _crowd(costs: Calibration, size: int, lane: int, *, tls: bool) -> Trial:
    comes_s = size / 2000
    windows = (
        _window("idle", 0, costs, lane),
        _window("crowd", size, costs, lane, joined=size),
        _window("after", size, costs, lane, deliveries=size / period_s(lane)),
    )
    return _seen(
        replace(
            _trial(Kind.CROWD, size, lane, tls=tls),
            lasts_s=10.0,
            join_share=0.05,
            groups=(Group(size, 0.0, comes_s),),
            windows=windows,
        ),
        costs,
    )


def _told(costs: Calibration, size: int, *, tls: bool) -> Trial:
    windows = (
        _window("idle", 0, costs, 3),
        _window("told", size, costs, 3, places=size),
    )
    return replace(_trial(Kind.TOLD, size, 3, tls=tls), windows=windows)


def _line(costs: Calibration, size: int, lane: int, *, tls: bool) -> Trial:
    comes_s, flood_s = size / _PER_S, 1.5 * size / (4 * _PER_S)
    lasts_s = comes_s + 1.0 + 1.5 * size / _PER_S + 3.0
    woken = turns(size, min(_WINDOW_S, comes_s), tls=tls)
    windows = (
        _window("idle", 0, costs, lane),
        _window("pages", 0, costs, lane, pages=VISITS),
        _window("comes", size, costs, lane, joined=size, alone=woken),
        _window("flood", size, costs, lane, joined=size / 4, places=size),
        _window("after", size, costs, lane, joined=size, notices=2 * size, alone=woken),
    )
    flood = Group(int(1.5 * size), comes_s + 1.0, comes_s + 1.0 + flood_s)
    return _seen(
        replace(
            _trial(Kind.LINE, size, lane, tls=tls),
            lasts_s=lasts_s,
            per_s=_PER_S,
            groups=(Group(size, 0.0, comes_s), flood),
            windows=windows,
        ),
        costs,
    )


def _window(
    name: str,
    listeners: int,
    costs: Calibration,
    lane: int,
    *,
    deliveries: float = 0.0,
    joined: float = 0.0,
    places: float = 0.0,
    notices: float = 0.0,
    pages: int = 0,
    alone: float = 0.0,
) -> Window:
    one, seconds = costs.plain, _WINDOW_S
    lane = int(name.partition("-")[2] or lane)
    asked_s = (
        joined * (one.join_s + welcome_s(lane))
        + places * one.place_s
        + notices * one.notice_s
        + pages * one.page_s
    )
    cpu_s = (
        costs.edge_s * seconds
        + deliveries * one.delivery_s[lane]
        + asked_s
        + joined * one.beside_s
        + alone * one.wake_s
    )
    return Window(
        name=name,
        listeners=listeners,
        seconds=seconds,
        cpu_s=cpu_s,
        deliveries=deliveries,
        sent_bytes=deliveries * lane * PART_BYTES,
        joined=joined,
        places=places,
        notices=notices + 32.0 * pages,
        asked_s=asked_s,
    )


def _trial(kind: Kind, size: int, lane: int, *, tls: bool) -> Trial:
    return Trial(
        kind=kind,
        size=size,
        tls=tls,
        lane_parts=lane,
        edges=1,
        cores=1,
        apart=True,
        join_share=0.5,
        per_s=0.0,
        at="2026-11-23T00:00:00+00:00",
        lasts_s=1.0,
        edge_bytes=4e7,
        media_bits_per_s=48_000.0,
        checked=Checked(came=size, heard=size, listening=size, parts=size),
    )


def _seen(trial: Trial, costs: Calibration) -> Trial:
    """Let the trial have shown exactly what the simulation says where things cost that."""
    join_s = costs.plain.join_s + welcome_s(trial.lane_parts)
    plain = replace(costs.plain, join_s=join_s)
    predicted = predict(trial, replace(costs, plain=plain, tls=plain))
    return replace(
        trial,
        cpu_s=predicted.cpu_s,
        first_audio_s=_quantiles(predicted.first_audio_s),
        wait_s=_quantiles(predicted.wait_s),
    )


def _quantiles(spread: Spread) -> Quantiles:
    of = int(spread.counts.sum())
    curve = tuple(quantile(spread, share) for share in TWENTIETHS)
    return Quantiles(of, curve[9], curve[18], curve) if of else Quantiles()
