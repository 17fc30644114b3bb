"""Refusals and faults of an application as problem+json (RFC 9457), the same at every door."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stentor.base.errors import Problem
from stentor.base.logs import log


def problem_headers(problem: Problem) -> dict[str, str]:
    """Return what a refusal says beside its document."""
    if problem.status == 401:
        return {"WWW-Authenticate": 'Bearer realm="stentor"'}
    if problem.status in (429, 503):
        return {"Retry-After": "1"}
    return {}


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return a problem as a response; `headers` go before those that it has anyway."""
    return JSONResponse(
        problem.as_dict(),
        problem.status,
        {**problem_headers(problem), **(headers or {})},
        media_type=Problem.MEDIA_TYPE,
    )


def _status_name(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"


def add_problem_handlers(
    app: FastAPI, respond: Callable[[Problem], Response] = problem_response
) -> None:
    """Let every refusal and every fault of the application leave it as problem+json."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return respond(error)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, Problem):  # raised while the body was read
            return respond(error.__cause__)
        title = _status_name(error.status_code)
        problem = Problem(error.status_code, title.lower().replace(" ", "-"), title)
        return problem_response(problem, dict(error.headers or {}))

    async def on_bug(request: Request, error: Exception) -> Response:
        # By its route: in the path may be what nobody else should read.
        route = getattr(request.scope.get("route"), "path", "")
        log().error("request_failed", method=request.method, route=route, exc_info=error)
        return respond(Problem(500, "bug", "Our fault", "It was logged."))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)
