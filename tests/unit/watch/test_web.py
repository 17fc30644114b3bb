"""The operator's API: for the operator only, every refusal a problem, every file read at start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from stentor.base.errors import Problem
from stentor.rooms.links import ANY_ROOM, Link, sign_link
from stentor.rooms.orders import Role
from stentor.watch.web import make_app
from support.watch import BAD, LINK_KEY, TOKEN, Watch, edge_second, flooded

OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    one = Watch(tmp_path)
    yield one
    one.close()


@pytest.fixture
async def client(watch: Watch) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(watch.page), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://watch") as one:
        yield one


def link(watch: Watch, role: Role, room: str) -> str:
    return sign_link(Link("x", room, role, "X", watch.page.now_ms + 60_000), LINK_KEY)


def assert_problem(answer: httpx.Response, status: int, kind: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == Problem.MEDIA_TYPE
    assert answer.json()["type"] == f"urn:stentor:problem:{kind}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/now"),
        ("GET", "/api/ledger"),
        ("POST", "/api/shield/pause"),
        ("POST", "/api/shield/pardon"),
    ],
)
async def test_only_the_operator_sees_and_does_anything(
    watch: Watch, client: httpx.AsyncClient, method: str, path: str
) -> None:
    assert_problem(await client.request(method, path), 401, "no-token")
    for token in ("wrong", link(watch, Role.HOST, "hall"), link(watch, Role.OPERATOR, "hall")):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.request(method, path, headers=headers, json={"seconds": 5})
        assert_problem(answer, 401, "not-the-operator")


async def test_an_operators_link_is_as_good_as_the_token(
    watch: Watch, client: httpx.AsyncClient
) -> None:
    token = link(watch, Role.OPERATOR, ANY_ROOM)
    answer = await client.get("/api/now", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    watch.clock.advance(61)
    answer = await client.get("/api/now", headers={"Authorization": f"Bearer {token}"})
    assert_problem(answer, 401, "not-the-operator")


async def test_a_ban_is_seen_and_undone(watch: Watch, client: httpx.AsyncClient) -> None:
    for _ in range(3):
        watch.second(flooded())
    seen = (await client.get("/api/now", headers=OPERATOR)).json()
    assert [ban["network"] for ban in seen["shield"]["bans"]] == [BAD]
    undone = await client.post("/api/shield/pardon", headers=OPERATOR, json={"network": BAD})
    assert undone.json() == {"pardoned": BAD}
    watch.second(flooded())
    seen = (await client.get("/api/now", headers=OPERATOR)).json()
    assert (seen["shield"]["bans"], seen["notes"][0]["what"]) == ([], "undo-ban")
    again = await client.post("/api/shield/pardon", headers=OPERATOR, json={"network": BAD})
    assert_problem(again, 404, "not-banned")


async def test_the_shield_is_paused_and_goes_on(watch: Watch, client: httpx.AsyncClient) -> None:
    path = "/api/shield/pause"
    paused = await client.post(path, headers=OPERATOR, json={"seconds": 600})
    assert paused.json() == {"paused_until_ms": watch.page.now_ms + 600_000}
    resumed = await client.post(path, headers=OPERATOR, json={"seconds": 0})
    assert resumed.json() == {"paused_until_ms": 0}


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b'{"seconds": -1}', b'{"seconds":9999}'])
async def test_what_cannot_be_asked_for_is_refused_as_a_problem(
    client: httpx.AsyncClient, body: bytes
) -> None:
    headers = {**OPERATOR, "Content-Type": "application/json"}
    answer = await client.post("/api/shield/pause", headers=headers, content=body)
    assert_problem(answer, 422, "invalid")


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/shield/pause", headers=OPERATOR, content=b"x" * 100_000)
    assert_problem(answer, 413, "too-large")


async def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "https://" not in page.text.replace("https://www.w3.org", "")
    assert "style=" not in page.text
    for name in (
        "watch.js",
        "charts.js",
        "words.js",
        "watch.css",
        "theme.css",
        "operator.js",
        "page.js",
    ):
        answer = await client.get(f"/site/{name}")
        assert answer.status_code == 200
        assert f"/site/{name}" in page.text or name.endswith(".js")
    assert_problem(await client.get("/site/../web.py"), 404, "not-found")


async def test_newest_head_and_key_are_told(watch: Watch, client: httpx.AsyncClient) -> None:
    watch.second(edge_second())
    told = (await client.get("/api/ledger", headers=OPERATOR)).json()
    assert told["key"] == watch.ledger.key
    assert told["head"] is None
    watch.close()
    told = (await client.get("/api/ledger", headers=OPERATOR)).json()
    opening_second_head_and_closing = 4
    told_of = told["head"]["key"], told["head"]["size"]
    assert told_of == (watch.ledger.key, opening_second_head_and_closing)
