"""Refusals that only control knows as problem+json: acts, bodies of requests, the disk."""

from collections.abc import Awaitable, Callable

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from stentor.base.errors import Problem
from stentor.rooms.acts import Refusal, RefusalKind
from stentor.store.database import StorageFailed, StorageFull
from stentor.web.problems import add_problem_handlers, problem_response

_STATUS = {
    RefusalKind.NOT_ALLOWED: (403, "This link does not allow it"),
    RefusalKind.NO_SUCH_SEAT: (404, "There is no such seat"),
    RefusalKind.NO_SUCH_PIN: (404, "There is no such pinned link"),
    RefusalKind.WRONG_PHASE: (409, "Not in this phase of the room"),
    RefusalKind.SECOND_HOST: (409, "The room has a host"),
    RefusalKind.SEAT_GONE: (409, "The link was withdrawn"),
    RefusalKind.FULL: (409, "Nothing more fits in"),
    RefusalKind.INVALID: (422, "That cannot be"),
}
_FAULTS_TOLD_MAX = 3


def refused(refusal: Refusal) -> Problem:
    """Return the core's refusal as the API tells it."""
    status, title = _STATUS[refusal.kind]
    return Problem(status, refusal.kind, title, refusal.detail)


def _of_validation(error: RequestValidationError) -> Problem:
    faults = error.errors()
    for fault in faults:
        if fault["type"] == "json_invalid":
            return Problem(400, "not-json", "The body is not JSON")
    told = "; ".join(
        f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
        for fault in faults[:_FAULTS_TOLD_MAX]
    )
    return Problem(422, "invalid", "The request is not as it should be", told[:1000])


def add_control_problem_handlers(app: FastAPI) -> None:
    """Let every error of control's application leave it as problem+json."""
    add_problem_handlers(app)

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(_of_validation(error))

    async def on_full(request: Request, error: Exception) -> Response:
        return problem_response(
            Problem(507, "disk-full", "There is no room left on the disk", "Nothing was changed.")
        )

    async def on_disk(request: Request, error: Exception) -> Response:
        structlog.get_logger().error("disk refused", why=str(error))
        return problem_response(
            Problem(503, "disk", "The disk refuses", "Nothing was changed; try again.")
        )

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        RequestValidationError: on_validation,
        StorageFull: on_full,
        StorageFailed: on_disk,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
