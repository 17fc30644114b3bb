"""Microphone to ear, and tap to first sound, in Chromium against a real `stentor serve`.

    bench/latency.py [--beeps 12] [--taps 30]

A browser's microphone hears a beep every four seconds and notes when; another browser notes when
it comes out of the player. Both clocks are this machine's. What sound cards add is not in it. The
taps are on the room page, with a steady tone on the air.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
from playwright.async_api import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.browser import chromium
from support.ears import open_room, plays, status, until
from support.hls_js import play_by_hls_js
from support.server import RoomMade, Server, serving
from support.talkers import talk
from support.voices import speaking, tone_file

RATE = 48_000
PERIOD_S, BEEP_S = 4.0, 0.3
PUSH_S, HLS_S, TAP_S = 0.9, 1.6, 0.3
SETTLE_S = 12

# Notes the time whenever sound begins after half a second without any.
WATCH = """
(which) => {
    const context = new AudioContext({ sampleRate: 48000 });
    const audio = document.querySelector("audio");
    const stream = which === "microphone" && peer.getSenders()[0].track;
    const source = stream
        ? context.createMediaStreamSource(new MediaStream([stream]))
        : context.createMediaElementSource(audio);
    const analyser = context.createAnalyser();
    analyser.fftSize = 256;
    source.connect(analyser);
    if (!stream) source.connect(context.destination);
    const samples = new Float32Array(analyser.fftSize);
    window.beeps = [];
    window.level = 0;
    let quietSince = 0;
    setInterval(() => {
        analyser.getFloatTimeDomainData(samples);
        window.level = Math.max(...samples.map(Math.abs));
        const now = Date.now();
        if (window.level < 0.01) quietSince ||= now;
        else {
            if (quietSince && now - quietSince > 500) window.beeps.push(now);
            quietSince = 0;
        }
    }, 4);
}
"""

TAP = """
() => new Promise((resolve) => {
    const audio = document.querySelector("audio");
    const began = performance.now();
    document.getElementById("listen").click();
    const look = () => audio.currentTime > 0 && !audio.paused && audio.readyState >= 3
        && stentor.player.status === "playing";
    const before = { time: -1 };
    const timer = setInterval(() => {
        if (!look()) return;
        if (before.time < 0) before.time = audio.currentTime;
        else if (audio.currentTime > before.time) {
            clearInterval(timer);
            resolve(performance.now() - began);
        }
    }, 4);
})
"""


def beeps_file(path: Path) -> Path:
    """Write a WAV file with a beep at its start and silence after it."""
    beep = np.sin(2 * np.pi * 1_000 * np.arange(int(BEEP_S * RATE)) / RATE) * 0.4
    samples = np.zeros(int(PERIOD_S * RATE))
    samples[: beep.size] = beep
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


def delays_s(said: list[float], heard: list[float]) -> list[float]:
    """Return how long after each beep it was heard."""
    found = []
    for at in said:
        later = [one - at for one in heard if 0 < one - at < PERIOD_S * 1_000]
        if later:
            found.append(min(later) / 1_000)
    return found


async def ear_latency(microphone: Page, listener: Page, beeps: int) -> list[float]:
    await asyncio.sleep(SETTLE_S)  # the player steers towards live by 5 %
    await microphone.evaluate("beeps.length = 0")
    await listener.evaluate("beeps.length = 0")
    await asyncio.sleep(beeps * PERIOD_S + 3)
    return delays_s(await microphone.evaluate("beeps"), await listener.evaluate("beeps"))


async def measure_latency(room: RoomMade, sound: Path, beeps: int) -> dict[str, list[float]]:
    found = {}
    async with chromium(sound) as one, chromium() as two:
        microphone = await one.new_page()
        await talk(microphone, room, "host")
        await microphone.evaluate(WATCH, "microphone")
        listener = await two.new_page()
        await open_room(listener, room.url())
        await plays(listener)
        await listener.evaluate(WATCH, "ear")
        found["push"] = await ear_latency(microphone, listener, beeps)
        print("  player:", await status(listener), flush=True)
        await listener.close()
        listener = await two.new_page()
        await play_by_hls_js(listener, room.server, room.url("/hls/master.m3u8"))
        await until(listener, "document.querySelector('audio').currentTime > 0", 20)
        await listener.evaluate(WATCH, "ear")
        found["hls.js"] = await ear_latency(microphone, listener, beeps)
    return found


async def measure_taps(room: RoomMade, taps: int) -> list[float]:
    found = []
    async with chromium() as browser:
        for _ in range(taps):
            page = await browser.new_page()
            await open_room(page, room.url(), listen=False)
            found.append(await page.evaluate(TAP) / 1_000)
            await page.close()
    return found


def judge(name: str, value: float, target: float) -> bool:
    print(f"{name:<46} {value:6.3f} s   (to reach: ≤ {target} s)")
    return value <= target


def run(server: Server, folder: Path, beeps: int, taps: int) -> bool:
    room = server.create_room("Latency", in_s=1.5, speakers=0)
    found = asyncio.run(measure_latency(room, beeps_file(folder / "beeps.wav"), beeps))
    steady = server.create_room("Taps", in_s=1.5, speakers=0)
    with speaking(tone_file(folder / "tone.wav", 440), steady.link("host"), "--loop"):
        times = sorted(asyncio.run(measure_taps(steady, taps)))
    good = True
    for name, target in (("push", PUSH_S), ("hls.js", HLS_S)):
        delays = found[name]
        assert len(delays) >= beeps // 2, f"{name}: only {len(delays)} beeps were heard"
        spread = f"{min(delays):.2f}–{max(delays):.2f} s, {len(delays)} beeps"
        good &= judge(f"microphone → ear, {name}, median", statistics.median(delays), target)
        print(f"    {spread}")
    p95 = times[max(0, -(-len(times) * 95 // 100) - 1)]
    good &= judge("tap → first sound, p95", p95, TAP_S)
    print(
        f"    median {statistics.median(times):.3f} s, longest {times[-1]:.3f} s, {len(times)} taps"
    )
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--beeps", type=int, default=12)
    parser.add_argument("--taps", type=int, default=30)
    wish = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        sys.exit(0 if run(server, Path(folder), wish.beeps, wish.taps) else 1)


if __name__ == "__main__":
    main()
