"""Ears in a browser: how loud a tone is in what an element plays; waiting for what must come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page

from support.machine import PATIENCE

ABSENT_DB = -60.0  # a bin of what is not there
HEARD_DB = -45.0  # a bin of a tone that is

_EAR = """
(selector) => {
    const audio = document.querySelector(selector);
    if (audio.ear) return;
    const context = new AudioContext({ sampleRate: 48000 });
    const analyser = context.createAnalyser();
    analyser.fftSize = 4096;
    analyser.smoothingTimeConstant = 0;
    const connect = () => {
        audio.source?.disconnect();
        audio.heard = audio.srcObject;
        audio.source = audio.srcObject
            ? context.createMediaStreamSource(audio.srcObject)
            : context.createMediaElementSource(audio);
        audio.source.connect(analyser);
        if (!audio.srcObject) audio.source.connect(context.destination);
    };
    connect();
    const bins = new Float32Array(analyser.frequencyBinCount);
    audio.ear = (hertz) => {
        if (audio.srcObject !== audio.heard) connect();
        analyser.getFloatFrequencyData(bins);
        const middle = Math.round((hertz * analyser.fftSize) / context.sampleRate);
        return Math.max(...bins.subarray(middle - 2, middle + 3), -200);
    };
}
"""


async def tone_db(page: Page, hertz: float, selector: str = "audio") -> float:
    """Return how loud a tone is just now in what the element plays."""
    await page.evaluate(_EAR, selector)
    level: float = await page.evaluate(
        "([selector, hertz]) => document.querySelector(selector).ear(hertz)", [selector, hertz]
    )
    return level


async def eventually(condition: Callable[[], Awaitable[Any]], timeout_s: float, what: str) -> Any:
    """Return what the condition returns once that is true; fail after `timeout_s`."""
    deadline = time.monotonic() + PATIENCE * timeout_s
    while True:
        result = await condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {PATIENCE * timeout_s} s: {what}"
        await asyncio.sleep(0.03)


async def until(page: Page, expression: str, timeout_s: float = 8) -> Any:
    """Return what the expression is once that is true: Playwright's own wait needs unsafe-eval."""
    return await eventually(lambda: page.evaluate(expression), timeout_s, expression)


async def hears(page: Page, hertz: float, timeout_s: float = 8, selector: str = "audio") -> None:
    """Return once the tone is heard."""

    async def heard() -> bool:
        return await tone_db(page, hertz, selector) > HEARD_DB

    await eventually(heard, timeout_s, f"{hertz} Hz is heard")


async def hears_not(
    page: Page, hertz: float, timeout_s: float = 5, selector: str = "audio", for_s: float = 0.5
) -> None:
    """Return once the tone has been absent for `for_s` on end."""
    since: list[float] = []

    async def absent() -> bool:
        if await tone_db(page, hertz, selector) > ABSENT_DB:
            since.clear()
            return False
        since.append(time.monotonic())
        return since[-1] - since[0] >= for_s

    await eventually(absent, timeout_s, f"{hertz} Hz is gone")


async def status(page: Page) -> str:
    """Return the player's status on a room page."""
    found: str = await page.evaluate("stentor.player.status")
    return found


async def plays(page: Page, timeout_s: float = 8) -> None:
    """Return once the player of a room page plays."""

    async def playing() -> bool:
        return await status(page) == "playing"

    await eventually(playing, timeout_s, "the player plays")


async def open_room(page: Page, url: str, *, listen: bool = True) -> None:
    """Open a room page and, as a person would, tap."""
    await page.goto(url)
    await until(page, "Boolean(window.stentor?.player.state)")
    if listen:
        await page.click("#listen")
