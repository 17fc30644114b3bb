"""The API for hosts and operators: HTTP to acts and back. Decides nothing about rooms itself.

Handlers that touch the disk or sign many links are plain functions: FastAPI runs those in worker
threads.
"""

import time
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from stentor.base.errors import Problem
from stentor.control.context import (
    Anyone,
    Changer,
    Moderator,
    OfRoom,
    Operator,
    RoomId,
    SeatId,
    The,
)
from stentor.control.documents import (
    ActDocument,
    ActsDocument,
    AudienceDocument,
    DoorDocument,
    LinkDocument,
    MeDocument,
    NewLink,
    NewRoom,
    PinDocument,
    ProblemDocument,
    RoomChanges,
    RoomDocument,
    RoomsDocument,
)
from stentor.control.shown import link_document, me_document, room_document
from stentor.rooms.acts import (
    AnyAct,
    Ban,
    End,
    Expect,
    List,
    Mute,
    PinLink,
    Readmit,
    Remove,
    Rename,
    Reschedule,
    Revoke,
    SeatAct,
    SetPins,
    Start,
    Unmute,
    Unpin,
)
from stentor.rooms.orders import Pin, Role
from stentor.rooms.record import URL_CHARS_MAX
from stentor.rooms.when import parse_when


class SeatVerb(StrEnum):
    """What can be done to who is on the stage."""

    MUTE = "mute"
    UNMUTE = "unmute"
    REMOVE = "remove"
    READMIT = "readmit"
    BAN = "ban"


_SEAT_ACTS: dict[SeatVerb, type[SeatAct]] = {
    SeatVerb.MUTE: Mute,
    SeatVerb.UNMUTE: Unmute,
    SeatVerb.REMOVE: Remove,
    SeatVerb.READMIT: Readmit,
    SeatVerb.BAN: Ban,
}


