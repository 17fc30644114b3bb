"""One address of many people with some bots among them, against people elsewhere, at real edges."""

import argparse
import threading
import time
from collections.abc import Callable
from typing import Any

from attacks_ground import Measured, Present, p95, policy
from ground import Ground

from stentor.load.attacks.aim import Aim
from stentor.load.attacks.families import Family
from stentor.load.attacks.run import Attack, Running
from stentor.load.report import Tally

_CARRIER = "127.255.0.1"
_BOTS = 0.01  # of who comes from the carrier's address


def behind_carrier(
    at: Ground,
    present: Present,
    wish: argparse.Namespace,
    come: Callable[[int, str], Tally],
) -> dict[str, Any]:
    """Return how either side fared; `come` lets people come, by number and address."""
    bots = max(1, round(wish.per_s * wish.seconds * _BOTS))
    aim = Aim("127.0.0.1", at.settings.port, at.programme.room)
    attack = Attack(
        Family.MALFORMED_FLOOD, aim, bots * wish.bot_per_s, wish.seconds + 1.0, bots, wish.seed,
        address=_CARRIER,
    )  # fmt: skip
    found: dict[str, Tally] = {}

    def side(name: str, one: str, number: int) -> None:
        found[name] = come(number, one)

    present.begin()
    with Running(attack) as running:
        time.sleep(0.5)
        sides = [
            threading.Thread(target=side, args=("carrier", _CARRIER, 0)),
            threading.Thread(target=side, args=("elsewhere", "", 1)),
        ]
        for one in sides:
            one.start()
        for one in sides:
            one.join()
        outcome = running.outcome()
    told = Measured("carrier", True, 0.0)
    present.look(told)
    sides_told = {
        name: {
            "people": tally.wanted,
            "came_in": tally.heard,
            "refused": tally.refused,
            "sent_away_per_person": round(tally.refused / tally.wanted, 4),
            "first_audio_p95_s": p95(tally.first_audio_s),
            "wait_p95_s": p95(tally.wait_s),
        }
        for name, tally in found.items()
    }
    refused = {name: 1 + one.wanted - one.heard + one.refused for name, one in found.items()}
    return {
        "bots": bots,
        "bots_sent_per_s": round(outcome.sent / outcome.seconds, 1),
        "bots_by_kind": outcome.by_kind,
        **sides_told,
        "refused_ratio": round(refused["carrier"] / refused["elsewhere"], 3),
        "stalls": told.stalls,
        "bans": len(wanted.bans) if (wanted := policy(at)) else 0,
    }
