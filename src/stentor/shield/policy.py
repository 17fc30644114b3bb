"""What the shield wants of the edges: one whole wish a second, which expires by itself.

The watch writes it, edges read it when it changes. Without a fresh one an edge goes on with the
last until `until_ms`, then with its own settings: a dead shield harms nobody. Nothing in it can
touch whoever listens already.
"""

from enum import StrEnum

import msgspec

from stentor.base.decoding import decode_json

BANS_MAX = 4_096
POLICY_BYTES_MAX = 1 << 20


class Stress(StrEnum):
    """How hard it is just now: what is asked for against what there is. Not who is to blame."""

    CALM = "calm"
    STRAINED = "strained"
    SIEGE = "siege"


class Why(StrEnum):
    """For which conduct a network is banned; each is something that no player does."""

    FORGED = "forged"  # tickets that were never ours, or used twice
    MALFORMED = "malformed"  # no HTTP, or no TLS
    SILENT = "silent"  # connects and says nothing, or not to the end
    SLOW = "slow"  # takes what it asked for too slowly, again and again
    PROBING = "probing"  # addresses and query strings that do not exist
    HASTY = "hasty"  # came on and on after it was refused


class Ban(msgspec.Struct, frozen=True):
    """A network that is let in last or not at all until `until_ms`.

    An edge never applies it to who is present or shows a good ticket, and tells the guard only if
    the network has neither there (`kernel`).
    """

    network: str  # EventKey.name
    until_ms: int
    why: Why
    times: int = 1  # how often it was banned in this event: each ban is longer than the last
    kernel: bool = False


class Policy(msgspec.Struct, frozen=True):
    """What edges do about those who come, until `until_ms`."""

    number: int = 0
    at_ms: int = 0
    until_ms: int = 0
    key_id: str = ""
    stress: Stress = Stress.CALM
    # An address's joins a second and burst, against what the settings give it (1: the same).
    network_share: float = 1.0
    proof_cost: int = 0  # expected hashes of a proof of work that buys priority; 0: none asked
    proof_advance_ms: int = 0  # by how much a proof moves a place forward
    bans: tuple[Ban, ...] = ()


SAFE = Policy()


def keeps_out(ban: Ban, waiting: int) -> bool:
    """Say whether a ban keeps anybody out just now, where so many stand in line.

    The first one of a network does while others wait: bots that came a second before a carrier's
    people would else have them all refused, where there is room for everybody. Who goes on is
    banned for the kernel next, unless somebody from there was let in meanwhile.
    """
    return ban.kernel or waiting > 0


def encode_policy(policy: Policy) -> bytes:
    """Return the policy as JSON."""
    return msgspec.json.encode(policy)


def decode_policy(data: bytes) -> Policy:
    """Return a policy; raises `msgspec.MsgspecError` on anything else."""
    return decode_json(data, Policy)
