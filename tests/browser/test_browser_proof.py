"""The room page in line under stress: it does the door's work, and needs not to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from stentor.base.paths import DataFolder
from support.ears import open_room, until
from support.edge import RunningEdge, edge_running, eventually
from support.programs import needs_program
from support.seconds import HeardWatch, watch_of

pytestmark = needs_program("chromium")

ADVANCE_MS = 20_000
PATIENCE_S = 20


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[HeardWatch]:
    with watch_of(DataFolder(tmp_path / "data")) as watch:
        yield watch


@pytest.fixture
def on_edge(tmp_path: Path, watch: HeardWatch) -> Iterator[RunningEdge]:
    """An edge under stress, whose line hardly moves; everybody here is far back in it."""
    with edge_running(
        tmp_path,
        edge_admissions_per_s_max=0.01,
        door_network_per_s=0.1,
        door_network_burst=1,
    ) as running:
        running.on_air(3)
        eventually(lambda: running.edge.door.sheet.line, PATIENCE_S)
        for _ in range(12):
            running.get("live.mp4", "HEAD")
            with running.ear():
                pass
        policy = watch.decree(proof_cost=3_000, proof_advance_ms=ADVANCE_MS)
        watch.until(lambda second: second.policy == policy.number)
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page()
    yield page
    await page.close()


def room(edge: RunningEdge) -> str:
    return f"http://127.0.0.1:{edge.port}/r/{edge.programme.room}"


async def test_page_in_line_proves_its_work_and_shows_that_it_moved_forward(
    on_edge: RunningEdge, page: Page
) -> None:
    places: list[int] = []

    async def note(response: object) -> None:
        if "live.mp4" in response.url and response.status == 503:  # type: ignore[attr-defined]
            places.append((await response.json())["place_ms"])  # type: ignore[attr-defined]

    page.on("response", lambda response: asyncio.ensure_future(note(response)))
    await open_room(page, room(on_edge))
    await until(page, "document.querySelector('#line-more').textContent.includes('moved')", 20)
    assert await page.evaluate("stentor.player.status") == "line"
    assert on_edge.edge.counts.proofs_good == 1
    while len(places) < 2:
        await asyncio.sleep(0.05)
    assert places[1] == places[0] - ADVANCE_MS
    assert await page.evaluate("stentor.player.tickets.line.place_ms") == places[1]


async def test_page_that_cannot_do_the_work_keeps_its_place(
    on_edge: RunningEdge, page: Page
) -> None:
    failed: list[str] = []
    await page.route("**/proof_worker.js", lambda route: route.abort())
    page.on("requestfailed", lambda request: failed.append(request.url))
    await open_room(page, room(on_edge))
    await until(page, "stentor.player.status === 'line'", 20)
    place = await page.evaluate("stentor.player.tickets.line.place_ms")
    while not any("proof_worker" in url for url in failed):
        await asyncio.sleep(0.05)
    await until(page, "stentor.player.line.waitS > 0", 20)
    assert await page.evaluate("stentor.player.status") == "line"
    assert await page.evaluate("stentor.player.tickets.line.place_ms") == place
    assert on_edge.edge.counts.proofs_good == on_edge.edge.counts.proofs_false == 0
