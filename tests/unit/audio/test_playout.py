"""The playout with a decoder that says what it was asked: bounded, and always one frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.audio.playout import MARGIN_SAMPLES_MAX, Playout


class Echoing:
    """Decodes a packet to a constant: its first byte / 256."""

    def __init__(self) -> None:
        self.lengths: dict[bytes, int] = {}

    def decode(self, packet: bytes) -> np.ndarray:
        if packet[:1] == b"!":
            raise ValueError("broken")
        return np.full(960 * max(1, packet[1]), packet[0] / 256, np.float32)

    def recover(self, following: bytes, samples: int) -> np.ndarray:
        return np.full(samples, 0.5, np.float32)

    def conceal(self, samples: int) -> np.ndarray:
        return np.zeros(samples, np.float32)


def playing(count: int = 3) -> Playout:
    playout = Playout(Echoing())
    for number in range(count):
        playout.put(number, number * 960, 960, bytes([100, 1]))
    return playout


def test_nothing_is_played_before_the_buffer_is_deep_enough() -> None:
    playout = playing(2)
    assert playout.pull() is None
    playout.put(2, 1_920, 960, bytes([100, 1]))
    frame = playout.pull()
    assert frame is not None
    assert frame[0] == pytest.approx(100 / 256)


def test_a_broken_packet_costs_its_own_time_only() -> None:
    playout = playing(3)
    playout.pull()
    playout.put(3, 3 * 960, 960, b"!!")
    playout.put(4, 4 * 960, 960, bytes([100, 1]))
    frames = [playout.pull() for _ in range(4)]
    assert playout.counts.broken == 1
    assert playout.counts.concealed == 1
    assert frames[3] is not None
    assert frames[3][-1] == pytest.approx(100 / 256)


def test_a_speaker_who_stops_falls_silent_and_the_next_packet_starts_anew() -> None:
    playout = playing(3)
    frames = [playout.pull() for _ in range(60)]
    assert frames[-1] is None
    for number in range(3):
        playout.put(500 + number, 7_000_000 + number * 960, 960, bytes([50, 1]))
    assert playout.pull() is not None


def test_the_first_packets_of_a_burst_are_skipped() -> None:
    playout = Playout(Echoing())
    for number in range(100):
        playout.put(number, number * 960, 960, bytes([number, 1]))
    frame = playout.pull()
    assert frame is not None
    assert frame[0] * 256 == pytest.approx(97)
    assert playout.depth == 2 * 960


events = st.lists(
    st.one_of(
        st.none(),
        st.tuples(
            st.integers(0, 0xFFFF),
            st.integers(0, 0xFFFFFFFF),
            st.sampled_from([120, 960, 2_880, 5_760]),
            st.binary(min_size=2, max_size=4),
        ),
        st.tuples(
            st.integers(0, 200),
            st.integers(0, 200).map(lambda n: n * 480),
            st.sampled_from([120, 960, 2_880, 5_760]),
            st.sampled_from([b"!!", b"d\x01", b"d\x02"]),
        ),
    ),
    max_size=300,
)


@settings(max_examples=200, deadline=None)
@given(events)
def test_a_hostile_sender_gets_frames_of_20_ms_or_none_and_a_bounded_buffer(
    happened: list[tuple[int, int, int, bytes] | None],
) -> None:
    playout = Playout(Echoing())
    for event in happened:
        if event is None:
            frame = playout.pull()
            assert frame is None or (frame.shape == (960,) and np.isfinite(frame).all())
        else:
            playout.put(*event)
        assert playout.target <= 960 + 5_760 + MARGIN_SAMPLES_MAX
