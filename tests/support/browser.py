"""Debian's Chromium, driven by Playwright: a speaker with a recording for a voice, or a listener.

One recording is one browser: the fake microphone is a switch of the whole process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

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


@asynccontextmanager
async def chromium(
    microphone: Path | None = None, *, loop: bool = True, flags: tuple[str, ...] = ()
) -> AsyncIterator[Browser]:
    """Start Chromium, headless; `microphone` is a WAV file that it hears instead of a beep."""
    executable = program("chromium")
    arguments = [*FLAGS, *flags]
    if microphone is not None:
        once = "" if loop else "%noloop"
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}{once}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, headless=True, args=arguments
        )
        try:
            yield browser
        finally:
            await browser.close()
