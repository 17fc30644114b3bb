"""The operator's page: legible for everybody, usable by keyboard alone, truthful when alone."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from playwright.async_api import Browser, Page

from stentor.base.secrets import operator_token
from stentor.shield.facts import StageSecond
from support.ears import until
from support.legible import faint_texts, nameless, too_wide
from support.programs import needs_program
from support.server import RoomMade, Server
from support.watch import BAD, flooded

pytestmark = needs_program("chromium")
SHOWN = "!document.getElementById('inside').hidden && document.title.length > 9"


@pytest.fixture(scope="module")
def room(server: Server) -> RoomMade:
    return server.create_room("A very long title about the harbour and the town", in_s=0)


@contextmanager
def flood(path: Path, network: str) -> Iterator[None]:
    """One more edge, which tells of nothing but wrongs by one network."""
    over = threading.Event()

    def tell() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as edge:
            while not over.wait(0.5):
                edge.sendto(msgspec.msgpack.encode(flooded("edge-9", network)), str(path))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def opened(page: Page, server: Server) -> Page:
    await page.goto(server.watch_url(f"/#token={operator_token(server.folder)}"))
    await until(page, SHOWN)
    return page


async def kept_dead(server: Server) -> None:
    """Kill the watch whenever it is there."""
    while True:
        with suppress(ProcessLookupError, KeyError, TypeError):
            server.kill("watch")
        await asyncio.sleep(0.2)


async def press_until(page: Page, key: str, focus: str, times: int = 60) -> None:
    """Press a key until that has the focus."""
    for _ in range(times):
        await page.keyboard.press(key)
        if await page.evaluate(f"Boolean(document.activeElement?.matches({focus!r}))"):
            return
    raise AssertionError(f"{focus} is not reached with {key}")


async def test_it_is_opened_and_the_shield_paused_and_a_ban_lifted_by_keyboard_alone(
    server: Server, room: RoomMade, page: Page
) -> None:
    await page.goto(server.watch_url())
    await until(page, "document.activeElement?.id === 'token'")
    await page.keyboard.type("not it")
    await page.keyboard.press("Enter")
    await until(page, "document.getElementById('trouble').textContent.includes('token')")
    await page.keyboard.type(operator_token(server.folder))
    await page.keyboard.press("Enter")
    await until(page, SHOWN)
    with flood(server.folder.watch_socket, BAD):
        await until(page, f"document.getElementById('bans').textContent.includes({BAD!r})")
        await press_until(page, "Tab", "#bans button")
        await page.keyboard.press("Enter")
        await until(page, "document.getElementById('said').textContent.includes('lifted')")
        await until(page, f"!document.getElementById('bans').textContent.includes({BAD!r})")
        await until(page, "document.getElementById('notes').textContent.includes('lifted the ban')")
    await press_until(page, "Shift+Tab", "#pause-button")
    await page.keyboard.press("Enter")
    await until(page, "document.getElementById('marks').textContent.includes('shield is paused')")
    await press_until(page, "Tab", "#resume")
    await page.keyboard.press("Enter")
    await until(page, "!document.getElementById('marks').textContent.includes('paused')")
    await until(page, "document.activeElement?.id === 'pause-button'")


async def test_it_tells_of_what_never_became_a_connection(
    server: Server, room: RoomMade, page: Page
) -> None:
    await opened(page, server)
    assert "Beneath" not in await page.locator("#shield-does").inner_text()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stage:
        sprayed = StageSecond("stage-9", 0, speakers=1, sifted=4_000, foreign=21)
        stage.sendto(msgspec.msgpack.encode(sprayed), str(server.folder.watch_socket))
    said = "4,021 datagrams at media ports from nobody who speaks"
    await until(page, f"document.getElementById('shield-does').textContent.includes({said!r})")


async def test_it_is_legible_and_fits_the_screen_whatever_happens(
    server: Server, room: RoomMade, browser: Browser
) -> None:
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    with flood(server.folder.watch_socket, "6/48:fedcba9876543210"):
        for width, scheme in product((320, 390, 1280), schemes):
            page = await browser.new_page(
                viewport={"width": width, "height": 844}, color_scheme=scheme
            )
            await opened(page, server)
            await until(page, "document.querySelectorAll('#bans tr, #edges tr').length === 4")
            assert await too_wide(page) == []
            assert await faint_texts(page) == []
            assert await nameless(page) == []
            await page.close()


async def test_each_chart_has_its_figures_in_words_and_a_table_behind_it(
    server: Server, room: RoomMade, page: Page
) -> None:
    await opened(page, server)
    charts = page.locator("figure.chart")
    assert await charts.count() == 5
    for n in range(5):
        chart = charts.nth(n)
        assert "since" in (await chart.locator("svg").get_attribute("aria-label") or "")
        await chart.locator("summary").focus()
        await page.keyboard.press("Enter")
        await until(
            page,
            f"document.querySelectorAll('figure.chart')[{n}].querySelector('tbody tr') !== null",
        )


async def test_it_says_so_when_the_watch_is_away_and_goes_on_when_it_is_back(
    server: Server, room: RoomMade, page: Page
) -> None:
    await opened(page, server)
    # Once would not do: it may be back between two looks of the page.
    async with asyncio.TaskGroup() as both:
        deaths = both.create_task(kept_dead(server))
        await until(
            page, "document.getElementById('trouble').textContent.includes('does not answer')"
        )
        deaths.cancel()
    await until(page, "document.getElementById('trouble').hidden")
    await until(page, "document.getElementById('headline').dataset.stress !== 'blind'")


async def test_the_token_is_never_in_an_address_that_is_sent(
    server: Server, room: RoomMade, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await opened(page, server)
    token = operator_token(server.folder)
    assert "token" not in page.url
    assert len(asked) > 5
    assert not [url for url in asked[1:] if token in url]
    assert not [url for url in asked if not url.startswith(server.watch_url(""))]
