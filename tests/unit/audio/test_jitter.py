"""The jitter buffer: whatever comes in, it never raises, never grows, never stands still."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.audio.jitter import (
    PACKETS_MAX,
    Arrival,
    Conceal,
    Decode,
    JitterBuffer,
    Recover,
)

LENGTHS = st.sampled_from([120, 480, 960, 1_920, 2_880, 5_760])


def filled(*numbers: int, start: int = 0, samples: int = 960) -> JitterBuffer:
    jitter = JitterBuffer()
    for number in numbers:
        jitter.put((start + number) & 0xFFFF, number * samples, samples, bytes([number]))
    return jitter


def test_packets_come_out_in_order_whatever_order_they_came_in() -> None:
    jitter = filled(0, 2, 1, 4, 3)
    steps = [jitter.step(960) for _ in range(5)]
    assert [one.packet.payload[0] for one in steps if isinstance(one, Decode)] == [0, 1, 2, 3, 4]


def test_sequence_numbers_wrap_around() -> None:
    jitter = filled(*range(10), start=65_530)
    assert all(isinstance(jitter.step(960), Decode) for _ in range(10))
    assert jitter.lost_total == 0


def test_a_single_loss_is_recovered_from_the_packet_after_it() -> None:
    jitter = filled(0, 2)
    first, second, third = (jitter.step(960) for _ in range(3))
    assert isinstance(first, Decode)
    assert isinstance(second, Recover)
    assert second.following.payload == b"\x02"
    assert second.samples == 960
    assert isinstance(third, Decode)
    assert jitter.lost_total == 1


def test_of_several_lost_the_last_is_recovered_and_the_others_concealed() -> None:
    jitter = filled(0, 4)
    kinds = [type(jitter.step(960)) for _ in range(5)]
    assert kinds == [Decode, Conceal, Conceal, Recover, Decode]


def test_a_pause_of_the_sender_is_no_loss() -> None:
    jitter = JitterBuffer()
    jitter.put(1, 0, 960, b"a")
    jitter.put(2, 960 * 4, 960, b"b")
    jitter.step(960)
    pauses = [jitter.step(960) for _ in range(3)]
    assert all(isinstance(one, Conceal) and one.paused for one in pauses)
    assert isinstance(jitter.step(960), Decode)
    assert jitter.lost_total == 0


def test_what_was_already_played_is_late_and_what_is_there_is_a_duplicate() -> None:
    jitter = filled(0, 1, 2)
    jitter.step(960)
    assert jitter.put(0, 0, 960, b"") is Arrival.LATE
    assert jitter.put(2, 1_920, 960, b"") is Arrival.DUPLICATE


def test_a_packet_that_is_late_but_next_is_still_played() -> None:
    jitter = filled(0)
    jitter.step(960)
    jitter.step(960)  # starved
    assert jitter.put(1, 960, 960, b"late") is Arrival.KEPT
    assert jitter.late_samples == 960
    step = jitter.step(960)
    assert isinstance(step, Decode)
    assert step.packet.payload == b"late"


def test_a_jump_starts_a_new_stream() -> None:
    jitter = filled(0, 1, 2)
    assert jitter.put(30_000, 2_880, 960, b"x") is Arrival.RESTARTED
    assert len(jitter) == 1
    assert jitter.put(30_001, 4_000_000, 960, b"x") is Arrival.RESTARTED


def test_skipping_leaves_no_more_than_was_asked_for() -> None:
    jitter = filled(*range(50))
    skipped = jitter.skip_to_depth(3 * 960)
    assert skipped == 47 * 960
    assert jitter.depth == 3 * 960
    assert isinstance(jitter.step(960), Decode)


put = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), LENGTHS)
near = st.tuples(st.integers(0, 300), st.integers(0, 100_000), LENGTHS)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(put, near, st.none(), LENGTHS), max_size=400))
def test_no_sequence_of_packets_and_ticks_makes_it_raise_or_grow(
    events: list[tuple[int, int, int] | int | None],
) -> None:
    jitter = JitterBuffer()
    for event in events:
        match event:
            case None:
                step = jitter.step(960)
                match step:
                    case Conceal(samples):
                        assert 0 < samples <= 960
                    case Recover(_, samples):
                        assert 0 < samples <= 5_760
            case int(depth):
                jitter.skip_to_depth(depth)
            case (sequence, timestamp, samples):
                jitter.put(sequence, timestamp, samples, b"")
        assert len(jitter) <= PACKETS_MAX
