"""What a delivery costs and how many bytes it has, as trials showed. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stentor.media.grid import PART_S
from stentor.rehearsal.trial import Kind, Trial

Floats = NDArray[np.float64]

# What a packet of 1,448 bytes adds: an IPv4 header, TCP with timestamps, an Ethernet frame.
PACKET_BYTES, PACKET_PAYLOAD = 66, 1448
# What a TLS 1.3 record of at most 16 KiB adds (RFC 8446 5.2): header, type, tag.
RECORD_BYTES, RECORD_PAYLOAD = 22, 16_384
OVERHEAD_PARTS = 3  # the lane that `overhead` is of


def idle(trials: Sequence[Trial]) -> float:
    """Return an edge's CPU a second with nobody there."""
    windows = [(one.window("idle"), one.edges) for one in trials]
    seconds = sum(w.seconds * edges for w, edges in windows if w)
    return sum(w.cpu_s for w, _ in windows if w) / seconds if seconds else 0.0


def overhead(delivery_bytes: float, media_bits_per_s: float, *, tls: bool) -> float:
    """Return bytes on the wire against bytes of programme, of a delivery in the 0.96 s lane.

    The bytes of a delivery are measured; packets and TLS records are computed from them.
    """
    records = -(-delivery_bytes // RECORD_PAYLOAD) if tls else 0
    sent = delivery_bytes + records * RECORD_BYTES
    wire = sent + -(-sent // PACKET_PAYLOAD) * PACKET_BYTES
    return float(wire / (media_bits_per_s / 8 * OVERHEAD_PARTS * PART_S))


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


def sends(trials: Sequence[Trial]) -> tuple[float, float] | None:
    """Return what a send costs, and what each of its bytes does."""
    rows, wanted = [], []
    for one in trials:
        edge_s = idle([one])
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


def delivery_bytes(trials: Sequence[Trial]) -> dict[int, float]:
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
