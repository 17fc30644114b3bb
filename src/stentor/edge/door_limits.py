"""What bounds the door of one edge, drawn once from the settings."""

from dataclasses import dataclass

from stentor.base.settings import Settings

_UNMEASURED_PER_S = 1_000.0  # until the edge knows what a join costs it


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """All limits of one edge's door."""

    per_s_max: float
    per_s_unmeasured: float
    network_per_s: float
    network_burst: int
    push_ms_max: int
    grace_ms: int
    spread_ms: int
    polls_per_s_max: float
    moves_per_s: float


def draw_door_limits(settings: Settings) -> DoorLimits:
    """Return the limits that hold for this process's door."""
    return DoorLimits(
        per_s_max=settings.edge_admissions_per_s_max,
        per_s_unmeasured=_UNMEASURED_PER_S,
        network_per_s=settings.door_network_per_s,
        network_burst=settings.door_network_burst,
        push_ms_max=settings.door_push_s_max * 1000,
        grace_ms=settings.door_grace_s * 1000,
        spread_ms=settings.door_spread_s * 1000,
        polls_per_s_max=settings.door_polls_per_s_max,
        moves_per_s=settings.edge_moves_per_s,
    )
