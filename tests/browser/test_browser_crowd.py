"""The room page when many come: slow lanes, moves between them, the line, broken connections.

Against a real edge in a thread, whose programme is a tone in real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from stentor.admission.lanes import target_s
from stentor.admission.line import Knot, Sheet, poll_s
from stentor.media.grid import PART_S
from stentor.rooms.orders import Phase
from support.browser import Chromiums
from support.cutting_proxy import CuttingProxy, cutting_proxy
from support.ears import eventually, open_room, plays, until
from support.edge import Client, RunningEdge, edge_running
from support.legible import faint_texts, nameless, too_wide
from support.machine import Machine
from support.programme import Tone
from support.programs import needs_program
from support.recorder import heard_so_far, record

pytestmark = needs_program("chromium")

SILENT_S = 0.25  # less than a part; a busy machine may keep the audio thread waiting for a moment
MARGIN_S = target_s(1) - PART_S  # by so much a part may be late before a player runs dry


def check_nothing_was_heard_of_it(heard: dict[str, Any], machine: Machine) -> None:
    """Nothing but what this machine did to the browser, since the watch began anew."""
    held_up_s = machine.held_up_s()
    assert heard["silent"] < SILENT_S + held_up_s
    assert heard["dry"] == 0 or held_up_s > MARGIN_S
    assert heard["jumped"] < 0.1 + held_up_s


@contextlib.contextmanager
def on_air(folder: Path, **settings: Any) -> Iterator[RunningEdge]:
    with edge_running(folder, **settings) as edge:
        epoch_ms = time.time_ns() // 1_000_000 - 70 * 320
        edge.programme = Tone(edge.feed, epoch_ms=epoch_ms)
        edge.on_air(70)
        with edge.programme.at_real_time():
            yield edge


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(bypass_csp=True)
    yield await context.new_page()
    await context.close()


async def comes_near(page: Page, behind_s: float, machine: Machine) -> None:
    """Return once no more than so much of what was said lies ahead.

    The page gets there by itself; where the machine held it up that takes minutes (it plays faster
    by a twentieth), and it does as whoever is in a hurry: jumps.
    """

    async def near() -> bool:
        if await page.evaluate("stentor.player.behind") < behind_s:
            return True
        if machine.held_up_s() > MARGIN_S and await page.is_visible("#jump"):
            await page.evaluate("document.querySelector('#jump').click()")
        return False

    await eventually(near, 20, f"the page is less than {behind_s} s behind live")


def room(port: int) -> str:
    return f"http://127.0.0.1:{port}/r/town-hall"


@pytest.mark.parametrize("period_ms", [3_840, 15_360])
async def test_slow_lane_plays_at_once_and_says_how_far_behind_it_is_and_why(
    tmp_path: Path, page: Page, machine: Machine, period_ms: int
) -> None:
    with on_air(tmp_path, edge_lane_ms_min=period_ms) as edge:
        machine.watch_anew()
        began = time.monotonic()
        await open_room(page, room(edge.port))
        await plays(page, 3)
        assert time.monotonic() - began < 4 + machine.held_up_s()
        await record(page)
        await until(page, "stentor.player.behind > 4")
        least, most = 0.25 * period_ms / 1000, 1.25 * period_ms / 1000 + 2
        behind_s = await page.evaluate("stentor.player.behind")
        why = await page.inner_text("#distance")
        held_up_s = machine.held_up_s()
        late = held_up_s > MARGIN_S  # then it ran dry, waited for a whole piece, and says so
        assert least < behind_s < most + held_up_s + late * period_ms / 1000
        assert "s behind live" in why
        assert late or "because many are listening" in why
        assert await page.is_hidden("#why-more")
        await page.click("#distance summary")
        more = await page.inner_text("#why-more")
        late = machine.held_up_s() > MARGIN_S
        assert f"{round(period_ms / 1000)} s at a time" in more or (late and "faster" in more)
        await heard_so_far(page)
        await until(page, "stentor.player.audio.currentTime > 0")
        if period_ms < 10_000:
            start = await page.evaluate("stentor.player.position")
            await until(page, f"stentor.player.position > {start + 5}", 8)
            heard = await heard_so_far(page)
            assert heard["heard"] > 4
            check_nothing_was_heard_of_it(heard, machine)


async def test_move_to_a_slower_lane_and_back_is_not_heard(
    tmp_path: Path, page: Page, machine: Machine
) -> None:
    with on_air(tmp_path) as edge:
        machine.watch_anew()
        await open_room(page, room(edge.port))
        await plays(page)
        await record(page)
        await comes_near(page, 3, machine)
        lane = next(iter(edge.edge.push.lanes()))
        await heard_so_far(page)
        times = edge.edge.counts.joined
        edge.edge.push.advise(lane, 1, 0.5, "deploy")  # the same lane, on another connection
        await eventually(lambda: joined(edge, times + 1), 4, "it has come again")
        heard = await heard_so_far(page)
        assert heard["dry"] == 0 or machine.held_up_s() > MARGIN_S
        assert heard["ranges"] == 1
        edge.edge.push.advise(next(iter(edge.edge.push.lanes())), 6, 0.5, "load")
        slower = "stentor.player.audio.playbackRate === 0.97"
        await until(page, f"{slower} || stentor.player.lane.periodMs === 1920")
        if machine.held_up_s() < MARGIN_S:  # else stalls may have taught it to keep that much
            assert await page.evaluate(slower)
            assert await page.evaluate("stentor.player.lane.periodMs") == 320
        # Instead of stretching for a minute: who pauses has a buffer when they go on.
        await heard_so_far(page)
        await page.click("#listen")
        await until(page, "stentor.player.behind > 4.5")
        await page.click("#listen")
        await until(page, "stentor.player.lane.periodMs === 1920", 4)
        await eventually(lambda: among(edge, 6), 3, "it has left the lane that it was in")
        await heard_so_far(page)
        start = await page.evaluate("stentor.player.position")
        await until(page, f"stentor.player.position > {start + 2.5}")
        lane = next(one for one in edge.edge.push.lanes() if one.parts == 6)
        edge.edge.push.advise(lane, 3, 0.5, "room")
        await until(page, "stentor.player.lane.periodMs === 960", 4)
        await until(page, f"stentor.player.position > {start + 5}")
        heard = await heard_so_far(page)
        assert heard["heard"] > 4
        check_nothing_was_heard_of_it(heard, machine)
        assert heard["back"] == 0
        assert heard["ranges"] == 1
        assert heard["slowest"] >= 0.97
        assert heard["fastest"] <= 1.05


async def joined(edge: RunningEdge, times: int) -> bool:
    return edge.edge.counts.joined == times and edge.edge.push.listeners == 1


async def among(edge: RunningEdge, parts: int) -> bool:
    """Say whether all who listen are in a lane of so many parts."""
    lanes = [(one.parts, one.listeners) for one in edge.edge.push.lanes()]
    return edge.edge.push.listeners == sum(n for own, n in lanes if own == parts) == 1


async def test_broken_connection_comes_back_past_the_line_and_nothing_is_missing(
    tmp_path: Path, page: Page, machine: Machine
) -> None:
    with on_air(tmp_path, edge_admissions_per_s_max=1.0) as edge:
        async with cutting_proxy(edge.port) as (proxy, port):
            await open_room(page, room(port))
            await plays(page)
            await record(page)
            await until(page, "stentor.player.position > 0.5")
            await comes_near(page, 4, machine)
            for client in await asyncio.to_thread(in_line, edge, 8):
                client.close()
            before = len(proxy.joins())
            await heard_so_far(page)
            machine.watch_anew()
            start = await page.evaluate("stentor.player.position")
            proxy.cut()
            await eventually(lambda: came_again(proxy, before), 5, "it comes again")
            await until(page, f"stentor.player.position > {start + 4}")
            heard = await heard_so_far(page)
            assert "ticket=" in proxy.joins()[-1]
            assert "from=" in proxy.joins()[-1]
            check_nothing_was_heard_of_it(heard, machine)
            assert heard["ranges"] == 1
            assert await page.evaluate("stentor.player.line") is None


async def came_again(proxy: CuttingProxy, before: int) -> bool:
    return len(proxy.joins()) > before


def in_line(edge: RunningEdge, count: int) -> list[Client]:
    """Come so often that a line has formed and the last `count` of those who came are in it."""
    waiting: list[Client] = []
    while len(waiting) < count:
        client = Client(edge.port)
        client.get("/r/town-hall/live.mp4")
        status, _ = client.head()
        if status == 503:
            waiting.append(client)
    return waiting


async def test_page_in_line_says_its_place_keeps_it_and_then_plays(
    tmp_path: Path, browser: Browser
) -> None:
    with on_air(tmp_path, edge_admissions_per_s_max=1.0) as edge:
        context = await browser.new_context(
            viewport={"width": 360, "height": 740}, color_scheme="dark", reduced_motion="reduce"
        )
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        waiting = in_line(edge, 6)
        await open_room(page, room(edge.port))
        await until(page, "stentor.player.status === 'line'", 3)
        assert 1 <= await page.evaluate("stentor.player.line.ahead") <= 7
        assert "ahead of you" in await page.inner_text("#line")
        assert "You are in line" in await page.inner_text("#status")
        assert "ahead: Town hall" in await page.title()
        assert await too_wide(page) == await faint_texts(page) == await nameless(page) == []
        assert await page.inner_text("#listen-label") == "Leave the line"
        place = await page.evaluate("stentor.player.tickets.line.place_ms")
        await page.reload()
        await until(page, "Boolean(window.stentor?.player.state)")
        assert await page.evaluate("stentor.player.tickets.line.place_ms") == place
        await page.click("#listen")
        await plays(page, 12)
        assert await page.is_hidden("#line")
        assert (await page.title()).startswith("● Town hall")
        assert len([url for url in asked if "live.mp4" in url]) <= 6
        assert await page.evaluate("stentor.player.tickets.line") is None
        for client in waiting:
            client.close()
        await context.close()


async def test_page_that_plays_by_hls_waits_in_line_too_and_goes_on_with_its_pass(
    tmp_path: Path, page: Page
) -> None:
    with on_air(tmp_path, edge_admissions_per_s_max=1.0) as edge:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        waiting = in_line(edge, 6)
        await open_room(page, room(edge.port), listen=False)
        await page.evaluate("stentor.player.pushBlocked = true")
        await page.click("#listen")
        await until(page, "stentor.player.status === 'line'", 5)
        assert await page.evaluate("stentor.player.mode") == "shelf"
        assert "ahead of you" in await page.inner_text("#line")
        place = await page.evaluate("stentor.player.tickets.line.place_ms")
        assert not [url for url in asked if ".m4s" in url], "nothing is fetched from the line"
        await plays(page, 15)
        assert await page.evaluate("stentor.player.tickets.line") is None, f"{place} is used"
        assert not [url for url in asked if "live.mp4" in url]
        playlists = [url for url in asked if "live.m3u8" in url]
        assert playlists
        assert all("pass=" in url for url in playlists)
        assert edge.edge.counts.shelf_let_in == 1
        assert edge.edge.counts.shelf_turned_away == 0
        for client in waiting:
            client.close()


async def test_browser_that_plays_hls_by_itself_waits_in_line_too(
    tmp_path: Path, page: Page
) -> None:
    with on_air(tmp_path, edge_admissions_per_s_max=1.0) as edge:
        await page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")
        waiting = in_line(edge, 12)
        await open_room(page, room(edge.port))
        await until(page, "stentor.player.status === 'line'", 12)
        assert "ahead of you" in await page.inner_text("#line")
        await until(page, "stentor.player.audio.currentTime > 0.5", 40)
        assert "?pass=" in await page.evaluate("stentor.player.audio.src")
        assert await page.evaluate("stentor.player.tickets.line") is None
        assert edge.edge.counts.shelf_let_in == 1
        for client in waiting:
            client.close()


async def test_page_told_with_many_others_comes_again_within_seconds_with_that_ticket(
    tmp_path: Path, page: Page
) -> None:
    with on_air(tmp_path) as edge:
        turnstile = edge.edge._public.turnstile
        assert turnstile is not None
        said = turnstile.crush.answer(
            b"GET /r/town-hall/live.mp4 HTTP/1.1\r\nHost: a\r\n\r\n", b"\x7f\0\0\1"
        )
        assert said is not None
        body = said.partition(b"\r\n\r\n")[2]
        asked: list[str] = []

        async def crush(route: Route) -> None:
            asked.append(route.request.url)
            if len(asked) > 1:
                await route.continue_()
                return
            await route.fulfill(status=503, content_type="application/problem+json", body=body)

        await page.route("**/live.mp4*", crush)
        await open_room(page, room(edge.port))
        await plays(page, 12)
        assert "ticket=" not in asked[0]
        assert f"ticket={json.loads(body)['ticket']}" in asked[1]
        assert len(asked) == 2
        assert edge.edge.counts.tickets_forged == edge.edge.counts.tickets_malformed == 0


async def test_who_asked_to_be_reminded_comes_by_themselves_with_their_ticket(
    tmp_path: Path, page: Page
) -> None:
    with edge_running(tmp_path, door_spread_s=0) as edge:
        epoch_ms = time.time_ns() // 1_000_000 + 13_500
        edge.programme = Tone(edge.feed, epoch_ms=epoch_ms)
        edge.programme.open_doors()
        joins: list[str] = []
        page.on("request", lambda one: joins.append(one.url) if "live.mp4" in one.url else None)
        await until_room(edge)
        await open_room(page, room(edge.port), listen=False)
        await page.click("#remind")
        await until(page, "document.activeElement.id === 'calendar'")
        async with page.expect_download() as coming:
            await page.keyboard.press("Enter")
        assert await too_wide(page) == await faint_texts(page) == await nameless(page) == []
        entry = (await (await coming.value).path()).read_text()
        assert "SUMMARY:Town hall" in entry
        when = time.strftime("DTSTART:%Y%m%dT%H%M%SZ", time.gmtime(epoch_ms // 1000))
        assert when in entry
        ticket = await page.evaluate("stentor.player.tickets.reminder.ticket")
        assert ticket in entry.replace("\r\n ", "").replace("\n ", "")
        assert joins == []
        await until(page, "stentor.player.status === 'waiting'", 8)
        assert f"ticket={ticket}" in joins[0]
        assert await page.evaluate("Date.now()") < epoch_ms


async def until_room(edge: RunningEdge) -> None:
    async def known() -> bool:
        return edge.get("state.json").status == 200

    await eventually(known, 5, "the edge knows the room")


async def test_browser_that_wants_a_tap_plays_with_one_and_no_place_is_lost(
    tmp_path: Path, browsers: Chromiums, machine: Machine
) -> None:
    strict = ("--autoplay-policy=document-user-activation-required",)
    with on_air(tmp_path) as edge:
        async with browsers.alone(flags=strict) as browser:
            page = await browser.new_page()
            # Nothing is asked of the page before: Playwright's questions count as taps.
            await page.add_init_script(
                """
                addEventListener("load", () => setTimeout(() => stentor.player.start("live"), 300));
                setInterval(() => {
                    if (globalThis.stentor?.player.status === "tap") console.log("wants a tap");
                }, 50);
                """
            )
            async with page.expect_console_message(lambda said: said.text == "wants a tap"):
                await page.goto(room(edge.port))
            await eventually(lambda: joined(edge, 1), 4, "it has its place")
            assert "Your turn" in await page.title()
            await until(page, "stentor.player.behind > 3")
            await page.click("#listen")
            await plays(page)
            assert await page.evaluate("stentor.player.behind") < 2.5 + machine.held_up_s()
            assert edge.edge.counts.joined == 1


async def test_slow_lane_begins_at_the_hour_with_the_first_sample_and_goes_on(
    tmp_path: Path, page: Page, machine: Machine
) -> None:
    with edge_running(tmp_path, edge_lane_ms_min=1_920) as edge:
        epoch_ms = time.time_ns() // 1_000_000 + 1_500
        edge.programme = Tone(edge.feed, epoch_ms=epoch_ms)
        edge.programme.open_doors()
        await until_room(edge)
        await open_room(page, room(edge.port))
        await until(page, "stentor.player.status === 'waiting'")
        edge.programme.state(Phase.LIVE)
        machine.watch_anew()
        with edge.programme.at_real_time():
            await plays(page, 6)
            await record(page)
            assert await page.evaluate("stentor.player.audio.buffered.start(0)") == 0
            assert await page.evaluate("stentor.player.position") < 1 + machine.held_up_s()
            await until(page, "stentor.player.position > 5.5")
            heard = await heard_so_far(page)
            held_up_s = machine.held_up_s()
            assert heard["dry"] == 0 or held_up_s > MARGIN_S
            assert heard["jumped"] < 0.1 + held_up_s
            assert heard["fastest"] <= 1 or held_up_s > MARGIN_S


async def test_page_reckons_its_place_and_its_wait_as_the_door_does(
    tmp_path: Path, page: Page
) -> None:
    knots = tuple(Knot(1_000 * n, 1 + 400 * n, 25.0 * n) for n in range(11))
    sheet = Sheet(at_ms=5, line=True, serving_ms=0, served=1.0, per_s=16.0, knots=knots)
    notice = {
        "open": False,
        "serving_ms": sheet.serving_ms,
        "serving": round(sheet.served),
        "line": [[knot.place_ms, knot.number] for knot in knots],
        "wait_s": [knot.wait_s for knot in knots],
    }
    with edge_running(tmp_path) as edge:
        await page.goto(f"http://127.0.0.1:{edge.port}/")
        for place_ms in (1, 499, 1_000, 3_333, 9_999):
            found = await page.evaluate(
                """async ([notice, place]) => {
                    const { nextLookS, standing } = await import("/site/line.js");
                    const stood = standing(notice, place);
                    return { ...stood, looks: [0, 0.9].map((c) => nextLookS(stood.waitS, 1, c)) };
                }""",
                [notice, place_ms],
            )
            told = sheet.stand(place_ms, sheet.at_ms)
            assert not found["served"]
            assert found["ahead"] == told.number - 1 - round(sheet.served)
            assert found["waitS"] == pytest.approx(told.wait_s)
            looks = [poll_s(told.wait_s, 1, chance) for chance in (0, 0.9)]
            assert found["looks"] == pytest.approx(looks)
        # On standby there is nothing to be learnt from the notice: the door is asked itself.
        heard = await page.evaluate(
            """async () => {
                const { waitInLine } = await import("/site/line.js");
                const { statusLine } = await import("/site/said.js");
                const said = { ahead: 4, wait_s: 3600, poll_s: 0.1, place_ms: 0, standby: true };
                const told = [];
                const { signal } = new AbortController();
                const tell = (line) => told.push(statusLine({ status: "line", line }));
                const proof = await waitInLine({ room: "none", said, signal, tell });
                return { proof, said: told[0] };
            }"""
        )
        assert heard["proof"] is None
        assert heard["said"].startswith("The house is full. You are among the first 5 who")
