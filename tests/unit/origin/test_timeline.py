"""The timeline: unbroken order out, whatever comes in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.media.grid import FRAME_SAMPLES, PART_SAMPLES, SAMPLE_RATE
from stentor.origin.timeline import HELD_SAMPLES_MAX, Pcm, Taken, Timeline
from stentor.rooms.state import OnAir

HOLD_BACK = SAMPLE_RATE // 10
F = FRAME_SAMPLES


def frame(value: int) -> bytes:
    return np.full(F, value, np.int16).tobytes()


def values(frames: list[Pcm]) -> list[int]:
    return [int(one[F // 2]) for one in frames]


def test_frame_that_is_there_goes_out_at_once() -> None:
    timeline = Timeline()
    assert timeline.take(0, frame(7)) is Taken.HELD
    assert values(timeline.advance(0, 10)) == [7]
    assert timeline.next_index == F


def test_missing_frame_is_waited_for_until_the_hold_back_is_over() -> None:
    timeline = Timeline()
    assert timeline.advance(F + HOLD_BACK - 1, 10) == []
    assert values(timeline.advance(F + HOLD_BACK, 10)) == [0]


def test_frames_behind_a_missing_one_follow_it_at_once() -> None:
    timeline = Timeline()
    for n in (1, 2, 3):
        timeline.take(n * F, frame(n))
    assert timeline.advance(4 * F, 10) == []
    assert values(timeline.advance(F + HOLD_BACK, 10)) == [0, 1, 2, 3]


def test_late_frame_is_counted_and_not_heard() -> None:
    timeline = Timeline()
    timeline.advance(F + HOLD_BACK, 10)
    assert timeline.take(0, frame(1)) is Taken.LATE
    assert timeline.counts.late == 1


def test_frame_before_its_time_waits() -> None:
    timeline = Timeline()
    for n in range(10):
        timeline.take(n * F, frame(n + 1))
    assert values(timeline.advance(0, 20)) == [1, 2, 3]  # two ticks of grace between two clocks
    assert values(timeline.advance(F, 20)) == [4]


@pytest.mark.parametrize(("index", "payload"), [(1, frame(1)), (-F, frame(1)), (0, b"short")])
def test_malformed_frame_is_refused(index: int, payload: bytes) -> None:
    timeline = Timeline()
    assert timeline.take(index, payload) is Taken.MALFORMED
    assert timeline.counts.refused == 1


def test_frames_held_are_bounded_and_the_newest_win() -> None:
    timeline = Timeline()
    for n in range(1000):
        timeline.take(n * F, frame(n))
    assert len(timeline._held) <= HELD_SAMPLES_MAX // F
    assert 999 * F in timeline._held


def test_nothing_is_filled_while_the_stages_window_is_awaited() -> None:
    timeline = Timeline()
    assert timeline.advance(SAMPLE_RATE, 100, filling=False) == []
    timeline.take(0, frame(5))
    assert values(timeline.advance(SAMPLE_RATE, 100, filling=False)) == [5]


def test_a_voice_that_is_cut_off_fades_within_five_milliseconds() -> None:
    timeline = Timeline()
    timeline.take(0, frame(10_000))
    timeline.advance(0, 1)
    (silence,) = timeline.advance(F + F + HOLD_BACK, 1)
    assert silence[0] == 10_000
    assert np.abs(np.diff(silence.astype(int))).max() < 50
    assert silence[240:].max() == 0


def test_programme_ends_with_silence_up_to_the_part_and_without_waiting() -> None:
    timeline = Timeline()
    timeline.set_end(F + F // 2)
    timeline.take(0, frame(3))
    timeline.take(F, frame(4))
    assert timeline.take(2 * F, frame(5)) is Taken.BEYOND_END
    out = np.concatenate(timeline.advance(F, 100))
    assert out.size == PART_SAMPLES
    assert timeline.ended
    assert set(out[F : F + F // 2]) == {4}
    assert out[F + F // 2 + 300 :].max() == 0


def test_an_end_in_the_past_is_an_end_now() -> None:
    timeline = Timeline()
    timeline.advance(10 * PART_SAMPLES, 20)
    timeline.set_end(F)
    timeline.advance(10 * PART_SAMPLES, 100)
    assert timeline.next_index == 2 * PART_SAMPLES
    assert timeline.ended


def test_hold_tune_is_placed_by_the_clock_so_a_restart_does_not_skip() -> None:
    hold = np.arange(7_000, dtype=np.int16)
    whole = Timeline(hold=hold)
    later = Timeline(PART_SAMPLES, hold=hold)
    first = np.concatenate(whole.advance(10 * PART_SAMPLES, 32))
    second = np.concatenate(later.advance(10 * PART_SAMPLES, 16))
    assert (first[PART_SAMPLES:] == second).all()
    assert whole.on_air is OnAir.HOLD


def test_hold_tune_stays_under_a_quiet_room_and_leaves_with_the_first_word() -> None:
    timeline = Timeline(hold=np.full(500, 1_000, np.int16))
    quiet, word = frame(20), frame(5_000)
    heard = []
    for n in range(60):
        timeline.take(n * F, word if n >= 10 else quiet)
        heard += timeline.advance(n * F, 1)
    assert values(heard[:10]) == [1_020] * 10
    assert values(heard[11:]) == sorted(values(heard[11:]), reverse=True)
    assert values(heard[-20:]) == [5_000] * 20
    assert (timeline.word_heard, timeline.on_air) == (True, OnAir.VOICES)


def test_loud_voice_over_the_hold_tune_is_clipped_and_does_not_wrap() -> None:
    timeline = Timeline(hold=np.full(500, 30_000, np.int16))
    timeline.take(0, frame(30_000))
    (out,) = timeline.advance(0, 1)
    assert out.min() == 32_767


def test_only_whole_overdue_and_empty_parts_are_skipped() -> None:
    timeline = Timeline()
    timeline.take(3 * PART_SAMPLES + 5 * F, frame(1))
    assert timeline.skip_silent_parts(PART_SAMPLES, 100) == 0
    assert timeline.skip_silent_parts(100 * PART_SAMPLES, 2) == 2
    assert timeline.skip_silent_parts(100 * PART_SAMPLES, 100) == 1
    assert timeline.skip_silent_parts(100 * PART_SAMPLES, 100) == 0
    assert len(timeline.advance(100 * PART_SAMPLES, 16)) == 16


@given(
    st.lists(st.tuples(st.integers(-20, 200), st.integers(0, 40), st.booleans()), max_size=60),
    st.integers(0, 5).map(lambda n: n * PART_SAMPLES),
)
def test_what_goes_out_has_no_hole_and_never_comes_before_its_time(
    events: list[tuple[int, int, bool]], first: int
) -> None:
    timeline = Timeline(first, hold_back_samples=HOLD_BACK)
    now = first
    out = first
    for offset, steps, skip in events:
        timeline.take(first + offset * F, frame(1))
        now += steps * F
        if skip:
            out += timeline.skip_silent_parts(now, 3) * PART_SAMPLES
        frames = timeline.advance(now, 16)
        assert all(one.size == F and one.dtype == np.int16 for one in frames)
        out += len(frames) * F
        assert timeline.next_index == out
        assert out <= now + 3 * F
    for _ in range(1_000):
        out += len(timeline.advance(now, 16)) * F
    assert out >= now - F - HOLD_BACK
