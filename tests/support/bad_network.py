"""Speakers under virtual time: a sound, encoded by real libopus, through a bad network.

Nothing here waits: packets have an arrival time in seconds, ticks come every 20 ms, and chance is
a seeded `random.Random`.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.audio.playout import Playout
from stentor.codecs.opus import OpusDecoder, OpusEncoder, packet_samples

Pcm = NDArray[np.float32]
RATE = 48_000
TICK_S = 0.02


def tone(hertz: float, seconds: float, amplitude: float = 0.3) -> Pcm:
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def babble(seconds: float, seed: int = 1) -> Pcm:
    """Return something like speech: bursts of a wandering harmonic tone, pauses between them."""
    chance = np.random.default_rng(seed)
    out = np.zeros(round(seconds * RATE), np.float32)
    at = 0
    while at < len(out):
        length = int(chance.integers(RATE // 4, RATE))
        pitch = chance.uniform(110, 220)
        time = np.arange(min(length, len(out) - at)) / RATE
        wave = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 12))
        envelope = np.abs(np.sin(2 * np.pi * 4 * time)) * np.hanning(len(time))
        out[at : at + len(time)] = 0.2 * wave * envelope
        at += length + int(chance.integers(RATE // 3, RATE))
    return out


@dataclass(frozen=True)
class Sent:
    """A packet as it left: when, and what RTP said."""

    at_s: float
    sequence: int
    timestamp: int
    payload: bytes


def packets(sound: Pcm, packet_ms: int = 20, ppm: float = 0, first: int = 65_500) -> list[Sent]:
    """Encode a sound; `ppm` is how much the sender's clock is too fast."""
    encoder = OpusEncoder(32_000, loss_percent=10)
    samples = RATE * packet_ms // 1000
    return [
        Sent(
            at_s=(number + 1) * packet_ms / 1000 / (1 + ppm / 1e6),
            sequence=(first + number) & 0xFFFF,
            timestamp=(first * 960 + number * samples) & 0xFFFFFFFF,
            payload=encoder.encode(sound[start : start + samples]),
        )
        for number, start in enumerate(range(0, len(sound) - samples + 1, samples))
    ]


def random_loss(share: float, seed: int = 7) -> Callable[[Sent], bool]:
    chance = random.Random(seed)
    return lambda _packet: chance.random() < share


def bursty_loss(share: float, burst: int = 3, seed: int = 7) -> Callable[[Sent], bool]:
    """Lose `share` of the packets in bursts of `burst` on average (Gilbert's model), 8 at most."""
    chance = random.Random(seed)
    run = 0

    def lost(_packet: Sent) -> bool:
        nonlocal run
        likely = 1 - 1 / burst if run else share / burst / (1 - share)
        run = run + 1 if run < 8 and chance.random() < likely else 0
        return run > 0

    return lost


@dataclass
class Heard:
    """What came out: a frame a tick (silence where there was none), and the depths."""

    sound: Pcm
    depths: list[int]
    playout: Playout

    def silences_ms(self, threshold: float, after_s: float = 0.5) -> list[float]:
        """Return the lengths of all stretches below `threshold`."""
        return silences_ms(self.sound[round(after_s * RATE) :], threshold)


def silences_ms(sound: Pcm, threshold: float) -> list[float]:
    """Return the lengths of all stretches whose RMS is below `threshold`, by blocks of 5 ms."""
    blocks = sound[: len(sound) // 240 * 240].reshape(-1, 240)
    quiet = np.sqrt((blocks**2).mean(axis=1)) < threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    return [float(b - a) * 5 for a, b in zip(edges[::2], edges[1::2], strict=True)]


def play(
    sent: list[Sent],
    *,
    lost: Callable[[Sent], bool] = lambda _packet: False,
    delay_s: Callable[[Sent], float] = lambda _packet: 0.03,
    ticks: int | None = None,
) -> Heard:
    """Play packets through a network, tick by tick."""
    playout = Playout(OpusDecoder())
    queue = [(one.at_s + delay_s(one), n, one) for n, one in enumerate(sent) if not lost(one)]
    heapq.heapify(queue)
    count = ticks if ticks is not None else int(sent[-1].at_s / TICK_S)
    frames, depths = [], []
    for now_s in _ticks(count):
        while queue and queue[0][0] <= now_s:
            one = heapq.heappop(queue)[2]
            playout.put(one.sequence, one.timestamp, packet_samples(one.payload), one.payload)
        frame = playout.pull()
        depths.append(playout.depth)
        frames.append(frame if frame is not None else np.zeros(960, np.float32))
    return Heard(np.concatenate(frames), depths, playout)


def _ticks(count: int) -> Iterator[float]:
    return (0.007 + number * TICK_S for number in range(count))


def strongest_hertz(sound: Pcm) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax()) * RATE / len(sound)


def strength(sound: Pcm, hertz: float) -> float:
    """Return the amplitude of one frequency."""
    time = np.arange(len(sound)) / RATE
    window = np.hanning(len(sound))
    turned = sound * window * np.exp(-2j * np.pi * hertz * time)
    return float(2 * np.abs(turned.sum()) / window.sum())
