"""The studio with real voices: who hears whom, what hosts can do, and coming back by itself."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import numpy as np
from playwright.async_api import Page, Route

from stentor.media.grid import PART_S, PART_SAMPLES, SAMPLE_RATE
from support.browser import Chromiums
from support.ears import ABSENT_DB, hears, hears_not, open_room, tone_db, until
from support.listeners import Ear, listening
from support.programs import needs_program
from support.server import RoomMade, Server
from support.studio import (
    OTHERS,
    choose,
    enter_stage,
    on_stage,
    seat_is,
    to_seat,
    trouble,
)
from support.voices import WINDOW, longest_run_s, silent_windows, strength

A, B = 440.0, 1_250.0
SILENT_S_MAX = 0.5
LOST_S_MAX = 2.0

pytestmark = needs_program("chromium")


def last_heard_ms(ear: Ear, room: RoomMade, hertz: float) -> float:
    """Return when the programme had the tone last, on the clock of the machine."""
    first = min(ear.parts)
    pcm = ear.pcm().astype(np.float64)
    windows = pcm[: pcm.size // WINDOW * WINDOW].reshape(-1, WINDOW)
    wave = np.exp(-2j * np.pi * hertz * np.arange(WINDOW) / SAMPLE_RATE)
    loud = np.abs(windows @ wave) / WINDOW > 200
    assert loud.any()
    last = int(np.flatnonzero(loud)[-1]) + 1
    return room.epoch_ms + (first * PART_SAMPLES + last * WINDOW) / SAMPLE_RATE * 1000


async def said(page: Page, words: str) -> None:
    await until(page, f"document.querySelector('#air').textContent.includes({words!r})")


async def test_two_speakers_talk_and_the_host_runs_the_room(
    server: Server, browsers: Chromiums, tones: tuple[Path, Path]
) -> None:
    room = server.create_room(
        "The harbour", in_s=900, host_name="Ada", speaker_names=["Ben"], speakers=1
    )
    async with (
        browsers.lent(tones[0]) as one,
        browsers.lent(tones[1]) as two,
        browsers.lent() as three,
    ):
        ada, ben, listener = await one.new_page(), await two.new_page(), await three.new_page()
        await open_room(listener, room.url())
        await enter_stage(ada, room.link("host"))
        await enter_stage(ben, room.link("speaker"))
        assert "key=" not in ada.url

        # The green room: they hear each other and not themselves; the audience hears nothing.
        await said(ben, "Only those on the stage hear you")
        await hears(ada, B, selector=OTHERS)
        await hears(ben, A, selector=OTHERS)
        assert await tone_db(ada, A, OTHERS) < ABSENT_DB
        assert await tone_db(ben, B, OTHERS) < ABSENT_DB
        await until(ada, "document.querySelector('#listeners').textContent === '1'")
        assert await tone_db(listener, A) < ABSENT_DB

        # Before its hour the host goes on air.
        await ada.get_by_role("button", name="Go on air now").click()
        await choose(ada, "Go on air")
        await said(ben, "The audience hears you")
        await hears(listener, A)
        await hears(listener, B)
        assert await tone_db(ada, A, OTHERS) < ABSENT_DB
        assert await tone_db(ben, B, OTHERS) < ABSENT_DB
        speaking = "document.querySelectorAll('#people li[data-speaking=yes]').length === 2"
        await until(ada, speaking)

        # What the host writes is on the listener's page.
        await ada.fill("#new-title", "The harbour, by night")
        await ada.press("#new-title", "Enter")
        await ada.get_by_label("What it is").fill("The plans")
        await ada.get_by_label("Address").fill("https://example.org/plans")
        await ada.get_by_role("button", name="Pin", exact=True).click()
        await until(listener, "document.querySelector('#title').textContent.endsWith('by night')")
        await until(listener, "document.querySelector('#pinned a')?.href.endsWith('/plans')")

        # Ben mutes himself with the key M, and unmutes with the button.
        await ben.keyboard.press("m")
        await said(ben, "You have muted yourself")
        await hears_not(ada, B, selector=OTHERS)
        await ben.get_by_role("button", name="Unmute").click()
        await hears(ada, B, selector=OTHERS)

        # The host mutes Ben: his voice is off the air within half a second.
        room = RoomMade(server, server.api("GET", f"/api/rooms/{room.id}"))
        with listening(room.url()) as ears:
            ears[0].wait_parts(6)
            ears[0].wait(lambda it: strength(it.pcm(it.last_part - 2), B) > 0.05, 15, "Ben")
            await to_seat(ada, "Mute", "Ben")
            muted_ms = server.now_ms()
            await said(ben, "The host has muted you")
            later_ms = muted_ms + 2_000 - room.epoch_ms
            ears[0].wait(lambda it: it.last_part * PART_S > later_ms / 1000, 20, "what came after")
            silent_s = (last_heard_ms(ears[0], room, B) - muted_ms) / 1000
            assert silent_s < SILENT_S_MAX + ears[0].held_up_s
            assert last_heard_ms(ears[0], room, A) - muted_ms > 1_000
        await to_seat(ada, "Unmute", "Ben")
        await hears(listener, B)

        # Removed, let back in, and banned.
        await to_seat(ada, "Remove …", "Ben")
        await choose(ada, "Take off the stage")
        assert "taken you off the stage" in await trouble(ben)
        await seat_is(ada, "Ben", "removed")
        await hears_not(listener, B)
        await to_seat(ada, "Let back in", "Ben")
        await seat_is(ada, "Ben", "expected")
        await ben.get_by_role("button", name="Try again").click()
        await on_stage(ben)
        await hears(listener, B)
        await to_seat(ada, "Remove …", "Ben")
        await choose(ada, "Ban for good")
        await until(
            ben, "document.querySelector('#trouble-text').textContent.includes('withdrawn')"
        )
        await hears_not(listener, B)
        assert await ada.locator("#people li").filter(has_text="Ben").count() == 0

        # The end; the replay is one press away.
        await ada.get_by_role("button", name="End the programme").click()
        await choose(ada, "End it")
        await said(ada, "The conversation is over")
        assert "over" in await trouble(ada, 12)
        replay = ada.get_by_role("link", name="Listen to the replay")
        assert await replay.get_attribute("href") == room.answer["listen_url"]


async def delete_after(told: asyncio.Event, route: Route) -> None:
    """Let all requests go on; those that leave the stage only when it is time."""
    if route.request.method == "DELETE":
        await told.wait()
    await route.continue_()


async def test_invitation_opens_the_stage_until_it_is_withdrawn(
    server: Server, browsers: Chromiums, tones: tuple[Path, Path]
) -> None:
    room = server.create_room("Guests", in_s=900, host_name="Ada", speakers=0)
    async with browsers.lent(tones[0]) as one, browsers.lent(tones[1]) as two:
        ada, guest = await one.new_page(), await two.new_page()
        await enter_stage(ada, room.link("host"))
        await ada.get_by_label("Name", exact=True).fill("Grace")
        await ada.get_by_role("button", name="Make a link").click()
        await until(ada, "document.querySelector('#invited-url').value !== ''")
        link = await ada.input_value("#invited-url")
        await enter_stage(guest, link)
        await hears(ada, B, selector=OTHERS)
        await seat_is(ada, "Grace", "here")
        # The stage may see the end of the connection before it is told that this was meant.
        told = asyncio.Event()
        await guest.route("**/talk/**", partial(delete_after, told))
        await guest.get_by_role("button", name="Leave").click()
        await seat_is(ada, "Grace", "away")
        told.set()
        await seat_is(ada, "Grace", "expected")
        await to_seat(ada, "Withdraw link …", "Grace")
        await choose(ada, "Withdraw the link")
        await until(ada, "document.querySelectorAll('#people li').length === 2")
        again = await two.new_page()
        await again.goto(link)
        assert "was withdrawn" in await trouble(again)
        await guest.get_by_role("button", name="Enter the green room").click()
        assert "was withdrawn" in await trouble(guest)


async def test_seat_in_use_elsewhere_can_be_used_here(
    server: Server, browsers: Chromiums, tones: tuple[Path, Path]
) -> None:
    room = server.create_room("Two windows", in_s=900, host_name="Ada", speakers=0)
    async with browsers.lent(tones[0]) as one:
        phone = await (await one.new_context()).new_page()
        desk = await (await one.new_context()).new_page()
        await enter_stage(phone, room.link("host"))
        await desk.goto(room.link("host"))
        await desk.get_by_role("button", name="Turn on the microphone").click()
        await desk.click("#join")
        assert "on the stage already" in await trouble(desk)
        await desk.get_by_role("button", name="Use it here").click()
        await on_stage(desk)
        assert await desk.is_hidden("#trouble")
        assert "on the stage already" in await trouble(phone)


async def test_speaker_is_back_by_itself_after_the_stage_was_killed(
    server: Server, browsers: Chromiums, tones: tuple[Path, Path]
) -> None:
    room = server.create_room("Still here", in_s=2, host_name="Ada", speakers=0)
    server.wait_spares()
    async with browsers.lent(tones[0]) as one:
        ada = await one.new_page()
        await ada.add_init_script(_REMEMBER)
        await enter_stage(ada, room.link("host"))
        with listening(room.url()) as ears:
            ears[0].wait_parts(10)
            first = ears[0].last_part
            server.kill("stage")
            await until(ada, "told.includes('The connection is lost. Connecting again …')", 5)
            await on_stage(ada)
            ears[0].wait_more(12)
            gap_s = longest_run_s(silent_windows(ears[0].pcm(first)))
            assert gap_s <= LOST_S_MAX + ears[0].held_up_s
            assert ears[0].findings.gaps == 0
        told = await ada.evaluate("window.told")
        assert "You are back on the stage." in told


async def test_hosts_go_on_talking_while_control_is_away(
    server: Server, browsers: Chromiums, tones: tuple[Path, Path]
) -> None:
    room = server.create_room("Unmoderated", in_s=2, host_name="Ada", speaker_names=["Ben"])
    async with browsers.lent(tones[0]) as one, browsers.lent(tones[1]) as two:
        ada, ben = await one.new_page(), await two.new_page()
        await enter_stage(ada, room.link("host"))
        await enter_stage(ben, room.link("speaker"))
        old = server.kill("control")
        await until(ada, "!document.querySelector('#away').hidden", 5)
        assert "The conversation goes on" in await ada.inner_text("#away")
        assert await ada.is_disabled("#end")
        await hears(ada, B, selector=OTHERS)
        await hears(ben, A, selector=OTHERS)
        server.wait_restarted("control", old)
        await until(ada, "document.querySelector('#away').hidden", 30)
        assert await ada.is_enabled("#end")
        assert await ada.get_attribute("body", "data-call") == "on"
        await to_seat(ada, "Mute", "Ben")
        await hears_not(ada, B, selector=OTHERS)


_REMEMBER = """
addEventListener("DOMContentLoaded", () => {
    window.told = [];
    new MutationObserver(() => told.push(document.querySelector("#said").textContent))
        .observe(document.querySelector("#said"), { childList: true });
});
"""
