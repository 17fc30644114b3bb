"""Control's web application: API, pages, health and metrics, behind the bounds."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Scope

from stentor.base.metrics import CONTROL_REQUESTS, shown_by
from stentor.control import api, hold, preflight
from stentor.control.audience import receive_audience
from stentor.control.context import Control, The
from stentor.control.documents import HealthDocument
from stentor.control.pages import control_routes, load_site, security_headers
from stentor.control.problems import add_control_problem_handlers
from stentor.web.bounds import Bounds

_TIDY_S = 1.0


def make_app(control: Control) -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title="Stentor control",
        version="1",
        summary="Rooms, links and moderation, for hosts and operators.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_lifespan,
    )
    app.state.control = control
    app.include_router(api.router)
    app.include_router(hold.router)
    app.include_router(preflight.router)
    app.router.routes.extend(control_routes(load_site()))

    @app.get("/healthz")
    async def get_health(control: The) -> HealthDocument:
        """Say that control answers."""
        return HealthDocument(status="ok", rooms=len(control.desk.rooms()))

    shown = shown_by("control", "audience")

    @app.get("/metrics", include_in_schema=False)
    async def get_metrics(control: The) -> Response:
        control.audience.show(time.monotonic())
        return Response(generate_latest(shown), media_type=CONTENT_TYPE_LATEST)

    add_control_problem_handlers(app)
    app.add_middleware(
        Bounds,
        request_s=control.settings.control_request_s,
        requests=CONTROL_REQUESTS,
        upload_bytes_max=control.settings.hold_upload_bytes_max,
        is_upload=_is_upload,
        headers=security_headers(control.settings),
    )
    return app


def _is_upload(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] == "PUT" and path.startswith("/api/rooms/") and path.endswith("/hold")


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    control: Control = app.state.control
    tasks = [
        asyncio.create_task(receive_audience(control.folder.audience_socket, control.audience)),
        asyncio.create_task(_tidy(control)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tidy(control: Control) -> None:
    while True:
        try:
            await run_in_threadpool(control.desk.tidy)
        except Exception as error:  # a bug here must not stop what comes next second
            structlog.get_logger().error("tidying failed", exc_info=error)
        await asyncio.sleep(_TIDY_S)
