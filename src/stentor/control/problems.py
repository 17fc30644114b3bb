"""Every refusal of the API as problem+json (RFC 9457): which status means what, in one place."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stentor.base.errors import Problem
from stentor.rooms.acts import Refusal, RefusalKind
from stentor.store.database import StorageFailed, StorageFull

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


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a problem as a response."""
    headers = dict(headers or {})
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="stentor"'
    if problem.status in (429, 503):
        headers.setdefault("Retry-After", "1")
    return JSONResponse(problem.as_dict(), problem.status, headers, media_type=Problem.MEDIA_TYPE)


def _status_name(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"


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


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of the application leave it as problem+json."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(error)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, Problem):  # of the bounds, while the body was read
            return problem_response(error.__cause__)
        kind = _status_name(error.status_code).lower().replace(" ", "-")
        title = _status_name(error.status_code)
        return problem_response(Problem(error.status_code, kind, title), dict(error.headers or {}))

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

    async def on_bug(request: Request, error: Exception) -> Response:
        structlog.get_logger().error("bug", path=request.url.path, exc_info=error)
        return problem_response(Problem(500, "bug", "Our fault", "It is in control's log."))

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        Problem: on_problem,
        HTTPException: on_http,
        RequestValidationError: on_validation,
        StorageFull: on_full,
        StorageFailed: on_disk,
        Exception: on_bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
