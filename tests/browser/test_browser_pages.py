"""Home and room page for everybody: narrow screens, keyboard, screen readers, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from support.ears import hears, open_room, plays, until
from support.legible import faint_texts, nameless, too_wide
from support.programs import needs_program
from support.server import RoomMade, Server
from support.voices import speaking

pytestmark = needs_program("chromium")
LONG = "A very long title about the harbour, the town and Donaudampfschifffahrtsgesellschaften"


@pytest.fixture(scope="module")
def live(server: Server, tones: tuple[Path, Path]) -> Iterator[RoomMade]:
    room = server.create_room(LONG, in_s=1.5, host_name="Ada Okonkwo-Lindqvist", speakers=0)
    server.api(
        "PATCH",
        f"/api/rooms/{room.id}",
        json={"pinned": [{"title": "The plan", "url": "https://example.org/plan"}]},
    )
    with speaking(tones[0], room.link("host"), "--loop"):
        yield room


async def can_seek(page: Page) -> None:
    """Wait for a past to go back to: any of these tests may be the first to meet the room."""
    await until(page, "!document.getElementById('seek').hidden")
    await until(page, "document.getElementById('position').ariaValueText?.includes(' of ')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1280])
async def test_pages_are_legible_and_fit_the_screen(
    server: Server, live: RoomMade, browser: Browser, scheme: str, width: int
) -> None:
    page = await browser.new_page(
        viewport={"width": width, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    await page.goto(server.url("/"))
    await until(page, "!document.getElementById('live').hidden")
    assert await too_wide(page) == []
    assert await faint_texts(page) == []
    assert await nameless(page) == []
    await open_room(page, live.url())
    await plays(page)
    await until(page, "document.querySelectorAll('#stage li').length === 1")
    await until(page, "!document.getElementById('pinned-section').hidden")
    assert await too_wide(page) == []
    assert await faint_texts(page) == []
    assert await nameless(page) == []


async def test_home_lists_what_is_on_and_what_comes_and_nothing_unlisted(
    server: Server, live: RoomMade, page: Page
) -> None:
    later = server.create_room("Nurses on night shift", in_s=7_200, speakers=0)
    server.create_room("Between ourselves", in_s=7_200, speakers=0, listed=False)
    await page.goto(server.url("/"))
    await until(page, "!document.getElementById('live').hidden")
    await until(page, "!document.getElementById('scheduled').hidden")
    assert LONG in await page.inner_text("#live")
    coming = await page.inner_text("#scheduled")
    assert "Nurses on night shift" in coming
    assert "in 1:59:" in coming or "in 2:00:00" in coming
    assert "Between ourselves" not in await page.inner_text("main")
    await page.get_by_role("link", name="Nurses on night shift").click()
    await until(page, "Boolean(window.stentor?.player.state)")
    assert page.url.endswith(f"/r/{later.id}")
    assert await page.is_visible("#countdown")


async def test_everything_can_be_done_by_keyboard(live: RoomMade, page: Page) -> None:
    await open_room(page, live.url(), listen=False)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "listen"
    await page.keyboard.press("Enter")
    await plays(page)
    await hears(page, 440)
    await can_seek(page)
    await page.keyboard.press("Space")
    await until(page, "stentor.player.status === 'paused'")
    seen = []
    for _ in range(12):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate("document.activeElement.id"))
        ring = await page.evaluate(
            "document.activeElement === document.body"
            " || parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2"
        )
        assert ring, f"no focus ring on {seen[-1]}"
    for name in ("jump", "back", "position", "forward", "volume", "rendition"):
        assert name in seen
    await page.focus("#jump")
    await page.keyboard.press("Enter")
    await plays(page)
    assert await page.evaluate("document.activeElement.id") == "listen"


async def test_screen_reader_finds_landmarks_headings_and_one_quiet_live_region(
    live: RoomMade, page: Page
) -> None:
    await open_room(page, live.url())
    await plays(page)
    await can_seek(page)
    found = await page.evaluate(
        """() => ({
            main: document.querySelectorAll("main").length,
            header: document.querySelectorAll("body > header").length,
            footer: document.querySelectorAll("body > footer").length,
            h1: document.querySelectorAll("h1").length,
            spoken: [...document.querySelectorAll("[role=status], [role=alert]")]
                .map((one) => one.id),
            lang: document.documentElement.lang,
            slider: document.getElementById("position").getAttribute("aria-valuetext"),
        })"""
    )
    assert found["main"] == found["header"] == found["footer"] == found["h1"] == 1
    assert found["spoken"] == ["status"]
    assert found["lang"] == "en"
    assert " of " in found["slider"]


async def test_lock_screen_knows_the_title_and_who_speaks(live: RoomMade, page: Page) -> None:
    await open_room(page, live.url())
    await plays(page)
    await until(
        page,
        "navigator.mediaSession.metadata?.title === document.getElementById('title').textContent",
    )
    await until(page, "navigator.mediaSession.metadata.artist.startsWith('Ada')")
    assert await page.evaluate("navigator.mediaSession.playbackState") == "playing"


async def test_pages_load_nothing_from_elsewhere_and_report_no_error(
    live: RoomMade, page: Page
) -> None:
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await open_room(page, live.url())
    await plays(page)
    own = live.server.url("")
    assert [url for url in asked if not url.startswith((own, "data:", "blob:"))] == []
    assert errors == []
