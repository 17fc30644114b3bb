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
from stentor.rehearsal.preflight import LASTS_S_MAX, LISTENERS_MAX, decide
from stentor.rehearsal.readiness import Expected

GATHERING_MAX = 4  # at once: each takes a worker thread for a second or more
_gathering = asyncio.Semaphore(GATHERING_MAX)

router = APIRouter(prefix="/api", responses=problems(400, 401, 403, 408, 422, 500, 503))

Expect = Annotated[int, Query(ge=1, le=LISTENERS_MAX, description="How many listeners at once")]
Lasts = Annotated[
    int | None,
    Query(ge=60, le=LASTS_S_MAX, description="For how long, in seconds [event_lasts_s]"),
]


@router.get("/rooms/{room}/preflight")
async def get_preflight(
    control: The, caller: Moderator, room: RoomId, expect: Expect, lasts_s: Lasts = None
) -> PreflightDocument:
    """Say whether everything is there for so many listeners; a room that is not there is a no."""
    if _gathering.locked():
        raise Problem(503, "busy", "Too many pre-flights at once", "Try again in a moment.")
    expected = Expected(expect, lasts_s or control.settings.event_lasts_s)
    async with _gathering:
        facts = await run_in_threadpool(gather, control, room)
    return PreflightDocument(**msgspec.to_builtins(decide(room, facts, expected)))
