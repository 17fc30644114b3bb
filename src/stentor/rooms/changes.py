"""What comes of an act: the only way in which a room changes.

Pure. What is refused is a value, and what changes nothing (muting the muted) returns the very same
record, so that nothing needs to be stored.
"""

import msgspec

from stentor.rooms.acts import (
    ON_ONESELF,
    OPERATOR,
    RANK,
    RULES,
    Actor,
    AnyAct,
    Ban,
    Create,
    End,
    Expect,
    Hold,
    Invite,
    List,
    Mute,
    PinLink,
    Readmit,
    Refusal,
    RefusalKind,
    Remove,
    Rename,
    Reschedule,
    Revoke,
    SeatAct,
    SetPins,
    Start,
    Unmute,
    Unpin,
    outranks,
)
from stentor.rooms.orders import Phase, Pin, Role
from stentor.rooms.record import (
    AHEAD_MS_MAX,
    EXPECTED_MAX,
    EXPIRES_MS_MAX,
    NAME_CHARS_MAX,
    PINS_MAX,
    SEATS_EVER_MAX,
    SEATS_MAX,
    TITLE_CHARS_MAX,
    Room,
    RoomSeat,
    text_fault,
    url_fault,
)

START_DELAY_MS = 500  # so that every part has the order before the hour that it sets
END_DELAY_MS = 300
HOUR_FIXED_MS = 3_000  # before the hour: parts act on it by themselves, an order might come late


def create(
    room_id: str,
    title: str,
    epoch_ms: int,
    listed: bool,
    seats: tuple[Invite, ...],
    now_ms: int,
    expected: int = 0,
) -> Room | Refusal:
    """Return a new room with its first seats."""
    fault = text_fault(title, TITLE_CHARS_MAX)
    if fault:
        return Refusal(RefusalKind.INVALID, f"The title {fault}.")
    late = _hour_refusal(epoch_ms, now_ms)
    if late:
        return late
    room = _expect(Room(room_id, title, epoch_ms, now_ms, listed=listed), expected)
    for seat in seats:
        if isinstance(room, Refusal):
            return room
        room = _invite(room, seat, OPERATOR)
    return room if isinstance(room, Refusal) else msgspec.structs.replace(room, revision=1)


def apply(room: Room, act: AnyAct, actor: Actor, now_ms: int) -> Room | Refusal:
    """Return the room as it is after the act: the same object if nothing changes."""
    rule = RULES.get(type(act))
    if rule is None or RANK[actor.role] < RANK[rule.role]:
        return Refusal(RefusalKind.NOT_ALLOWED, f"A {actor.role} may not do this.")
    phase = room.phase(now_ms)
    if phase not in rule.phases:
        return Refusal(RefusalKind.WRONG_PHASE, f"The room is {phase}; it is too late for this.")
    changed = _apply(room, act, actor, now_ms, phase)
    if isinstance(changed, Refusal) or changed is room:
        return changed
    return msgspec.structs.replace(changed, revision=room.revision + 1)


def _apply(room: Room, act: AnyAct, actor: Actor, now_ms: int, phase: Phase) -> Room | Refusal:
    match act:
        case Rename(title=title):
            fault = text_fault(title, TITLE_CHARS_MAX)
            if fault:
                return Refusal(RefusalKind.INVALID, f"The title {fault}.")
            return room if title == room.title else _with(room, title=title)
        case List(listed=listed):
            return room if listed == room.listed else _with(room, listed=listed)
        case Hold(present=present):  # the same again may be another tune
            return _with(room, hold=present) if present or room.hold else room
        case Expect(listeners=listeners):
            return _expect(room, listeners)
        case Reschedule() | Start() | End():
            return _in_time(room, act, now_ms, phase)
        case Invite():
            return _invite(room, act, actor)
        case PinLink() | Unpin() | SetPins():
            return _pins(room, act)
        case Revoke() | Mute() | Unmute() | Remove() | Readmit() | Ban():
            return _on_seat(room, act, actor)
        case Create():
            return Refusal(RefusalKind.NOT_ALLOWED, "The room is there already.")


def _expect(room: Room, listeners: int) -> Room | Refusal:
    if not 0 <= listeners <= EXPECTED_MAX:
        return Refusal(
            RefusalKind.INVALID, f"From 0 to {EXPECTED_MAX:,} listeners may be expected."
        )
    return room if listeners == room.expected else _with(room, expected=listeners)


