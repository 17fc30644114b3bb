"""The room page in a listener's hands: the hour, pausing, going back, replay, and bad networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page

from support.ears import eventually, hears, open_room, plays, status, until
from support.holding_proxy import holding_proxy
from support.machine import Machine
from support.programs import needs_program
from support.server import RoomMade, Server, wait_until
from support.voices import speaking

A = 440.0
BEHIND = "stentor.player.behind"

pytestmark = needs_program("chromium")


@pytest.fixture(scope="module")
def live(server: Server, tones: tuple[Path, Path]) -> Iterator[RoomMade]:
    """A room that is on the air, with a tone for a voice."""
    room = server.create_room("On the air", in_s=1.5, host_name="Ada", speakers=0)
    state = room.url("/state.json")
    with speaking(tones[0], room.link("host"), "--loop"):
        wait_until(lambda: httpx.get(state).json().get("phase") == "live", 10, "it is on the air")
        yield room


async def test_audio_starts_by_itself_at_the_hour_from_the_first_sample(
    server: Server, page: Page, tones: tuple[Path, Path], machine: Machine
) -> None:
    room = server.create_room("At eight", in_s=5, host_name="Ada", speakers=0)
    with speaking(tones[0], room.link("host"), "--loop"):
        await open_room(page, room.url())
        await until(page, "stentor.player.status === 'waiting'")
        for _ in range(2):  # second thoughts, and third ones, change nothing
            await page.click("#listen")
        assert await status(page) == "waiting"
        assert await page.is_visible("#countdown")
        assert await page.inner_text("#left") in ("00:01", "00:02", "00:03", "00:04", "00:05")
        await plays(page)
        began = await page.evaluate("Date.now() - 1000 * stentor.player.audio.currentTime")
        # It began at sample 0, at most so late.
        assert began - room.epoch_ms < 2_000 + 1000 * machine.held_up_s()
        assert await page.is_hidden("#countdown")
        await hears(page, A)
        assert await page.evaluate("stentor.player.following")
        assert await page.inner_text("#phase") == "Live"


async def test_page_that_was_not_tapped_turns_live_at_the_hour_too(
    server: Server, page: Page, machine: Machine
) -> None:
    room = server.create_room("Untapped", in_s=3, speakers=0)
    await open_room(page, room.url(), listen=False)
    assert await page.inner_text("#phase") == "Soon"
    await until(page, "document.getElementById('phase').textContent === 'Live'", 8)
    assert await page.evaluate("Date.now()") - room.epoch_ms < 4_000 + 1000 * machine.held_up_s()
    assert await page.is_hidden("#countdown")


async def test_listener_who_paused_is_told_and_jumps_back_to_live(
    live: RoomMade, page: Page
) -> None:
    await open_room(page, live.url())
    await plays(page)
    await hears(page, A)
    await until(page, f"{BEHIND} < 2.5")
    await page.click("#listen")
    await until(page, f"{BEHIND} > 5")
    assert "because you paused" in await page.inner_text("#distance")
    await page.click("#listen")
    await plays(page)
    assert await page.evaluate(BEHIND) > 4.5  # goes on where it was
    await page.click("#jump")
    await until(page, f"{BEHIND} < 2.5")
    await hears(page, A)
    assert await page.is_hidden("#jump")


async def test_listener_joining_late_goes_back_to_minute_0_and_to_live_again(
    live: RoomMade, page: Page
) -> None:
    await open_room(page, live.url())
    await until(page, "stentor.player.length > 10", 20)
    await plays(page)
    await page.focus("#position")
    await page.keyboard.press("Home")
    await until(page, "stentor.player.mode === 'shelf' && stentor.player.position < 4")
    await plays(page)
    await until(page, "stentor.player.position > 5", 15)  # past where one segment ends
    assert await status(page) == "playing"
    assert "from the recording" in await page.inner_text("#distance")
    await page.click("#jump")
    await until(page, f"stentor.player.mode === 'push' && {BEHIND} < 2.5")
    await plays(page)
    await hears(page, A)


async def test_ended_room_is_replayed_from_the_start_on_the_same_page(
    server: Server, browser: Browser, page: Page, tones: tuple[Path, Path], machine: Machine
) -> None:
    room = server.create_room("Short", in_s=1.5, host_name="Ada", speakers=0)
    with speaking(tones[0], room.link("host"), "--loop"):
        await open_room(page, room.url())
        await hears(page, A)
        await until(page, "stentor.player.length > 6", 12)
    room.act("end")
    await until(page, "stentor.player.status === 'finished'", 15)
    assert await page.inner_text("#status") == "That was the whole conversation."
    assert await page.is_visible("#position")
    machine.watch_anew()
    await page.click("#listen")
    await plays(page)
    assert await page.evaluate("stentor.player.position") < 3 + machine.held_up_s()
    await hears(page, A)
    # Who comes only now gets the same, and can go anywhere.
    other = await browser.new_page()
    await open_room(other, room.url(), listen=False)
    await until(other, "document.getElementById('phase').textContent === 'Replay'")
    await other.click("#listen")
    await plays(other)
    await other.evaluate("stentor.player.seek(stentor.player.length - 1.5)")
    await until(other, "stentor.player.status === 'finished'")


async def test_refused_push_stream_falls_back_to_the_shelf(
    live: RoomMade, page: Page, machine: Machine
) -> None:
    machine.watch_anew()
    await page.route("**/live.mp4*", lambda route: route.abort())
    await open_room(page, live.url())
    await hears(page, A, timeout_s=15)
    assert await page.evaluate("stentor.player.mode") == "shelf"
    assert await page.evaluate(BEHIND) < 4 + machine.held_up_s()
    assert "in pieces" in await page.inner_text("#distance")


@pytest.mark.parametrize("passes_head", [True, False])
async def test_proxy_that_holds_the_stream_back_is_noticed(
    live: RoomMade, page: Page, machine: Machine, passes_head: bool
) -> None:
    machine.watch_anew()
    async with holding_proxy(live.server.port, passes_head=passes_head) as (proxy, port):
        await open_room(page, f"http://127.0.0.1:{port}/r/{live.id}")
        await hears(page, A, timeout_s=15)
        assert await page.evaluate("stentor.player.mode") == "shelf"
        assert proxy.held >= 1
        before = await page.evaluate("stentor.player.position")
        await until(page, f"stentor.player.position > {before + 3}")
        assert await page.evaluate(BEHIND) < 4 + machine.held_up_s()


async def test_chosen_rendition_plays_and_is_remembered(live: RoomMade, page: Page) -> None:
    await open_room(page, live.url())
    await plays(page)
    for name in ("opus24", "aac96"):
        async with page.expect_request(f"**/live.mp4?rendition={name}*"):
            await page.select_option("#rendition", name)
        await plays(page)
        await hears(page, A)
    await page.reload()
    await until(page, "Boolean(window.stentor?.player.state)")
    assert await page.evaluate("stentor.player.rendition") == "aac96"


async def test_browser_without_media_source_plays_hls_by_itself(live: RoomMade, page: Page) -> None:
    await page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")
    await open_room(page, live.url())
    assert await page.evaluate("stentor.player.mode") == "native"
    assert (await page.evaluate("stentor.player.audio.src")).endswith("/hls/master.m3u8")
    await until(page, "stentor.player.audio.currentTime > 0.5", 30)
    await plays(page)


async def test_listener_survives_the_death_of_every_edge(
    server: Server, live: RoomMade, page: Page, machine: Machine
) -> None:
    answered: list[int] = []
    page.on("response", lambda one: answered.append(one.status) if "live.mp4" in one.url else None)
    await open_room(page, live.url())
    await plays(page)
    await hears(page, A)
    before = len(answered)
    machine.watch_anew()
    killed = {name: server.kill(name) for name in list(server.parts()) if name.startswith("edge")}
    assert killed

    async def again() -> bool:
        return 200 in answered[before:]

    await eventually(again, 20, "it has come again, for what is missing")
    for name, pid in killed.items():
        server.wait_restarted(name, pid)
    await plays(page, 20)
    await hears(page, A)
    await until(page, f"{BEHIND} < {4 + machine.held_up_s()}", 20)


async def test_unknown_room_is_said_to_be_unknown(server: Server, page: Page) -> None:
    await page.goto(server.url("/r/no-such-room-2345"))
    await until(page, "document.getElementById('title').textContent === 'There is no such room'")


async def test_server_that_is_gone_is_told_and_found_again(
    browser: Browser, live: RoomMade
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await open_room(page, live.url())
    await plays(page)
    await context.set_offline(True)
    await page.route("**/*", lambda route: route.abort())
    await page.evaluate("stentor.player.start('live')")
    await eventually(
        lambda: page.evaluate(
            "document.getElementById('status').textContent.startsWith(\"The server can't\")"
        ),
        20, "it is told",
    )  # fmt: skip
    await page.unroute("**/*")
    await context.set_offline(False)
    await plays(page, 20)
