"""The operator's page and its API: what there is to see, and what can be undone.

On a port of its own, by default on loopback only, so that it answers whatever the listeners' side
suffers. Decides nothing; every answer is made from memory.
"""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import Response

from stentor.base.errors import Problem
from stentor.base.metrics import WATCH_REQUESTS, shown_by
from stentor.base.settings import Settings
from stentor.rooms.links import ANY_ROOM, Link, verify_link
from stentor.rooms.orders import Role
from stentor.watch.deciding import PAUSE_S_MAX
from stentor.watch.now import now_document
from stentor.watch.watching import Watching
from stentor.web.bounds import Bounds
from stentor.web.pages import load_pages, page_routes, strict_headers
from stentor.web.problems import add_problem_handlers, problem_response

SITE = Path(__file__).parent / "site"
_SHARED = (
    *(SITE.parents[1] / "edge" / "site" / name for name in ("theme.css", "mark.svg", "times.js")),
    *(
        SITE.parents[1] / "control" / "site" / name
        for name in ("api.js", "key.js", "operator.js", "page.js")
    ),
)
NETWORK_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class Page:
    """What the application shows, and to whom."""

    settings: Settings
    watching: Watching
    operator_token: str
    link_key: bytes

    @property
    def now_ms(self) -> int:
        """The time, as all parts have it: Unix milliseconds."""
        return self.watching.clock.now_ns() // 1_000_000

    def is_operator(self, bearer: str) -> bool:
        """Say whether this is the operator's token, or an operator's link."""
        token = self.operator_token.encode()
        if hmac.compare_digest(bearer.encode("utf-8", "replace"), token):
            return True
        link = verify_link(bearer, self.link_key, self.now_ms)
        return isinstance(link, Link) and link.role is Role.OPERATOR and link.room == ANY_ROOM


class Pause(BaseModel):
    """For how long the shield is to ask nothing of anybody; 0: it goes on at once."""

    seconds: int = Field(ge=0, le=PAUSE_S_MAX)


class Pardon(BaseModel):
    """Whose ban is to end: its keyed name, as it is shown."""

    network: str = Field(min_length=1, max_length=NETWORK_CHARS_MAX)


async def _page(request: Request) -> Page:
    page: Page = request.app.state.page
    return page


_The = Annotated[Page, Depends(_page)]
_Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="The operator's token or link.")),
]


async def _operator(page: _The, bearer: _Bearer) -> Page:
    if bearer is None:
        raise Problem(
            401,
            "no-token",
            "The operator's token is needed",
            "Send it as `Authorization: Bearer …`.",
        )
    if not page.is_operator(bearer.credentials):
        raise Problem(
            401,
            "not-the-operator",
            "This is not the operator's token",
            "It lies in the data folder, in secrets/operator.token.",
        )
    return page


_Operator = Annotated[Page, Depends(_operator)]


def _json(document: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def make_app(page: Page) -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title="Stentor's watch",
        version="1",
        summary="How the machine stands, what the shield does, and its undoing.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.page = page
    _add_looks(app)
    _add_acts(app)
    paths = (*_SHARED, *sorted(SITE.iterdir()))
    app.router.routes.extend(page_routes(load_pages(paths), {"/": "index.html"}))
    add_problem_handlers(app)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_middleware(
        Bounds,
        request_s=page.settings.control_request_s,
        requests=WATCH_REQUESTS,
        headers=strict_headers(),
    )
    return app


def _add_looks(app: FastAPI) -> None:
    shown = shown_by("watch")

    @app.get("/healthz")
    async def get_health() -> dict[str, str]:
        """Say that the watch answers."""
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def get_metrics() -> Response:
        return Response(generate_latest(shown), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/now")
    async def get_now(
        page: _Operator,
        after: Annotated[int, Query(description="Unix ms: only points later than that")] = 0,
    ) -> Response:
        """Return how things stand, and a point for each second of the last ten minutes."""
        return _json(now_document(page.watching, page.settings, page.now_ms, after))

    @app.get("/api/ledger")
    async def get_ledger(page: _Operator) -> Response:
        """Return the newest signed head, to be kept where nobody here can change it."""
        ledger = page.watching.ledger
        return _json({"key": ledger.key, "file": ledger.name, "head": ledger.head})


def _add_acts(app: FastAPI) -> None:
    @app.post("/api/shield/pause")
    async def post_pause(page: _Operator, pause: Pause) -> Response:
        """Pause the shield for a while, or end a pause: recorded."""
        page.watching.deciding.pause(pause.seconds, page.now_ms)
        return _json({"paused_until_ms": page.watching.deciding.paused_until(page.now_ms)})

    @app.post("/api/shield/pardon")
    async def post_pardon(page: _Operator, pardon: Pardon) -> Response:
        """End a network's ban, and ban it no more for an hour: recorded."""
        if not page.watching.deciding.pardon(pardon.network, page.now_ms):
            raise Problem(
                404, "not-banned", "This network is not banned", "Its ban may have ended."
            )
        return _json({"pardoned": pardon.network})


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults: list[Any] = list(error.errors())[:3]
    told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults)
    return problem_response(
        Problem(422, "invalid", "The request is not as it should be", told[:1000])
    )
