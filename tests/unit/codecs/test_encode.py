"""Encoders: 15,360 samples in, a part out, for every rendition at the same sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.codecs.decode import PartDecoder
from stentor.codecs.encode import RenditionEncoder, SilentParts
from stentor.media.fragments import read_fragment
from stentor.media.grid import PART_SAMPLES, SAMPLE_RATE
from stentor.media.renditions import RENDITIONS

every_rendition = pytest.mark.parametrize("name", RENDITIONS)


def noise(samples: int, seed: int = 1) -> np.ndarray:
    """Band-limited noise: something that both codecs keep."""
    rng = np.random.default_rng(seed)
    smooth = np.convolve(rng.normal(size=samples + 63), np.hanning(64), "valid")
    return (4_000 * smooth / np.abs(smooth).max() * 2).astype(np.int16)


@every_rendition
@settings(max_examples=10, deadline=None)
@given(pieces=st.lists(st.integers(1, 5_000), min_size=1, max_size=20))
def test_parts_depend_on_the_samples_and_not_on_how_they_come(name: str, pieces: list[int]) -> None:
    pcm = noise(sum(pieces))
    one, two = RenditionEncoder(RENDITIONS[name]), RenditionEncoder(RENDITIONS[name])
    at_once = one.encode(pcm)
    bit_by_bit = []
    start = 0
    for piece in pieces:
        bit_by_bit += two.encode(pcm[start : start + piece])
        start += piece
        assert len(bit_by_bit) == start // PART_SAMPLES  # complete with its last sample
    assert bit_by_bit == at_once


@every_rendition
def test_every_part_is_exactly_15360_samples_and_at_its_place(name: str) -> None:
    encoder = RenditionEncoder(RENDITIONS[name], first_part=7)
    decoder = PartDecoder(encoder.init)
    parts = encoder.encode(noise(10 * PART_SAMPLES))
    assert [part.number for part in parts] == list(range(7, 17))
    for part in parts:
        found = read_fragment(part.data)
        assert found.samples == PART_SAMPLES
        assert found.decode_time == part.number * PART_SAMPLES
        assert decoder.decode(part.data).size == PART_SAMPLES


@every_rendition
def test_what_was_begun_is_finished_with_silence(name: str) -> None:
    encoder = RenditionEncoder(RENDITIONS[name])
    assert encoder.finish() == []
    encoder.encode(noise(PART_SAMPLES + 1))
    (last,) = encoder.finish()
    assert (last.number, read_fragment(last.data).samples) == (1, PART_SAMPLES)
    assert encoder.finish() == []


@every_rendition
def test_sound_is_heard_where_the_delay_says(name: str) -> None:
    encoder = RenditionEncoder(RENDITIONS[name])
    decoder = PartDecoder(encoder.init)
    pcm = noise(8 * PART_SAMPLES)
    heard = np.concatenate([decoder.decode(part.data) for part in encoder.encode(pcm)])
    size = 3 * PART_SAMPLES
    piece = pcm[PART_SAMPLES : PART_SAMPLES + size].astype(float)
    scores = [
        float(np.dot(piece, heard[PART_SAMPLES + lag : PART_SAMPLES + lag + size]))
        for lag in range(2_500)
    ]
    assert abs(int(np.argmax(scores)) - encoder.delay_samples) <= 2


@every_rendition
def test_bitrate_is_about_what_the_name_says(name: str) -> None:
    rendition = RENDITIONS[name]
    parts = RenditionEncoder(rendition).encode(noise(60 * PART_SAMPLES))
    bits = 8 * sum(len(part.data) for part in parts) / (60 * PART_SAMPLES / SAMPLE_RATE)
    assert 0.6 * rendition.bitrate < bits < 1.35 * rendition.bitrate + 5_000


@every_rendition
def test_silent_parts_are_parts_like_any_other_and_silent(name: str) -> None:
    silent = SilentParts(RENDITIONS[name])
    decoder = PartDecoder(silent.init)
    for number in (0, 1, 12_345):
        part = silent.part(number)
        assert read_fragment(part.data).decode_time == number * PART_SAMPLES
        assert np.abs(decoder.decode(part.data)).max() <= 2


def test_all_renditions_complete_a_part_with_the_same_sample() -> None:
    encoders = [RenditionEncoder(rendition) for rendition in RENDITIONS.values()]
    frame = np.zeros(960, np.int16)
    for n in range(1, 100):
        made = {len(encoder.encode(frame)) for encoder in encoders}
        assert made == ({1} if n % 16 == 0 else {0})
