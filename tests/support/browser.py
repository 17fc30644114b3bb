"""Debian's Chromium, driven by Playwright: a speaker with a recording for a voice, or a listener.

One recording is one browser: the fake microphone is a switch of the whole process. A browser takes
longer to start than most tests take, so it is lent to one test after the other, which each have
contexts of their own: nothing of a page outlives its test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Playwright, async_playwright

from support.programs import program

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # A test's pages are never in front; they have to go on in real time all the same.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)


class Chromiums:
    """Browsers by what they hear as their microphone: headless, started when first asked for."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._kept: dict[Path | None, Browser] = {}

    @asynccontextmanager
    async def lent(self, microphone: Path | None = None) -> AsyncIterator[Browser]:
        """Lend the browser that hears a WAV file, or a beep; close what was opened in it."""
        browser = self._kept.get(microphone)
        if browser is None or not browser.is_connected():
            browser = self._kept[microphone] = await self._start(microphone)
        before = browser.contexts
        try:
            yield browser
        finally:
            for context in browser.contexts:
                if context not in before:
                    await context.close()

    @asynccontextmanager
    async def alone(
        self, microphone: Path | None = None, *, flags: tuple[str, ...] = ()
    ) -> AsyncIterator[Browser]:
        """Start one for this test only."""
        browser = await self._start(microphone, flags)
        try:
            yield browser
        finally:
            await browser.close()

    async def close(self) -> None:
        """End those that are kept."""
        while self._kept:
            _, browser = self._kept.popitem()
            await browser.close()

    async def _start(self, microphone: Path | None, flags: tuple[str, ...] = ()) -> Browser:
        arguments = [*FLAGS, *flags]
        if microphone is not None:
            arguments.append(f"--use-file-for-fake-audio-capture={microphone}")
        return await self._playwright.chromium.launch(
            executable_path=program("chromium"), headless=True, args=arguments
        )


@asynccontextmanager
async def chromiums() -> AsyncIterator[Chromiums]:
    """Return a source of browsers; those that it keeps end with the block."""
    async with async_playwright() as playwright:
        some = Chromiums(playwright)
        try:
            yield some
        finally:
            await some.close()