def _in_time(
    room: Room, act: Reschedule | Start | End, now_ms: int, phase: Phase
) -> Room | Refusal:
    if isinstance(act, End):  # the first end that was said stands
        return room if room.end_ms is not None else _with(room, end_ms=now_ms + END_DELAY_MS)
    if room.end_ms is not None:
        return Refusal(RefusalKind.WRONG_PHASE, "The room has been ended.")
    if isinstance(act, Start):
        by_itself = phase is Phase.LIVE or room.epoch_ms - now_ms <= HOUR_FIXED_MS
        return room if by_itself else _with(room, epoch_ms=now_ms + START_DELAY_MS)
    if room.epoch_ms - now_ms <= HOUR_FIXED_MS:
        return Refusal(RefusalKind.WRONG_PHASE, "The room begins right now.")
    late = _hour_refusal(act.epoch_ms, now_ms)
    if late:
        return late
    later_ms = max(0, act.epoch_ms - room.epoch_ms)
    if act.epoch_ms == room.epoch_ms:
        return room
    seats = tuple(
        msgspec.structs.replace(seat, expires_ms=min(seat.expires_ms + later_ms, EXPIRES_MS_MAX))
        for seat in room.seats
    )
    return _with(room, epoch_ms=act.epoch_ms, seats=seats)


def _hour_refusal(epoch_ms: int, now_ms: int) -> Refusal | None:
    if epoch_ms < now_ms:
        return Refusal(RefusalKind.INVALID, "The hour is in the past.")
    if epoch_ms > now_ms + AHEAD_MS_MAX:
        return Refusal(RefusalKind.INVALID, "The hour is more than a year away.")
    return None


def _invite(room: Room, act: Invite, actor: Actor) -> Room | Refusal:
    if not outranks(actor, act.role) or act.role is Role.OPERATOR:
        return Refusal(RefusalKind.NOT_ALLOWED, f"A {actor.role} may not invite a {act.role}.")
    fault = text_fault(act.name, NAME_CHARS_MAX)
    if fault:
        return Refusal(RefusalKind.INVALID, f"The name {fault}.")
    if not act.seat or room.seat(act.seat) is not None:
        return Refusal(RefusalKind.INVALID, "There is a seat of this id already.")
    usable = [seat for seat in room.seats if not seat.revoked]
    if act.role is Role.HOST and any(seat.role is Role.HOST for seat in usable):
        return Refusal(RefusalKind.SECOND_HOST, "The room has a host; withdraw that link first.")
    if len(usable) >= SEATS_MAX or len(room.seats) >= SEATS_EVER_MAX:
        return Refusal(
            RefusalKind.FULL,
            f"A room has {SEATS_MAX} seats at most, and {SEATS_EVER_MAX} with those withdrawn.",
        )
    if not 0 <= act.expires_ms <= EXPIRES_MS_MAX:
        return Refusal(RefusalKind.INVALID, "The link would be valid for too long.")
    seat = RoomSeat(act.seat, act.role, act.name, act.expires_ms)
    return _with(room, seats=(*room.seats, seat))


def _on_seat(room: Room, act: SeatAct, actor: Actor) -> Room | Refusal:
    seat = room.seat(act.seat)
    if seat is None:
        return Refusal(RefusalKind.NO_SUCH_SEAT, "The room has no such seat.")
    itself = seat.id == actor.seat and actor.role is Role.HOST and isinstance(act, ON_ONESELF)
    if not itself and not outranks(actor, seat.role):
        return Refusal(RefusalKind.NOT_ALLOWED, f"A {actor.role} may not do this to a {seat.role}.")
    changes: dict[str, bool]
    match act:
        case Revoke():
            changes = {"revoked": True}
        case Ban():
            changes = {"revoked": True, "removed": True}
        case Mute():
            changes = {"muted": True}
        case Unmute():
            changes = {"muted": False}
        case Remove():
            changes = {"removed": True}
        case Readmit():
            changes = {"removed": False}
    if seat.revoked and not isinstance(act, Revoke | Ban):
        return Refusal(RefusalKind.SEAT_GONE, "This link was withdrawn; invite again.")
    changed = msgspec.structs.replace(seat, **changes)
    if changed == seat:
        return room
    return _with(room, seats=tuple(changed if one is seat else one for one in room.seats))


def _pins(room: Room, act: PinLink | Unpin | SetPins) -> Room | Refusal:
    match act:
        case SetPins(pinned=wanted):
            pinned = wanted
        case PinLink(title=title, url=url):
            kept = tuple(pin for pin in room.pinned if pin.url != url)
            pinned = (*kept, Pin(title, url))
        case Unpin(url=url):
            pinned = tuple(pin for pin in room.pinned if pin.url != url)
            if len(pinned) == len(room.pinned):
                return Refusal(RefusalKind.NO_SUCH_PIN, "This address is not pinned.")
    if len(pinned) > PINS_MAX:
        return Refusal(RefusalKind.FULL, f"A room has {PINS_MAX} pinned links at most.")
    if len({pin.url for pin in pinned}) < len(pinned):
        return Refusal(RefusalKind.INVALID, "An address is pinned twice.")
    for pin in pinned:
        fault = text_fault(pin.title, TITLE_CHARS_MAX)
        if fault:
            return Refusal(RefusalKind.INVALID, f"The title of a pinned link {fault}.")
        fault = url_fault(pin.url)
        if fault:
            return Refusal(RefusalKind.INVALID, f"The address of a pinned link {fault}.")
    return room if pinned == room.pinned else _with(room, pinned=pinned)


def _with(room: Room, **changes: object) -> Room:
    return msgspec.structs.replace(room, **changes)
