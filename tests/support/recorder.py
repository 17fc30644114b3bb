"""A recorder in a page that plays: how long its sound was ever silent, and where it was when.

Measures every 128 samples of what the element plays, in the audio thread, so nothing is missed
because the page or the machine is busy. The page must have been opened with `bypass_csp`.
"""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

_WORKLET = """
registerProcessor("silences", class extends AudioWorkletProcessor {
    silent = 0; longest = 0; heard = 0;
    constructor() {
        super();
        this.port.onmessage = () => {
            this.port.postMessage([Math.max(this.longest, this.silent), this.heard]);
            this.longest = this.silent = this.heard = 0;
        };
    }
    process([[samples]]) {
        let square = 0;
        for (const one of samples ?? []) square += one * one;
        if (!samples || square / samples.length < 1e-4) this.silent += 128 / sampleRate;
        else {
            this.longest = Math.max(this.longest, this.silent);
            this.silent = 0;
            this.heard += 128 / sampleRate;
        }
        return true;
    }
});
"""

_START = """
async (source) => {
    const { audio } = stentor.player;
    const context = new AudioContext({ sampleRate: 48000 });
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    await context.audioWorklet.addModule(address);
    const node = new AudioWorkletNode(context, "silences");
    context.createMediaElementSource(audio).connect(node).connect(context.destination);
    const none = { jumped: 0, back: 0, slowest: 1, fastest: 1, dry: 0 };
    const track = { ...none };
    audio.addEventListener("waiting", () => track.dry++);
    let last = null;
    setInterval(() => {
        const now = { at: performance.now() / 1000, time: audio.currentTime };
        if (last && !audio.paused && !last.paused) {
            const extra = now.time - last.time - 1.06 * (now.at - last.at);
            track.jumped = Math.max(track.jumped, extra);
            track.back = Math.max(track.back, last.time - now.time);
        }
        track.slowest = Math.min(track.slowest, audio.playbackRate);
        track.fastest = Math.max(track.fastest, audio.playbackRate);
        last = { ...now, paused: audio.paused };
    }, 20);
    audio.heardSoFar = () => new Promise((resolve) => {
        node.port.onmessage = ({ data: [silent, heard] }) => {
            const ranges = audio.buffered.length;
            resolve({ silent, heard, ranges, ...track });
            Object.assign(track, none);
        };
        node.port.postMessage(0);
    });
}
"""


async def record(page: Page) -> None:
    """Begin to listen to what the room page plays."""
    await page.evaluate(_START, _WORKLET)


async def heard_so_far(page: Page) -> dict[str, Any]:
    """Return what was heard since the last call, in seconds.

    `silent` is the longest silence, `heard` how long there was sound, `jumped` and `back` by how
    much the position ever went forward or back at once, `ranges` into how many stretches the
    buffer falls, `dry` how often it had nothing to play, `slowest` and `fastest` the rates.
    """
    found: dict[str, Any] = await page.evaluate("stentor.player.audio.heardSoFar()")
    return found
