"""The contract with libopus: what the stage relies on is really there."""

from __future__ import annotations

import numpy as np
import pytest

from stentor.codecs.opus import (
    OpusDecoder,
    OpusEncoder,
    OpusError,
    as_float,
    as_int16,
    packet_samples,
    version,
)
from support.bad_network import strength, tone


def frames(sound: np.ndarray) -> list[np.ndarray]:
    return [sound[at : at + 960] for at in range(0, len(sound) - 959, 960)]


def test_the_library_is_found_and_new_enough() -> None:
    major, minor = version().removeprefix("libopus ").split(".")[:2]
    assert (int(major), int(minor)) >= (1, 3)


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_a_tone_survives_the_round_trip(kind: type) -> None:
    encoder, decoder = OpusEncoder(32_000), OpusDecoder()
    sound = tone(440, 1)
    given = sound if kind is np.float32 else as_int16(sound)
    out = np.concatenate([decoder.decode(encoder.encode(one)) for one in frames(given)])
    assert len(out) == len(sound)
    assert strength(out[9_600:], 440) == pytest.approx(0.3, rel=0.1)


def test_a_lost_packet_is_recovered_from_the_next_ones_fec() -> None:
    encoder = OpusEncoder(32_000, loss_percent=20)
    sound = tone(300, 1, 0.2) * np.linspace(0.2, 1, 48_000, dtype=np.float32)
    sent = [encoder.encode(one) for one in frames(sound)]
    recovering, concealing = OpusDecoder(), OpusDecoder()
    for packet in sent[:20]:
        recovering.decode(packet)
        concealing.decode(packet)
    true = OpusDecoder()
    original = [true.decode(packet) for packet in sent][20]
    recovered = recovering.recover(sent[21], 960)
    concealed = concealing.conceal(960)
    assert len(recovered) == len(concealed) == 960
    assert np.abs(recovered - original).mean() < 0.5 * np.abs(concealed - original).mean()


def test_silence_is_sent_too_because_dtx_is_off() -> None:
    encoder = OpusEncoder(24_000, loss_percent=10)
    sizes = [len(encoder.encode(np.zeros(960, np.float32))) for _ in range(100)]
    assert min(sizes) > 2


def test_a_packets_length_is_read_from_its_own_header() -> None:
    encoder = OpusEncoder(24_000)
    for samples in (480, 960, 1_920, 2_880):
        assert packet_samples(encoder.encode(np.zeros(samples, np.float32))) == samples


def test_what_is_no_packet_is_refused() -> None:
    for packet in (b"", b"\x03", b"\xff"):
        with pytest.raises(OpusError):
            packet_samples(packet)
        with pytest.raises(OpusError):
            OpusDecoder().decode(packet)


def test_random_bytes_never_do_harm() -> None:
    chance, decoder = np.random.default_rng(1), OpusDecoder()
    for _ in range(2_000):
        packet = chance.bytes(int(chance.integers(1, 200)))
        try:
            assert len(decoder.decode(packet)) <= 5_760
            assert len(decoder.recover(packet, 960)) == 960
        except OpusError:
            pass


def test_an_odd_frame_length_is_an_error() -> None:
    with pytest.raises(OpusError):
        OpusEncoder(24_000).encode(np.zeros(961, np.float32))
    with pytest.raises(OpusError):
        OpusDecoder().conceal(961)


def test_conversions_clip_and_keep_the_scale() -> None:
    assert as_int16(np.array([0, 1, -1, 3, -3], np.float32)).tolist() == [
        0, 32767, -32767, 32767, -32768,
    ]  # fmt: skip
    assert as_float(np.array([-32768, 16384], np.int16)).tolist() == [-1.0, 0.5]


def test_an_encoder_that_is_reset_starts_anew() -> None:
    one, other = OpusEncoder(24_000), OpusEncoder(24_000)
    for frame in frames(tone(440, 0.2)):
        one.encode(frame)
    one.reset()
    first = tone(700, 0.02)
    assert one.encode(first) == other.encode(first)
