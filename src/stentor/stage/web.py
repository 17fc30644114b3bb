"""The stage's HTTP: WHIP (RFC 9725) for whoever publishes, /talk for browsers that hear, events.

Same shape for both: POST an offer with a link as Bearer token, get an answer and a Location;
DELETE it to leave; GET its /events to be told how things stand. Refusals are problem+json.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from stentor.base.errors import Problem
from stentor.base.metrics import shown_by
from stentor.stage.admission import bearer
from stentor.stage.events import Events
from stentor.stage.offer import OFFER_BYTES_MAX
from stentor.stage.peer import Direction
from stentor.stage.stage import Stage
from stentor.web.problems import add_problem_handlers, problem_response

_ENDPOINTS = {"whip": Direction.SPEAKS, "talk": Direction.SPEAKS_AND_HEARS}
_RETRY_S = "2"
_OFFER_S_MAX = 10


def _refusal(problem: Problem) -> Response:
    again = problem.status in (409, 503)  # a seat that is taken may be free in a moment
    return problem_response(problem, {"Retry-After": _RETRY_S} if again else None)


def _endpoint(name: str) -> Direction:
    direction = _ENDPOINTS.get(name)
    if direction is None:
        raise Problem(404, "not-found", "There is nothing at this address")
    return direction


async def _offer(request: Request) -> bytes:
    """Return the body; raises `Problem` before more than the limit was taken in."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/sdp":
        raise Problem(
            415, "not-sdp", "The offer must be SDP", "Send it as Content-Type: application/sdp."
        )
    body = bytearray()
    try:
        async with asyncio.timeout(_OFFER_S_MAX):
            async for piece in request.stream():
                body += piece
                if len(body) > OFFER_BYTES_MAX:
                    break  # read_offer says so, or the link is refused first
    except ClientDisconnect:
        raise Problem(400, "half-an-offer", "The offer came to an early end") from None
    except TimeoutError:
        raise Problem(408, "too-slow", "The offer took too long to arrive") from None
    return bytes(body)


def make_web(stage: Stage, events: Events) -> FastAPI:
    """Return the stage's web application."""
    web = FastAPI(title="Stentor stage", docs_url=None, redoc_url=None, openapi_url=None)
    web.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["POST", "DELETE", "PATCH", "GET", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type", "Stentor-Resume", "If-Match"],
        expose_headers=["Location", "ETag", "Link", "Retry-After"],
        max_age=86_400,
    )

    add_problem_handlers(web, _refusal)

    @web.post("/{endpoint}/{room}")
    async def enter(endpoint: str, room: str, request: Request) -> Response:
        direction = _endpoint(endpoint)
        token = bearer(request.headers.get("authorization"))
        body = await _offer(request)
        session = await stage.join(
            room, token, body, direction, request.headers.get("stentor-resume")
        )
        headers = {
            "Location": f"/{endpoint}/{room}/{session.id}",
            "ETag": f'"{session.id}"',
            "Cache-Control": "no-store",
        }
        return Response(session.answer, 201, headers=headers, media_type="application/sdp")

    @web.delete("/{endpoint}/{room}/{session_id}")
    async def leave(endpoint: str, room: str, session_id: str) -> Response:
        _endpoint(endpoint)
        stage.end(room, session_id)
        return Response(status_code=200)

    @web.get("/{endpoint}/{room}/{session_id}/events")
    async def tell(endpoint: str, room: str, session_id: str) -> Response:
        _endpoint(endpoint)
        session = stage.session(room, session_id)
        if session is None:
            raise Problem(404, "no-session", "There is no such session", "Enter again.")

        async def stream() -> AsyncIterator[str]:
            async for event in events.follow(session):
                yield f"data: {event}\n\n"

        return StreamingResponse(
            stream(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @web.get("/healthz")
    async def health() -> Response:
        return JSONResponse({"part": "stage", "sessions": len(stage.sessions)})

    @web.get("/metrics")
    async def figures() -> Response:
        registry = shown_by("stage")
        registry.register(stage)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return web
