"""The pre-flight at the API: can this event go ahead? What of it is vital is decided elsewhere."""

import asyncio
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from stentor.base.errors import Problem
from stentor.control.api import problems
from stentor.control.context import Moderator, RoomId, The
from stentor.control.documents import PreflightDocument
from stentor.control.preflight_facts import gather
from stentor.rehearsal.preflight import LASTS_S_MAX, decide
from stentor.rehearsal.readiness import Expected
from stentor.rooms.record import EXPECTED_MAX

GATHERING_MAX = 4  # at once: each takes a worker thread for a second or more
_gathering = asyncio.Semaphore(GATHERING_MAX)

router = APIRouter(prefix="/api", responses=problems(400, 401, 403, 408, 422, 500, 503))

Expect = Annotated[
    int | None,
    Query(ge=1, le=EXPECTED_MAX, description="How many listeners at once [the room's `expected`]"),
]
Lasts = Annotated[
    int | None,
    Query(ge=60, le=LASTS_S_MAX, description="For how long, in seconds [event_lasts_s]"),
]


@router.get("/rooms/{room}/preflight")
async def get_preflight(
    control: The, caller: Moderator, room: RoomId, expect: Expect = None, lasts_s: Lasts = None
) -> PreflightDocument:
    """Say whether everything is there for so many listeners; a room that is not there is a no."""
    if _gathering.locked():
        raise Problem(503, "busy", "Too many pre-flights at once", "Try again in a moment.")
    found = control.desk.find(room)
    listeners = expect or (found.expected if found is not None else 0)
    if not listeners:
        raise Problem(422, "invalid", "How many listeners are expected?", "Say it with `expect`.")
    expected = Expected(listeners, lasts_s or control.settings.event_lasts_s)
    async with _gathering:
        facts = await run_in_threadpool(gather, control, room)
    return PreflightDocument(**msgspec.to_builtins(decide(room, facts, expected)))
