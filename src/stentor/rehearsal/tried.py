"""Which of a deployment's settings its rehearsal runs under, and who says the others. Pure."""

from dataclasses import fields
from typing import Any

from stentor.base.settings import Settings, told_settings

# By the scenario, for whom the answer says what to set; trials have each its own.
SAID = frozenset(
    {
        "edges", "edge_megabits_max", "edge_memory_bytes_max", "edge_lane_ms_min",
        "edge_lane_ms_max", "edge_join_share", "edge_admissions_per_s_max", "door_network_per_s",
    }
)  # fmt: skip
# Listeners of a trial come from this machine, without a front, as many as the trial is for.
_NOT_HERE = frozenset({"edge_connections_max", "edge_room_listeners_max", "edge_backlog"})
_BEGINNINGS = "edge_", "door_", "tls_"
_NETWORKS = "edge_network_"


def is_tried(name: str) -> bool:
    """Say whether edges of a trial have the deployment's value of a setting."""
    if name in SAID or name in _NOT_HERE or name.startswith(_NETWORKS):
        return False
    return name == "shield" or name.startswith(_BEGINNINGS)


def tried(settings: Settings) -> dict[str, Any]:
    """Return the settings of a deployment under which edges of its trials run."""
    return {one.name: getattr(settings, one.name) for one in fields(Settings) if is_tried(one.name)}


def told_tried(settings: Settings) -> dict[str, str]:
    """Return those of them that are not the default, for a record: no paths."""
    return {name: told for name, told in told_settings(settings).items() if is_tried(name)}
