"""Rooms and people as the API shows them: which caller sees which link is decided here."""

from stentor.control.access import Caller
from stentor.control.context import Control
from stentor.control.documents import LinkDocument, MeDocument, PinDocument, RoomDocument
from stentor.rooms.acts import outranks
from stentor.rooms.record import Room, RoomSeat


def room_document(control: Control, room: Room, caller: Caller) -> RoomDocument:
    """Return a room as the caller may see it."""
    return RoomDocument(
        room=room.id,
        title=room.title,
        phase=room.phase(control.desk.now_ms),
        epoch_ms=room.epoch_ms,
        end_ms=room.end_ms,
        created_ms=room.created_ms,
        listed=room.listed,
        hold=room.hold,
        expected=room.expected,
        revision=room.revision,
        pinned=[PinDocument.model_construct(title=pin.title, url=pin.url) for pin in room.pinned],
        listen_url=_listen_url(control, room),
        links=[link_document(control, room, seat, caller) for seat in room.seats],
    )


def link_document(control: Control, room: Room, seat: RoomSeat, caller: Caller) -> LinkDocument:
    """Return a seat; with its link only for who outranks it, and may hand it out."""
    url = None
    if outranks(caller.actor, seat.role) and not seat.revoked:
        token = control.access.token(room, seat)
        url = f"{control.settings.control_base}/studio#key={token}"
    return LinkDocument(
        id=seat.id,
        role=seat.role,
        name=seat.name,
        url=url,
        expires_ms=seat.expires_ms,
        muted=seat.muted,
        removed=seat.removed,
        revoked=seat.revoked,
    )


def me_document(control: Control, caller: Caller) -> MeDocument:
    """Return what the caller's link is and where it leads."""
    now_ms = control.desk.now_ms
    if caller.link is None or caller.seat is None:
        return MeDocument(role=caller.actor.role, moderates=True, now_ms=now_ms)
    room, seat = control.desk.room(caller.link.room), caller.seat
    stage = control.settings.stage_base
    return MeDocument(
        role=seat.role,
        room=room.id,
        title=room.title,
        seat=seat.id,
        name=seat.name,
        phase=room.phase(now_ms),
        epoch_ms=room.epoch_ms,
        end_ms=room.end_ms,
        expires_ms=caller.link.expires_ms,
        moderates=seat.role.moderates and not seat.removed,
        muted=seat.muted,
        removed=seat.removed,
        whip_url=f"{stage}/whip/{room.id}",
        talk_url=f"{stage}/talk/{room.id}",
        listen_url=_listen_url(control, room),
        now_ms=now_ms,
    )


def _listen_url(control: Control, room: Room) -> str:
    return f"{control.settings.listen_base}/r/{room.id}"
