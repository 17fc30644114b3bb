"""The studio and the overview for everybody: by keyboard, on a phone, in the dark, when refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from stentor.base.secrets import link_key, operator_token
from stentor.rooms.links import Link, sign_link
from stentor.rooms.orders import Role
from support.browser import Chromiums
from support.ears import until
from support.legible import faint_texts, nameless, roles, too_wide
from support.programs import needs_program
from support.server import RoomMade, Server
from support.studio import enter_stage, on_stage, open_studio, to_seat, trouble, turn_on_microphone
from support.voices import tone_file

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1_280, "height": 860}

pytestmark = needs_program("chromium")


@pytest.fixture(scope="module")
def live(server: Server) -> RoomMade:
    """A room on the air with long names, pins and many seats."""
    room = server.create_room(
        "Anticonstitutionnellement: a hearing on the Donaudampfschifffahrtsgesellschaft",
        in_s=2,
        host_name="Wilhelmina Featherstonehaugh-Cholmondeley",
        speaker_names=["Ben", "Grace", "Linus"],
        speakers=3,
    )
    pins = [{"title": "The agenda, as it was agreed", "url": "https://example.org/" + "a" * 90}]
    server.api("PATCH", f"/api/rooms/{room.id}", json={"pinned": pins})
    server.api("POST", f"/api/rooms/{room.id}/seats/{room.links('speaker')[1]['id']}/remove")
    return room


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with await browser.new_context(viewport=PHONE, reduced_motion="reduce") as context:
        yield context


async def check(page: Page, landmarks: tuple[str, ...] = ("main", "banner", "heading")) -> None:
    """Everything that must be true of the page as it stands."""
    assert await too_wide(page) == []
    assert await nameless(page) == []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await faint_texts(page) == [], scheme
    assert set(landmarks) <= await roles(page)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_studio_is_legible_and_named_from_the_entrance_to_the_stage(
    live: RoomMade, browser: Browser, size: dict[str, int]
) -> None:
    async with await browser.new_context(viewport=size, reduced_motion="reduce") as context:  # type: ignore[arg-type]
        page = await context.new_page()
        await open_studio(page, live.link("host"))
        await until(page, "document.querySelectorAll('#people li').length === 5")
        await check(page)
        await turn_on_microphone(page)
        await check(page)
        await page.click("#join")
        await on_stage(page)
        await page.fill("#invite-name", "A guest")
        await page.press("#invite-name", "Enter")
        await until(page, "!document.querySelector('#invited').hidden")
        await check(page)
        await page.click("#mute")
        await check(page)
        await to_seat(page, "Withdraw link …", "A guest")
        await check(page, ("dialog", "heading"))
        await page.get_by_role("dialog").get_by_role("button", name="Withdraw the link").click()
        await page.click("#leave")
        assert await page.evaluate("document.activeElement.id") == "join"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_overview_makes_a_room_and_gives_its_links(
    server: Server, browser: Browser, size: dict[str, int]
) -> None:
    async with await browser.new_context(viewport=size, reduced_motion="reduce") as context:  # type: ignore[arg-type]
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = await context.new_page()
        await page.goto(server.control_url())
        await check(page)
        await page.fill("#token", "not it")
        await page.press("#token", "Enter")
        assert "not the operator's token" in await trouble_of_overview(page)
        await page.goto(server.control_url(f"/?again#token={operator_token(server.folder)}"))
        await until(page, "!document.querySelector('#inside').hidden")
        assert "token" not in page.url
        await page.click("#new summary")
        await check(page)
        title = f"Made at {size['width']} px"
        await page.fill("#title", title)
        await page.fill("#names", "Grace, Linus")
        await page.press("#title", "Enter")
        made = page.locator("#rooms > li").filter(has_text=title)
        await made.get_by_role("button", name="Copy link for Linus").click()
        await check(page)
        link = await page.evaluate("navigator.clipboard.readText()")
        await open_studio(page, link)
        assert await page.inner_text("#whom") == "Linus · Speaker"


async def trouble_of_overview(page: Page) -> str:
    return str(await until(page, "document.querySelector('#trouble:not([hidden])')?.textContent"))


async def tab_to(page: Page, name: str, steps_max: int = 60) -> None:
    """Press Tab until the control of that name has the focus, and can be seen to have it."""
    for _ in range(steps_max):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(_FOCUSED)
        if focused["label"].startswith(name):
            assert focused["outline"] >= 2, name
            assert focused["seen"], f"{name} is behind something"
            return
    raise AssertionError(f"no {name} within {steps_max} presses of Tab")


_FOCUSED = """
(() => {
    const node = document.activeElement, box = node.getBoundingClientRect();
    const style = getComputedStyle(node);
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return {
        label: (node.innerText || node.labels?.[0]?.innerText || "").trim(),
        outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        seen: node.contains(top) || top?.contains(node) || Boolean(node.labels?.[0]?.contains(top)),
    };
})()
"""


async def test_host_needs_no_mouse(server: Server, browser: Browser) -> None:
    room = server.create_room("By keyboard", in_s=900, host_name="Ada", speaker_names=["Ben"])
    page = await (await browser.new_context(viewport=DESK)).new_page()
    keys = page.keyboard
    await open_studio(page, room.link("host"))
    await keys.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the stage"
    await keys.press("Enter")
    await tab_to(page, "Turn on the microphone")
    await keys.press("Enter")
    await until(page, "document.activeElement.id === 'join'")
    await keys.press("Enter")
    await on_stage(page)
    assert await page.evaluate("document.activeElement.id") == "mute"
    await keys.press("Space")
    await until(page, "document.querySelector('#air').textContent.includes('muted yourself')")
    await keys.press("m")
    await until(page, "document.querySelector('#mute-label').textContent === 'Mute'")

    await page.evaluate("document.querySelector('#main').focus()")
    await tab_to(page, "Go on air now")
    await keys.press("Enter")
    assert "dialog" in await roles(page)
    await keys.press("Escape")
    assert await page.evaluate("document.activeElement.id") == "start"
    await keys.press("Enter")
    await keys.press("Enter")  # the dialog's first choice has the focus
    await until(page, "document.querySelector('#air').dataset.phase === 'live'")

    await page.evaluate("document.querySelector('#main').focus()")
    await tab_to(page, "Name")
    await keys.type("mm")  # in a field the letter m is only a letter
    await keys.press("Enter")
    await until(page, "document.activeElement.id === 'copy-invited'")
    assert await page.inner_text("#mute-label") == "Mute"
    await page.evaluate("document.querySelector('#main').focus()")
    await tab_to(page, "End the programme")
    await keys.press("Enter")
    await keys.press("Enter")  # what cannot be undone has the focus on Cancel
    await until(page, "document.activeElement.id === 'end'")
    assert await page.get_attribute("#air", "data-phase") == "live"
    await keys.press("Enter")
    await keys.press("Shift+Tab")
    await keys.press("Enter")
    await until(page, "document.querySelector('#air').dataset.phase === 'ended'")


async def test_refused_links_are_told_what_is_wrong(server: Server, phone: BrowserContext) -> None:
    room = server.create_room("Closed", in_s=900, speaker_names=["Ben"], speakers=1)
    seat = room.links("speaker")[0]["id"]
    now_ms = int(time.time() * 1000)
    expired = sign_link(
        Link(seat, room.id, Role.SPEAKER, "Ben", now_ms - 1_000), link_key(server.folder)
    )
    forged = sign_link(Link(seat, room.id, Role.HOST, "Eve", now_ms + 60_000), b"x" * 32)
    studio = server.control_url("/studio")
    for number, (link, words) in enumerate(
        (
            (studio, "needs a link of its own"),
            (f"{studio}#key={room.token('speaker')[:40]}", "not whole"),
            (f"{studio}#key={forged}", "was not made here"),
            (f"{studio}#key={expired}", "has expired"),
        )
    ):
        page = await phone.new_page()
        await page.goto(link)
        assert words in await trouble(page), number
        assert "key=" not in page.url
        assert await page.is_hidden("#allow")
        await check(page)
        await page.close()


async def test_key_is_sent_in_no_address(server: Server, browser: Browser) -> None:
    room = server.create_room("Secret", in_s=900, host_name="Ada")
    page = await browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await enter_stage(page, room.link("host"))
    await page.reload()
    await until(page, "document.querySelector('#whom').textContent.startsWith('Ada')")
    assert len(asked) > 10
    # The browser's own protocol tells the fragment of the address that was opened; none is sent.
    token = room.token("host")
    assert not [url for url in asked if token in url.split("#")[0]]
    assert not [url for url in asked[1:] if token in url]


@pytest.mark.parametrize(
    ("flag", "words"),
    [("--use-fake-ui-for-media-stream=deny", "does not let this page use the microphone")],
)
async def test_microphone_that_is_denied_is_explained_and_hosts_can_still_host(
    server: Server, browsers: Chromiums, flag: str, words: str
) -> None:
    room = server.create_room("Silent host", in_s=900, host_name="Ada", speaker_names=["Ben"])
    async with browsers.alone(flags=(flag,)) as browser:
        page = await browser.new_page()
        await open_studio(page, room.link("host"))
        await page.get_by_role("button", name="Turn on the microphone").click()
        assert words in await trouble(page)
        await check(page)
        await to_seat(page, "Mute", "Ben")
        await until(page, "document.querySelector('#people').textContent.includes('muted')")


async def test_network_that_lets_no_voice_through_is_told(
    server: Server, browsers: Chromiums
) -> None:
    room = server.create_room("Walled in", in_s=900, host_name="Ada", speakers=0)
    walls = (
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    )
    async with browsers.alone(flags=walls) as one:
        ada = await one.new_page()
        await open_studio(ada, room.link("host"))
        await turn_on_microphone(ada)
        await ada.click("#join")
        assert "does not get through" in await trouble(ada, 25)


async def test_silent_microphone_is_noticed_before_anybody_joins(
    server: Server, browsers: Chromiums, tmp_path: Path, tones: tuple[Path, Path]
) -> None:
    room = server.create_room("Check", in_s=900, host_name="Ada")
    silence = tone_file(tmp_path / "silence.wav", 100, level=0)
    for file, verdict in ((silence, "Nothing is heard"), (tones[0], "You are heard well")):
        async with browsers.alone(file) as browser:
            page = await browser.new_page()
            await open_studio(page, room.link("host"))
            await turn_on_microphone(page)
            said = "document.querySelector('#level-verdict').textContent"
            await until(page, f"{said}.includes({verdict!r})", 8)


async def test_link_to_a_room_that_is_over_leads_to_the_replay(
    server: Server, browser: Browser
) -> None:
    room = server.create_room("Been", in_s=2, host_name="Ada", speaker_names=["Ben"])
    off = server.create_room("Never", in_s=900, host_name="Ada")
    pages = [await browser.new_page() for _ in range(2)]
    await open_studio(pages[0], room.link("speaker"))
    await until(pages[0], "document.querySelector('#air').dataset.phase === 'live'", 10)
    room.act("end")
    off.act("end")
    await open_studio(pages[1], off.link("host"))
    assert "is over" in await trouble(pages[0], 10)
    link = pages[0].get_by_role("link", name="Listen to the replay")
    assert await link.get_attribute("href") == room.answer["listen_url"]
    assert "called off" in await trouble(pages[1], 10)
    assert await pages[1].get_by_role("link", name="Listen to the replay").count() == 0
    for page in pages:
        assert await page.is_hidden("#allow")
        await check(page)


async def test_how_listeners_fare_is_said_in_a_sentence(server: Server, page: Page) -> None:
    await page.goto(server.control_url("/studio"))
    calm = {"edges": 2, "listeners": 1_000, "shelf_listeners": 5, "waiting": 0, "lagging": 0}
    cases = (
        ({**calm, "edges": 0}, 0, False, "No news"),
        ({**calm, "waiting": 3}, 0, True, "waiting for it to begin"),
        ({**calm, "listeners": 0, "shelf_listeners": 0}, 0, False, "Nobody listens yet"),
        (calm, 0, False, "All of them hear it"),
        ({**calm, "lagging": 1}, 0, False, "1 is on a slow line"),
        (
            {**calm, "by_lane_ms": {"960": 900, "15360": 100}},
            0,
            False,
            "100 hear it up to 20 s later, because many are listening. The others",
        ),
        (
            {
                **calm,
                "door": {
                    "step": "line",
                    "lane_ms": 7680,
                    "line": True,
                    "waiting": 300,
                    "per_minute": 6_000,
                },
            },
            0,
            False,
            "300 are in line at the door; about 6,000 come in each minute",
        ),
        ({**calm, "lagging": 2_000}, 7, False, "2,000 are on a slow line just now; 7 fell behind"),
    )
    for now, jumped, before, words in cases:
        said = await page.evaluate(
            "async (given) => (await import('/site/crowd.js')).faring(...given)",
            [now, jumped, before],
        )
        assert words in said


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_host_asks_before_the_hour_whether_all_is_there_and_reads_what_is_not(
    server: Server, browser: Browser, size: dict[str, int]
) -> None:
    room = server.create_room("Budget hearing", in_s=3_600, host_name="Ada")
    async with await browser.new_context(viewport=size, reduced_motion="reduce") as context:  # type: ignore[arg-type]
        page = await context.new_page()
        await open_studio(page, room.link("host"))
        await until(page, "!document.querySelector('#preflight').hidden")
        await page.get_by_label("How many listeners do you expect?").focus()
        await page.keyboard.type("50")
        await page.keyboard.press("Enter")
        await until(page, "!document.querySelector('#preflight-found').hidden", 30)
        told = page.get_by_role("region", name="Before the hour").get_by_role("status")
        assert (await told.inner_text()).startswith("No: not ready for 50. ")
        missing = page.get_by_role("list", name="What stands in the way, and warnings")
        assert await missing.locator("li").first.get_attribute("data-kind") == "stops"
        assert "There was no rehearsal" in await missing.inner_text()
        await page.locator("#preflight summary").press("Enter")
        assert "The stage answers." in await page.inner_text("#preflight-fine")
        await check(page)
        assert server.api("GET", f"/api/rooms/{room.id}")["expected"] == 50
        await page.reload()
        await until(page, "document.querySelector('#expected').value === '50'")
        room.act("start")
        await until(page, "document.querySelector('#preflight').hidden", 20)
