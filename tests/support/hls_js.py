"""hls.js as a listener has it: the package from npm, on an empty page of the edge's own."""

from __future__ import annotations

from playwright.async_api import Page

from support.programs import npm_file
from support.server import Server

# facts/media.md: at hls.js's defaults it never catches up with live.
_PLAY = """
(url) => {
    const audio = document.createElement("audio");
    document.body.append(audio);
    const hls = (window.hls = new Hls({
        lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.05, liveSyncOnStallIncrease: 0.25,
    }));
    window.fatal = [];
    hls.on(Hls.Events.ERROR, (_, data) => data.fatal && window.fatal.push(data.details));
    hls.loadSource(url);
    hls.attachMedia(audio);
    audio.play();
}
"""


async def play_by_hls_js(page: Page, server: Server, url: str) -> None:
    """Let hls.js play a multivariant playlist."""
    await page.goto(server.url("/healthz"))  # a page of the edge without a content policy
    await page.add_script_tag(path=npm_file("hls.js/dist/hls.min.js"))
    await page.evaluate(_PLAY, url)