PinnedUrl = Annotated[str, Query(max_length=URL_CHARS_MAX, description="As it was pinned")]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the refusals with these statuses."""
    schema = ProblemDocument.model_json_schema()
    content = {Problem.MEDIA_TYPE: {"schema": schema}}
    return {status: {"description": "Refused", "content": content} for status in statuses}


router = APIRouter(prefix="/api", responses=problems(400, 401, 403, 408, 413, 422, 500, 503, 507))


@router.get("/me")
async def get_me(control: The, caller: Anyone) -> MeDocument:
    """Say whose link this is and where it leads."""
    return me_document(control, caller)


@router.post("/rooms", status_code=201, responses=problems(409))
def post_room(control: The, caller: Operator, new: NewRoom, response: Response) -> RoomDocument:
    """Make a room, with links for host, co-host and speakers."""
    epoch_ms = _hour(control, new.at, new.at_ms)
    if epoch_ms is None:
        raise Problem(422, "invalid", "That cannot be", "Give `at` or `at_ms`.")
    names = list(new.speaker_names)
    names += [f"Speaker {number}" for number in range(len(names) + 1, new.speakers + 1)]
    people = [(Role.HOST, new.host_name), (Role.COHOST, new.cohost_name)]
    people += [(Role.SPEAKER, name) for name in names]
    room = control.desk.create(new.title, epoch_ms, new.listed, people, new.expected)
    response.headers["Location"] = f"/api/rooms/{room.id}"
    return room_document(control, room, caller)


@router.get("/rooms")
def get_rooms(control: The, caller: Operator) -> RoomsDocument:
    """List all rooms, the latest hour first."""
    rooms = [room_document(control, room, caller) for room in control.desk.rooms()]
    return RoomsDocument(rooms=rooms)


@router.get("/rooms/{room}", responses=problems(404))
def get_room(control: The, caller: Moderator, room: RoomId) -> RoomDocument:
    """Show a room."""
    return room_document(control, control.desk.room(room), caller)


@router.patch("/rooms/{room}", responses=problems(404, 409, 429))
def patch_room(control: The, caller: Changer, room: RoomId, changes: RoomChanges) -> RoomDocument:
    """Change title, hour, listing, pins or how many are expected: all of it, or nothing."""
    acts: list[AnyAct] = []
    if changes.title is not None:
        acts.append(Rename(changes.title))
    epoch_ms = _hour(control, changes.at, changes.at_ms)
    if epoch_ms is not None:
        acts.append(Reschedule(epoch_ms))
    if changes.listed is not None:
        acts.append(List(changes.listed))
    if changes.expected is not None:
        acts.append(Expect(changes.expected))
    if changes.pinned is not None:
        acts.append(SetPins(tuple(Pin(pin.title, pin.url) for pin in changes.pinned)))
    return room_document(control, control.desk.acts(room, acts, caller.actor), caller)


@router.post("/rooms/{room}/start", responses=problems(404, 409, 429))
def post_start(control: The, caller: Changer, room: RoomId) -> RoomDocument:
    """Let the hour be now."""
    return room_document(control, control.desk.act(room, Start(), caller.actor), caller)


@router.post("/rooms/{room}/end", responses=problems(404, 409, 429))
def post_end(control: The, caller: Changer, room: RoomId) -> RoomDocument:
    """End the programme; a room that has not begun is called off."""
    return room_document(control, control.desk.act(room, End(), caller.actor), caller)


@router.post("/rooms/{room}/links", status_code=201, responses=problems(404, 409, 429))
def post_link(control: The, caller: Changer, room: RoomId, new: NewLink) -> LinkDocument:
    """Invite someone: a new seat and the link to it."""
    changed, seat_id = control.desk.invite(room, new.role, new.name, caller.actor)
    seat = changed.seat(seat_id)
    assert seat is not None
    return link_document(control, changed, seat, caller)


@router.delete("/rooms/{room}/links/{seat}", responses=problems(404, 409, 429))
def delete_link(control: The, caller: Changer, room: RoomId, seat: SeatId) -> RoomDocument:
    """Withdraw a link for good."""
    return room_document(control, control.desk.act(room, Revoke(seat), caller.actor), caller)


@router.post("/rooms/{room}/seats/{seat}/{verb}", responses=problems(404, 409, 429))
def post_seat(
    control: The, caller: Changer, room: RoomId, seat: SeatId, verb: SeatVerb
) -> RoomDocument:
    """Mute, unmute, remove, readmit or ban who sits there."""
    act = _SEAT_ACTS[verb](seat)
    return room_document(control, control.desk.act(room, act, caller.actor), caller)


@router.post("/rooms/{room}/pins", responses=problems(404, 409, 429))
def post_pin(control: The, caller: Changer, room: RoomId, pin: PinDocument) -> RoomDocument:
    """Pin a link; the same address again replaces its title."""
    act = PinLink(pin.title, pin.url)
    return room_document(control, control.desk.act(room, act, caller.actor), caller)


@router.delete("/rooms/{room}/pins", responses=problems(404, 409, 429))
def delete_pin(control: The, caller: Changer, room: RoomId, url: PinnedUrl) -> RoomDocument:
    """Take a pinned link away."""
    return room_document(control, control.desk.act(room, Unpin(url), caller.actor), caller)


@router.get("/rooms/{room}/audience", responses=problems(404))
async def get_audience(control: The, caller: OfRoom, room: RoomId) -> AudienceDocument:
    """Say how many listen and how they fare."""
    control.desk.room(room)
    total, edges = control.audience.of_room(room, time.monotonic())
    door = control.audience.door(time.monotonic())
    return AudienceDocument(
        room=room,
        at_ms=control.desk.now_ms,
        edges=edges,
        door=DoorDocument(**msgspec.to_builtins(door)),
        **msgspec.to_builtins(total),
    )


@router.get("/rooms/{room}/acts", responses=problems(404))
def get_acts(control: The, caller: Moderator, room: RoomId) -> ActsDocument:
    """Say what was done to the room, by which seat, and when: the newest thousand."""
    records = control.desk.log_of(room)
    return ActsDocument(
        acts=[
            ActDocument(
                at_ms=one.at_ms, revision=one.revision, role=one.role, seat=one.seat, act=one.act
            )
            for one in records
        ]
    )


def _hour(control: The, at: str | None, at_ms: int | None) -> int | None:
    if at is None:
        return at_ms
    if at_ms is not None:
        raise Problem(422, "invalid", "That cannot be", "Give `at` or `at_ms`, not both.")
    moment = parse_when(at, control.desk.now_ms)
    if isinstance(moment, str):
        raise Problem(422, "invalid", "That is not a time", moment)
    return moment
