"""The grid: samples and wall time, without a rounding error in a day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.media import grid

DAY_SAMPLES = 24 * 3600 * grid.SAMPLE_RATE
epochs = st.integers(0, 4_000_000_000_000)


@given(epochs, st.integers(0, DAY_SAMPLES))
def test_a_sample_is_due_at_its_time_and_not_before(epoch_ms: int, index: int) -> None:
    due_ns = grid.time_of(epoch_ms, index)
    assert grid.sample_at(epoch_ms, due_ns + 1) == index
    assert grid.sample_at(epoch_ms, due_ns - 1) == index - 1


@given(epochs)
def test_sample_zero_is_the_epoch_and_before_it_is_negative(epoch_ms: int) -> None:
    assert grid.sample_at(epoch_ms, epoch_ms * 1_000_000) == 0
    assert grid.sample_at(epoch_ms, epoch_ms * 1_000_000 - 1) == -1


@given(st.integers(0, DAY_SAMPLES))
def test_parts_hold_all_samples_and_the_last_is_not_empty(samples: int) -> None:
    parts = grid.parts_in(samples)
    assert parts * grid.PART_SAMPLES >= samples > (parts - 1) * grid.PART_SAMPLES or samples == 0


def test_both_codecs_share_every_boundary() -> None:
    for frame_samples in (960, 1024):
        assert grid.PART_SAMPLES % frame_samples == 0
    assert grid.CHUNK_SAMPLES % grid.PART_SAMPLES == 0
    assert grid.SEGMENT_SAMPLES % grid.CHUNK_SAMPLES == 0
    assert grid.PART_SAMPLES % grid.FRAME_SAMPLES == 0
