"""Whatever an application refuses, or does wrong, is a problem document."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from stentor.base.errors import Problem
from stentor.web.problems import add_problem_handlers


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/refused/{status}")
    async def refuse(status: int) -> None:
        raise Problem(status, "refused", "No")

    @app.get("/bug")
    async def fail() -> None:
        raise ZeroDivisionError("secret")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "header"),
    [
        ("GET", "/refused/401", 401, "refused", "www-authenticate"),
        ("GET", "/refused/429", 429, "refused", "retry-after"),
        ("GET", "/refused/503", 503, "refused", "retry-after"),
        ("GET", "/nowhere", 404, "not-found", "content-type"),
        ("POST", "/bug", 405, "method-not-allowed", "allow"),
        ("GET", "/bug", 500, "bug", "content-type"),
    ],
)
async def test_refusals_and_faults_are_problem_documents(
    client: httpx.AsyncClient, method: str, path: str, status: int, kind: str, header: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == Problem.MEDIA_TYPE
    assert answer.json()["type"] == f"urn:stentor:problem:{kind}"
    assert header in answer.headers
    assert "secret" not in answer.text
