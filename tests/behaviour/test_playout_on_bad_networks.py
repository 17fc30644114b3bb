"""A speaker on a bad network, through real libopus, under virtual time."""

from __future__ import annotations

import random

import numpy as np
import pytest

from support.bad_network import (
    Sent,
    babble,
    bursty_loss,
    packets,
    play,
    random_loss,
    strength,
    strongest_hertz,
    tone,
)

THRESHOLD = 0.3 / np.sqrt(2) / 10  # 20 dB below the tone


@pytest.mark.parametrize("seed", range(5))
def test_five_percent_of_random_loss_leaves_no_silence_longer_than_60_ms(seed: int) -> None:
    sent = packets(tone(440, 20))
    heard = play(sent, lost=random_loss(0.05, seed))
    assert heard.playout.lost_total >= 25
    assert max(heard.silences_ms(THRESHOLD), default=0) <= 60
    assert heard.depths[-1] <= heard.playout.target + 960


@pytest.mark.parametrize("seed", range(5))
def test_two_percent_of_bursty_loss_leaves_no_silence_longer_than_60_ms(seed: int) -> None:
    sent = packets(tone(440, 20))
    heard = play(sent, lost=bursty_loss(0.02, seed=seed))
    assert heard.playout.lost_total >= 5
    assert max(heard.silences_ms(THRESHOLD), default=0) <= 60
    assert heard.depths[-1] <= heard.playout.target + 960


def test_single_losses_are_repaired_by_fec_not_guessed() -> None:
    sent = packets(babble(20))
    heard = play(sent, lost=lambda one: one.sequence % 20 == 0)
    counts = heard.playout.counts
    assert counts.recovered == heard.playout.lost_total >= 45
    assert counts.concealed == 0


def test_what_fec_repairs_is_heard() -> None:
    heard = play(packets(tone(440, 20)), lost=lambda one: one.sequence % 20 == 0)
    assert heard.playout.counts.recovered >= 45
    assert max(heard.silences_ms(THRESHOLD), default=0) < 20, "a lost packet would be 20 ms"


def test_loss_adds_no_lasting_delay() -> None:
    sent = packets(babble(30))
    clean = play(sent)
    lossy = play(sent, lost=lambda one: one.at_s < 15 and random_loss(0.1, one.sequence)(one))
    assert np.median(lossy.depths[-250:]) <= np.median(clean.depths[-250:]) + 960


@pytest.mark.parametrize("ppm", [100, -100, 400, -400])
def test_drift_is_followed_in_the_pauses_and_never_heard(ppm: int) -> None:
    seconds = 60
    sent = packets(babble(seconds), ppm=ppm)
    heard = play(sent, ticks=int(seconds / 0.02) - 20)
    counts = heard.playout.counts
    assert counts.concealed <= 2
    assert heard.depths[-1] <= heard.playout.target + 2 * 960
    assert counts.skipped_samples - counts.inserted_samples == pytest.approx(
        seconds * 48_000 * ppm / 1e6, abs=2 * 960
    )


def test_a_continuous_tone_survives_drift_without_silence() -> None:
    for ppm in (100, -100):
        heard = play(packets(tone(440, 60), ppm=ppm), ticks=2950)
        assert max(heard.silences_ms(THRESHOLD), default=0) <= 20
        assert heard.depths[-1] <= heard.playout.target + 6 * 960


def test_a_burst_at_the_start_is_skipped_not_queued() -> None:
    sent = packets(tone(440, 10))
    # The first two seconds all come at once, as from a publisher that had been held up.
    heard = play(sent, delay_s=lambda one: 0.03 + max(0.0, 2 - one.at_s))
    assert max(heard.depths[150:]) <= heard.playout.target + 2 * 960


def test_a_stall_of_the_network_adds_no_lasting_delay() -> None:
    sent = packets(babble(20))

    def delay(one: Sent) -> float:
        return 0.03 + (max(0.0, 5.4 - one.at_s) if 5 <= one.at_s < 5.4 else 0)

    heard = play(sent, delay_s=delay)
    assert max(heard.depths[-250:]) <= heard.playout.target + 2 * 960


def test_jitter_deepens_the_buffer_until_hardly_anything_is_late() -> None:
    chance = random.Random(3)
    delays = {n: 0.02 + chance.random() * 0.16 for n in range(0x10000)}
    sent = packets(babble(60))
    heard = play(sent, delay_s=lambda one: delays[one.sequence])
    first = play(sent[:1000], delay_s=lambda one: delays[one.sequence]).playout.counts
    counts = heard.playout.counts
    assert 3 * 960 < np.median(heard.depths) <= 10 * 960
    assert counts.late + counts.recovered + counts.concealed - (
        first.late + first.recovered + first.concealed
    ) <= 0.02 * len(sent)


@pytest.mark.parametrize("packet_ms", [10, 20, 40, 60])
def test_packets_of_every_length_play_without_a_gap(packet_ms: int) -> None:
    heard = play(packets(tone(440, 5), packet_ms=packet_ms))
    assert strongest_hertz(heard.sound[48_000:144_000]) == pytest.approx(440, abs=1)
    assert heard.playout.counts.concealed == 0
    assert max(heard.silences_ms(THRESHOLD), default=0) <= 10  # the codec itself dips once
    lossy = play(packets(tone(440, 20), packet_ms=packet_ms), lost=random_loss(0.03))
    assert max(lossy.silences_ms(THRESHOLD), default=0) <= 60


def test_reordered_and_doubled_packets_are_put_right() -> None:
    chance = random.Random(5)
    sent = packets(tone(440, 10))
    doubled = [one for one in sent for _ in range(2)]
    delays = [0.03 + chance.choice([0, 0, 0.025]) for _ in doubled]
    heard = play(doubled, delay_s=lambda one: delays[one.sequence % len(delays)])
    assert heard.playout.counts.duplicate + heard.playout.counts.late >= len(sent) - 5
    assert heard.silences_ms(THRESHOLD) == []


def test_a_sender_that_stops_fades_out_and_one_that_returns_is_heard_at_once() -> None:
    sent = packets(tone(440, 10))
    heard = play(sent, lost=lambda one: 4 < one.at_s < 6)
    silence = max(heard.silences_ms(THRESHOLD))
    assert 1_700 <= silence <= 2_000
    assert strength(heard.sound[-96_000:], 440) == pytest.approx(0.3, rel=0.1)
    assert heard.depths[-1] <= heard.playout.target + 960


def test_dtx_is_a_pause_not_a_loss() -> None:
    sound = babble(20)
    # Drop every packet of a pause but renumber what is left: that is what DTX looks like.
    kept, number = [], 0
    for one, start in zip(packets(sound), range(0, len(sound), 960), strict=False):
        if np.abs(sound[start : start + 960]).max() > 1e-4 or one.sequence % 20 == 0:
            kept.append(Sent(one.at_s, (65_500 + number) & 0xFFFF, one.timestamp, one.payload))
            number += 1
    assert len(kept) < 0.8 * 1000
    heard = play(kept, ticks=980)
    assert heard.playout.lost_total == 0
    assert heard.playout.counts.skipped_samples <= 2 * 960
