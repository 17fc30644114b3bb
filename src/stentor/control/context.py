"""What a handler of the API needs, and who is calling it, as FastAPI's dependencies."""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from stentor.base.errors import Problem
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.control.access import (
    Access,
    Caller,
    require_moderator,
    require_of_room,
    require_operator,
)
from stentor.control.audience import Audience
from stentor.control.desk import Desk
from stentor.control.pace import Pace


@dataclass(frozen=True, slots=True)
class Control:
    """Everything that control consists of."""

    settings: Settings
    folder: DataFolder
    desk: Desk
    access: Access
    audience: Audience
    pace: Pace


async def control_of(request: Request) -> Control:
    """Return the application's parts."""
    control: Control = request.app.state.control
    return control


The = Annotated[Control, Depends(control_of)]
_Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="A link's token, or the operator's.")),
]
RoomId = Annotated[str, Path(max_length=64, description="The room's id")]
SeatId = Annotated[str, Path(max_length=64, description="The seat's id, which is its link's")]


async def _identify(control: The, bearer: _Bearer) -> Caller:
    return control.access.identify(bearer.credentials if bearer is not None else None)


Anyone = Annotated[Caller, Depends(_identify)]


async def _operator(caller: Anyone) -> Caller:
    require_operator(caller)
    return caller


async def _of_room(caller: Anyone, room: RoomId) -> Caller:
    require_of_room(caller, room)
    return caller


async def _moderator(caller: Anyone, room: RoomId) -> Caller:
    require_moderator(caller, room)
    return caller


async def _changer(control: The, caller: Annotated[Caller, Depends(_moderator)]) -> Caller:
    if caller.seat is not None and not control.pace.allows(caller.seat.id, time.monotonic()):
        raise Problem(429, "too-fast", "Too many changes at once", "Wait a second.")
    return caller


Operator = Annotated[Caller, Depends(_operator)]
OfRoom = Annotated[Caller, Depends(_of_room)]
Moderator = Annotated[Caller, Depends(_moderator)]
Changer = Annotated[Caller, Depends(_changer)]
