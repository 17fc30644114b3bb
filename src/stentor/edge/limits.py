"""The edge's limits, drawn once from settings and from what the kernel allows this process."""

import resource
from dataclasses import dataclass
from os import sched_getaffinity

from stentor.admission.lanes import lane_for_period
from stentor.base.machine import DESCRIPTORS_RESERVED
from stentor.base.settings import Settings
from stentor.edge.networks import NetworkLimits, read_blocks
from stentor.media.grid import PART_S, PARTS_PER_SEGMENT

SHELF_SEGMENTS = 8
# What a playlist names must be there: its segments, the one in the making, and one for who is late.
WINDOW_PARTS = (SHELF_SEGMENTS + 2) * PARTS_PER_SEGMENT


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one edge process; times in nanoseconds, for comparing with the clock."""

    connections_max: int
    head_ns: int
    idle_ns: int
    stalled_ns: int
    listener_stalled_ns: int
    reload_ns: int
    reloads_max: int
    downloads_max: int
    room_listeners_max: int
    lag_parts_max: int
    fastest_parts: int
    moves_per_s: float
    cores: float  # that this process has for itself: at most one
    join_share: float  # of wall time, for this process
    accepts_per_turn: int
    backlog: int
    unsent_bytes: int
    rooms_max: int
    drain_ns: int
    network: NetworkLimits
    unfinished_bytes_max: int
    sent_bytes_min: int  # in `stalled_ns`
    listener_bytes_min: int  # in `listener_stalled_ns`
    memory_bytes_max: int


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def descriptors_max() -> int:
    """Raise this process's limit of descriptors as far as it goes, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):
            pass
    return soft if soft != resource.RLIM_INFINITY else 1_000_000


def draw_limits(settings: Settings) -> Limits:
    """Return the limits that hold for this process."""
    possible = max(16, descriptors_max() - DESCRIPTORS_RESERVED)
    wanted = settings.edge_connections_max or possible
    connections_max = min(wanted, possible)
    cores = min(1.0, len(sched_getaffinity(0)) / settings.edges)
    return Limits(
        connections_max=connections_max,
        head_ns=_ns(settings.edge_head_s),
        idle_ns=_ns(settings.edge_idle_s),
        stalled_ns=_ns(settings.edge_stalled_s),
        listener_stalled_ns=_ns(settings.edge_listener_stalled_s),
        reload_ns=_ns(settings.edge_reload_s),
        reloads_max=settings.edge_reloads_max,
        downloads_max=settings.edge_downloads_max,
        room_listeners_max=settings.edge_room_listeners_max,
        lag_parts_max=max(1, round(settings.edge_lag_s / PART_S)),
        fastest_parts=lane_for_period(settings.edge_lane_ms_min),
        moves_per_s=settings.edge_moves_per_s,
        cores=cores,
        join_share=settings.edge_join_share * cores,
        accepts_per_turn=settings.edge_accepts_per_turn,
        backlog=settings.edge_backlog,
        unsent_bytes=settings.edge_unsent_bytes,
        rooms_max=settings.edge_rooms_max,
        drain_ns=_ns(settings.edge_drain_s),
        unfinished_bytes_max=settings.edge_unfinished_bytes_max,
        sent_bytes_min=round(settings.edge_rate_min * settings.edge_stalled_s),
        listener_bytes_min=round(settings.edge_rate_min * settings.edge_listener_stalled_s),
        memory_bytes_max=settings.edge_memory_bytes_max,
        network=NetworkLimits(
            connections_max=settings.edge_network_connections_max or connections_max // 2,
            joins_per_s=settings.edge_network_joins_per_s,
            joins_burst=settings.edge_network_joins_burst,
            reloads_max=settings.edge_network_reloads_max or settings.edge_reloads_max // 2,
            downloads_max=settings.edge_network_downloads_max or settings.edge_downloads_max // 4,
            exempt=(
                *read_blocks(settings.edge_network_exempt, "edge_network_exempt"),
                # Fronts speak for others, who are counted.
                *read_blocks(settings.forwarded_from, "forwarded_from"),
                *read_blocks(settings.proxy_protocol_from, "proxy_protocol_from"),
            ),
        ),
    )
