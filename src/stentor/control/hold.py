"""The hold tune: any audio file in, the programme's samples out, in place before it is ordered."""

import asyncio
import os
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from stentor.base.errors import Problem
from stentor.base.paths import DataFolder
from stentor.codecs.decode import Trust, Unreadable, open_source
from stentor.control.api import problems
from stentor.control.context import Changer, RoomId, The
from stentor.control.documents import RoomDocument
from stentor.control.shown import room_document
from stentor.rooms.acts import Hold
from stentor.store.database import storage_error

DECODING_MAX = 2  # at once: each takes a core
UPLOADS_MAX = 8  # at once: each takes space on the disk; one more is told to come back
_decoding = asyncio.Semaphore(DECODING_MAX)
_uploads = asyncio.Semaphore(UPLOADS_MAX)

_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(prefix="/api", responses=problems(400, 401, 403, 408, 413, 422, 500, 503, 507))


@router.put("/rooms/{room}/hold", responses=problems(404, 409, 415, 429), openapi_extra=_UPLOAD)
async def put_hold(control: The, caller: Changer, room: RoomId, request: Request) -> RoomDocument:
    """Take a hold tune, for the time between the hour and the first voice."""
    await run_in_threadpool(control.desk.check, room, Hold(True), caller.actor)
    if _uploads.locked():
        raise Problem(503, "busy", "Too many uploads at once", "Try again in a moment.")
    tune = control.folder.hold(room)
    upload = tune.with_name(f".{room}-{os.urandom(8).hex()}.upload")
    decoded = upload.with_suffix(".new")
    try:
        async with _uploads:
            await _take_upload(request, upload)
            async with _decoding:
                seconds_max = control.settings.hold_duration_max_s
                await run_in_threadpool(decode_hold, upload, decoded, seconds_max)
        changed = await run_in_threadpool(
            control.desk.act_with_file, room, Hold(True), caller.actor, decoded, tune
        )
    except OSError as error:
        raise storage_error(error) from None
    finally:
        upload.unlink(missing_ok=True)
        decoded.unlink(missing_ok=True)
    return room_document(control, changed, caller)


async def _take_upload(request: Request, upload: Path) -> None:
    upload.parent.mkdir(parents=True, exist_ok=True)
    with upload.open("wb") as file:
        async for piece in request.stream():
            await run_in_threadpool(file.write, piece)
        if file.tell() == 0:
            raise Problem(422, "unreadable", "There is no audio", "The body is empty.")


@router.delete("/rooms/{room}/hold", responses=problems(404, 409, 429))
def delete_hold(control: The, caller: Changer, room: RoomId) -> RoomDocument:
    """Go without a hold tune: silence until the first voice."""
    changed = control.desk.act(room, Hold(False), caller.actor)
    try:
        control.folder.hold(room).unlink(missing_ok=True)
    except OSError as error:
        structlog.get_logger().warning("hold tune not deleted", room=room, why=str(error))
    return room_document(control, changed, caller)


def tidy_holds(folder: DataFolder) -> None:
    """Clear away what an upload left behind when control died, before anything else runs."""
    place = folder.hold("x").parent
    for path in place.iterdir() if place.is_dir() else ():
        try:
            if path.suffix == ".old" and not path.with_suffix(".s16").exists():
                path.rename(path.with_suffix(".s16"))
            elif path.suffix != ".s16":
                path.unlink()
        except OSError as error:
            structlog.get_logger().warning("upload not cleared", path=path.name, why=str(error))


def decode_hold(upload: Path, decoded: Path, seconds_max: int) -> None:
    """Write the samples of `upload` to `decoded`; raises a `Problem` if it is not audio."""
    try:
        with (
            open_source(upload, seconds_max=seconds_max, trust=Trust.STRANGERS) as source,
            decoded.open("wb") as file,
        ):
            for frame in source:
                file.write(frame.tobytes())
            file.flush()
            os.fsync(file.fileno())
    except Unreadable as error:
        reason = str(error).replace(str(upload), "The file")
        raise Problem(422, "unreadable", "That is not audio that can be read", reason) from None
