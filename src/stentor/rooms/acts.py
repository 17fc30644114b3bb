"""Everything that can be done to a room, by whom and in which phase: the state table.

What comes of an act is decided in `changes`; what is not in the table here cannot be done.

            scheduled ──epoch reached, or Start──▶ live ──end reached (End)──▶ ended
                └──────────────────End: called off──────────────────────────────┘
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from stentor.rooms.orders import Phase, Pin, Role


class RefusalKind(StrEnum):
    """Why an act is not done."""

    NOT_ALLOWED = "not-allowed"
    NO_SUCH_SEAT = "no-such-seat"
    NO_SUCH_PIN = "no-such-pin"
    WRONG_PHASE = "wrong-phase"
    SECOND_HOST = "second-host"
    SEAT_GONE = "seat-gone"
    FULL = "full"
    INVALID = "invalid"


class Refusal(msgspec.Struct, frozen=True):
    """An act that is not done, and a sentence that says why."""

    kind: RefusalKind
    detail: str


class Actor(msgspec.Struct, frozen=True):
    """Who acts: the operator, or the holder of a seat."""

    role: Role
    seat: str | None = None


OPERATOR = Actor(Role.OPERATOR)


class Act(msgspec.Struct, frozen=True, tag=lambda name: name.lower()):
    """What someone wants of a room."""


class Create(Act, frozen=True):
    """Begin the record; for the log of acts only, `create` does it."""


class Rename(Act, frozen=True):
    """Give the room another title."""

    title: str


class Reschedule(Act, frozen=True):
    """Move the hour, as long as it has not struck."""

    epoch_ms: int


class List(Act, frozen=True):
    """Show the room in the directory, or not."""

    listed: bool


class Hold(Act, frozen=True):
    """Take note that a (new) hold tune lies in the data folder, or none."""

    present: bool


class Expect(Act, frozen=True):
    """Say how many listeners are expected at once; 0: nobody knows."""

    listeners: int


class Start(Act, frozen=True):
    """Let the hour be now."""


class End(Act, frozen=True):
    """End the programme, or call it off."""


class Invite(Act, frozen=True):
    """Add a seat."""

    seat: str
    role: Role
    name: str
    expires_ms: int


class Revoke(Act, frozen=True):
    """Withdraw a link for good."""

    seat: str


class Mute(Act, frozen=True):
    """Keep a seat's voice out of every mix."""

    seat: str


class Unmute(Act, frozen=True):
    """Let a muted seat be heard."""

    seat: str


class Remove(Act, frozen=True):
    """Put a seat's holder off the stage, until let back in."""

    seat: str


class Readmit(Act, frozen=True):
    """Let a removed seat's holder back in."""

    seat: str


class Ban(Act, frozen=True):
    """Put a seat's holder off the stage for good."""

    seat: str


class PinLink(Act, frozen=True):
    """Show a link in the room; the same address again replaces its title."""

    title: str
    url: str


class Unpin(Act, frozen=True):
    """Take a pinned link away."""

    url: str


class SetPins(Act, frozen=True):
    """Replace all pinned links."""

    pinned: tuple[Pin, ...]


SeatAct = Revoke | Mute | Unmute | Remove | Readmit | Ban
AnyAct = (
    Create | Rename | Reschedule | List | Hold | Expect | Start | End | Invite | SeatAct
    | PinLink | Unpin | SetPins
)  # fmt: skip

RANK = {Role.SPEAKER: 0, Role.COHOST: 1, Role.HOST: 2, Role.OPERATOR: 3}
_ALWAYS = frozenset(Phase)
_BEFORE = frozenset({Phase.SCHEDULED})
_UNTIL_END = frozenset({Phase.SCHEDULED, Phase.LIVE})


@dataclass(frozen=True, slots=True)
class Rule:
    """From which role on, and in which phases, an act is allowed."""

    role: Role
    phases: frozenset[Phase]


# The state table: what is not here cannot be done.
RULES: dict[type[Act], Rule] = {
    Rename: Rule(Role.COHOST, _ALWAYS),
    Reschedule: Rule(Role.HOST, _BEFORE),
    List: Rule(Role.HOST, _ALWAYS),
    Hold: Rule(Role.HOST, _BEFORE),
    Expect: Rule(Role.COHOST, _UNTIL_END),
    Start: Rule(Role.COHOST, _ALWAYS),  # once live it changes nothing, so it may be said twice
    End: Rule(Role.COHOST, _ALWAYS),
    Invite: Rule(Role.COHOST, _UNTIL_END),
    Revoke: Rule(Role.COHOST, _ALWAYS),
    Mute: Rule(Role.COHOST, _UNTIL_END),
    Unmute: Rule(Role.COHOST, _UNTIL_END),
    Remove: Rule(Role.COHOST, _UNTIL_END),
    Readmit: Rule(Role.COHOST, _UNTIL_END),
    Ban: Rule(Role.COHOST, _ALWAYS),
    PinLink: Rule(Role.COHOST, _ALWAYS),
    Unpin: Rule(Role.COHOST, _ALWAYS),
    SetPins: Rule(Role.COHOST, _ALWAYS),
}
ON_ONESELF = (Mute, Unmute)  # what a host may do to the own seat


def outranks(actor: Actor, role: Role) -> bool:
    """Say whether `actor` may decide about seats of that role, and hand out their links."""
    return RANK[actor.role] > RANK[role]
