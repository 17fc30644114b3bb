"""Others' players can listen too: hls.js plays both codec families, live and afterwards."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

from support.ears import hears, until
from support.hls_js import play_by_hls_js
from support.programs import needs_program
from support.server import Server
from support.voices import speaking

A = 440.0
PLAYLISTS = ("master", "opus")


@needs_program("chromium")
async def test_hls_js_hears_the_programme_near_live_and_as_a_replay(
    server: Server, page: Page, tones: tuple[Path, Path]
) -> None:
    room = server.create_room("On the shelf", in_s=1.5, host_name="Ada", speakers=0)
    with speaking(tones[0], room.link("host"), "--loop"):
        await page.goto(room.url())
        await until(page, "stentor.player.length > 5", 15)
        for playlist in PLAYLISTS:
            await play_by_hls_js(page, server, room.url(f"/hls/{playlist}.m3u8"))
            await hears(page, A, 15)
            await until(page, "hls.latency > 0 && hls.latency < 4", 15)
            assert await page.evaluate("fatal") == []
    room.act("end")
    await page.goto(room.url())
    await until(page, "stentor.player.state?.phase === 'ended'", 30)
    for playlist in PLAYLISTS:
        await play_by_hls_js(page, server, room.url(f"/hls/{playlist}.m3u8"))
        await hears(page, A, 15)
        await until(page, "hls.levels.some((one) => one.details?.live === false)")
        assert await page.evaluate("fatal") == []
