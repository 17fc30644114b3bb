"""A browser's MediaSource takes every rendition's parts as they are, without a gap or a shift."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from playwright.async_api import Page

from stentor.codecs.encode import RenditionEncoder
from stentor.media.boxes import emsg
from stentor.media.grid import PART_S, PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from support.programs import needs_program

APPEND = """
async ([type, pieces]) => {
    const media = new MediaSource(), audio = document.createElement("audio");
    audio.src = URL.createObjectURL(media);
    await new Promise((resolve) => media.addEventListener("sourceopen", resolve, { once: true }));
    const buffer = media.addSourceBuffer(type);
    for (const piece of pieces) {
        const bytes = Uint8Array.from(atob(piece), (letter) => letter.charCodeAt(0));
        await new Promise((resolve, reject) => {
            buffer.addEventListener("updateend", resolve, { once: true });
            buffer.addEventListener("error", () => reject(new Error("refused")), { once: true });
            buffer.appendBuffer(bytes);
        });
    }
    const ranges = [];
    for (let n = 0; n < buffer.buffered.length; n++)
        ranges.push([buffer.buffered.start(n), buffer.buffered.end(n)]);
    return ranges;
}
"""


@needs_program("chromium")
@pytest.mark.parametrize("first", [0, 11_250])
@pytest.mark.parametrize("name", RENDITIONS)
async def test_parts_follow_each_other_on_the_grid(page: Page, name: str, first: int) -> None:
    rendition = RENDITIONS[name]
    encoder = RenditionEncoder(rendition, first_part=first)
    wave = 5_000 * np.sin(2 * np.pi * 300 * np.arange(12 * PART_SAMPLES) / 48_000)
    parts = [part.data for part in encoder.encode(wave.astype(np.int16))]
    event = emsg("urn:stentor:state:1", b"{}", presentation_time=first * PART_SAMPLES)
    pieces = [encoder.init + event + parts[0], *parts[1:6], event + b"".join(parts[6:])]
    await page.goto("about:blank")
    ranges = await page.evaluate(
        APPEND,
        [
            f'audio/mp4; codecs="{rendition.codecs}"',
            [base64.b64encode(piece).decode() for piece in pieces],
        ],
    )
    assert len(ranges) == 1
    assert ranges[0][0] == pytest.approx(first * PART_S, abs=1e-3)
    assert ranges[0][1] == pytest.approx((first + 12) * PART_S, abs=1e-3)
