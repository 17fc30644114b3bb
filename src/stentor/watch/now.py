"""How things stand, as one document for the operator's page. Decides nothing."""

from itertools import islice
from typing import Any

import msgspec

from stentor.base.settings import Settings
from stentor.rooms.orders import Phase, phase_at
from stentor.shield.merge import merge_loads
from stentor.watch.shown import KINDS
from stentor.watch.watching import Watching

BANS_SHOWN_MAX = 200


def now_document(
    watching: Watching, settings: Settings, now_ms: int, after_ms: int
) -> dict[str, Any]:
    """Return everything that the page shows; of the points those after `after_ms`."""
    ledger, deciding = watching.ledger, watching.deciding
    present = [one for name, one in watching.edges.items() if name not in watching.missing]
    return {
        "now_ms": now_ms,
        "points": watching.history.after(after_ms),
        "kinds": list(KINDS),
        "rooms": _rooms(watching, now_ms),
        "edges": [
            {
                "edge": one.edge,
                "step": one.door.step,
                "lane_ms": one.door.lane_ms,
                "listeners": sum(room.listeners for room in one.rooms.values()),
                "use": one.load.use,
                "late": one.load.late_s,
                "connections": one.load.connections,
                "policy": one.policy,
            }
            for one in watching.edges.values()
        ],
        "missing": watching.missing,
        "load": merge_loads([one.load for one in present]),
        "door": deciding.merged.door,
        "shield": {
            "policy": msgspec.structs.replace(deciding.policy, bans=()),
            "bans": list(islice(deciding.policy.bans, BANS_SHOWN_MAX)),
            "ban_count": len(deciding.policy.bans),
            "paused_until_ms": deciding.paused_until(now_ms),
            "assessment": deciding.assessment,
            "guard": watching.guarding.how,
            "guard_standing": watching.guarding.standing,
        },
        "notes": [
            {"at_ms": at_ms, "what": note.what, "about": note.about}
            for at_ms, note in reversed(watching.notes)
        ],
        "ledger": {
            "file": ledger.name,
            "records": ledger.records,
            "lost": ledger.lost,
            "hindered": ledger.hindered,
            "head": ledger.head,
            "key": ledger.key,
        },
        "control": settings.control_base,
    }


def _rooms(watching: Watching, now_ms: int) -> list[dict[str, Any]]:
    rooms = []
    for room, plan in watching.plans.items():
        phase = phase_at(plan.epoch_ms, plan.end_ms, now_ms)
        told = [one.rooms[room] for one in watching.edges.values() if room in one.rooms]
        if phase is Phase.ENDED and not told:
            continue
        rooms.append(
            {
                "room": room,
                "title": plan.title,
                "phase": phase,
                "epoch_ms": plan.epoch_ms,
                "listeners": sum(one.listeners for one in told),
                "inside": sum(one.inside for one in told),
                "recorded": plan.parts_recorded,
            }
        )
    return rooms
