"""What the shield wants of the edges: one whole wish a second, which expires by itself.

The watch writes it, edges read it when it changes. Without a fresh one an edge goes on with the
last until `until_ms`, then with its own settings: a dead shield harms nobody. Nothing in it can
touch whoever listens already.
"""

from enum import StrEnum
from typing import Any

import msgspec

from stentor.base.decoding import decode_json

BANS_MAX = 4_096
POLICY_BYTES_MAX = 1 << 20
# A ban for the kernel cuts off for so long of each ten seconds, and then opens: nothing is known of
# who is cut off, and there may be people behind that address, and good tickets.
SHUT_MS, OPEN_MS = 8_000, 2_000


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

    An edge never applies it to who is present or shows a good ticket. With `kernel` who comes is
    not listened to, and the guard drops them, where an edge knows of nobody like that; but not all
    the time (`shut_for_ms`), so that whoever is there can show it.
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


def shut_for_ms(ban: Ban, now_ms: int) -> int:
    """Return for how long a ban cuts off from now on; 0: it does not, or is open just now."""
    left_ms = ban.until_ms - now_ms
    if not ban.kernel or left_ms <= 0:
        return 0
    return max(0, (left_ms - 1) % (SHUT_MS + OPEN_MS) + 1 - OPEN_MS)


def keeps_out(ban: Ban, waiting: int, now_ms: int) -> bool:
    """Say whether a ban keeps anybody out just now, where so many stand in line.

    One that does not cut off does while others wait: bots that came a second before a carrier's
    people would else have them all refused, where there is room for everybody. Who goes on, and
    does much, is cut off next, unless somebody from there was let in meanwhile.
    """
    return waiting > 0 or shut_for_ms(ban, now_ms) > 0


def encode_policy(policy: Policy) -> bytes:
    """Return the policy as JSON."""
    return msgspec.json.encode(policy)


def decode_policy(data: bytes) -> Policy:
    """Return a policy; raises `msgspec.MsgspecError` on anything else."""
    return decode_json(data, Policy)


_FIELDS = tuple((one.name, one.type, one.default) for one in msgspec.structs.fields(Policy))
_Head = msgspec.defstruct(
    "_Head", [one for one in _FIELDS if one[0] != "bans"] + [("bans", msgspec.Raw, msgspec.Raw())]
)


class PolicyReader:
    """Reads one policy after the other; bans that are as they were are the same object again.

    A policy is renewed each second, mostly with the thousands of bans that it had.
    """

    def __init__(self) -> None:
        self._raw = b""
        self._bans: tuple[Ban, ...] = ()

    def read(self, data: bytes) -> Policy:
        """Return a policy; raises `msgspec.MsgspecError` on anything else."""
        head: Any = decode_json(data, _Head)
        raw = bytes(head.bans)
        if raw != self._raw:
            self._bans = decode_json(raw, tuple[Ban, ...]) if raw else ()
            self._raw = raw
        rest = {name: getattr(head, name) for name, *_ in _FIELDS if name != "bans"}
        return Policy(**rest, bans=self._bans)
