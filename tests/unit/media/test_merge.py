"""Parts as one coarser fragment: a decoder hears the same, and the parts come out as they were."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.codecs.encode import RenditionEncoder
from stentor.media.boxes import MalformedBox, boxes
from stentor.media.fragments import fragment, read_fragment
from stentor.media.grid import PART_SAMPLES
from stentor.media.merge import first_part, merge, parts_in, unmerge
from stentor.media.renditions import RENDITIONS
from support.programme import part_of

AAC, OPUS = RENDITIONS["aac48"], RENDITIONS["opus24"]


def heard(data: bytes) -> tuple[list[int], np.ndarray]:
    """Return the time of each decoded frame in samples, and what a player plays."""
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(audio=0))
    times = [round(frame.pts * frame.time_base * 48_000) for frame in frames]
    return times, np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


@pytest.mark.parametrize("name", RENDITIONS)
@pytest.mark.parametrize("size", [6, 12, 48])
def test_a_decoder_hears_the_same_samples_at_the_same_times(name: str, size: int) -> None:
    encoder = RenditionEncoder(RENDITIONS[name])
    rng = np.random.default_rng(1)
    pcm = rng.integers(-9000, 9000, PART_SAMPLES * 48, dtype=np.int16)
    parts = [part.data for part in encoder.encode(pcm)][:48]
    whole = len(parts) // size * size
    merged = [merge(parts[at : at + size]) for at in range(0, whole, size)]
    times, samples = heard(encoder.init + b"".join(parts[:whole]))
    merged_times, merged_samples = heard(encoder.init + b"".join(merged))
    assert merged_times == times
    assert np.array_equal(merged_samples, samples)
    assert len(merged) * size == whole > 0


@given(st.sampled_from(list(RENDITIONS.values())), st.integers(0, 10**6), st.integers(1, 48))
def test_merged_parts_come_out_as_they_were(rendition: object, first: int, count: int) -> None:
    parts = [part_of(rendition, first + i) for i in range(count)]  # type: ignore[arg-type]
    merged = merge(parts)
    assert [one.kind for one in boxes(merged)] == ["moof", "mdat"]
    assert unmerge(merged) == parts
    assert (first_part(merged), parts_in(merged)) == (first, count)
    found = read_fragment(merged)
    assert found.sequence == first + 1
    assert found.decode_time == first * PART_SAMPLES
    assert found.samples == count * PART_SAMPLES


def test_merging_saves_what_each_part_says_of_itself() -> None:
    parts = [part_of(OPUS, number) for number in range(48)]
    assert sum(map(len, parts)) - len(merge(parts)) == 47 * 100


@pytest.mark.parametrize(
    "parts",
    [
        [part_of(AAC, 4), part_of(AAC, 6)],
        [part_of(AAC, 5), part_of(AAC, 4)],
        [part_of(AAC, 4), part_of(OPUS, 5)],
        [part_of(AAC, 4), part_of(AAC, 5)[:-1]],
        [part_of(AAC, 4), part_of(AAC, 5)[:50]],
        [part_of(AAC, 4), b""],
        [part_of(AAC, 4) + part_of(AAC, 5), part_of(AAC, 6)],
        [b"<4>", b"<5>"],
    ],
)
def test_what_does_not_follow_each_other_is_not_merged(parts: list[bytes]) -> None:
    with pytest.raises(MalformedBox):
        merge(parts)


@given(st.integers(1, 6), st.data())
def test_damage_is_malformed_or_reads_as_something(count: int, data: st.DataObject) -> None:
    whole = bytearray(merge([part_of(OPUS, number) for number in range(count)]))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for damaged in (bytes(whole), bytes(whole[:cut])):
        for read in (unmerge, first_part, parts_in):
            try:
                read(damaged)
            except MalformedBox:
                pass


def test_a_fragment_that_is_not_whole_parts_has_none() -> None:
    with pytest.raises(MalformedBox):
        parts_in(fragment(3, 960, [b"a"] * 17))
