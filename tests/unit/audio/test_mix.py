"""Mix, limiter and voice: who hears whom, how loud, and never above the ceiling."""

from __future__ import annotations

import numpy as np
import pyebur128
import pytest

from stentor.audio.limiter import CEILING, Limiter, block_peaks
from stentor.audio.mix import Mixer
from stentor.audio.voice import GAIN_DB_MAX, TARGET_LUFS, Voice, level_db
from support.bad_network import Pcm, babble, strength, tone


def frames(sound: Pcm) -> list[Pcm]:
    return [sound[at : at + 960] for at in range(0, len(sound) - 959, 960)]


def test_each_hears_the_others_and_not_themselves() -> None:
    mixer = Mixer()
    sounds = {"a": tone(400, 1, 0.1), "b": tone(700, 1, 0.1), "c": tone(1_100, 1, 0.1)}
    full, own = [], {seat: [] for seat in sounds}
    for trio in zip(*(frames(sound) for sound in sounds.values()), strict=True):
        whole, without = mixer.mix(dict(zip(sounds, trio, strict=True)))
        full.append(whole)
        for seat, mix in without.items():
            own[seat].append(mix)
    everything = np.concatenate(full)
    for seat, hertz in (("a", 400), ("b", 700), ("c", 1_100)):
        heard = np.concatenate(own[seat])
        assert strength(everything, hertz) == pytest.approx(0.1, rel=0.05)
        assert strength(heard, hertz) < 0.001
        assert sum(strength(heard, one) > 0.09 for one in (400, 700, 1_100)) == 2


def test_whoever_speaks_alone_hears_nothing_and_nobody_is_silence() -> None:
    mixer = Mixer()
    _full, without = mixer.mix({"a": tone(400, 0.02)})
    assert not without["a"].any()
    mixer.mix({})
    full, without = mixer.mix({})
    assert not full.any()
    assert without == {}


def test_thirteen_shouting_stay_below_the_ceiling_between_samples_too() -> None:
    mixer = Mixer()
    voices = [tone(200 + 137 * n, 2, 0.7) for n in range(13)]
    out = np.concatenate(
        [
            mixer.mix({str(n): frame for n, frame in enumerate(together)})[0]
            for together in zip(*(frames(voice) for voice in voices), strict=True)
        ]
    )
    meter = pyebur128.R128State(1, 48_000, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    meter.add_frames(np.ascontiguousarray(out), len(out))
    assert 20 * np.log10(pyebur128.get_true_peak(meter, 0)) <= -1.4
    assert np.abs(out).max() <= CEILING + 1e-6


def test_an_attack_out_of_silence_is_caught() -> None:
    limiter = Limiter()
    out = [limiter.process(np.zeros(960, np.float32))]
    out += [limiter.process(one) for one in frames(tone(1_000, 0.2, 3.0))]
    assert np.abs(np.concatenate(out)).max() <= CEILING + 1e-6


def test_what_is_below_the_ceiling_passes_unchanged_five_ms_later() -> None:
    limiter, sound = Limiter(), tone(440, 0.2, 0.5)
    out = np.concatenate([limiter.process(one) for one in frames(sound)])
    assert np.array_equal(out[240:], sound[: len(out) - 240])


def test_peaks_between_samples_are_seen() -> None:
    # A quarter of the rate, sampled 45° off its crests: true peak 3 dB above the samples.
    time = np.arange(960)
    sound = (0.8 * np.sin(np.pi / 2 * time + np.pi / 4)).astype(np.float32)
    assert np.abs(sound).max() < 0.57
    assert block_peaks(sound)[1:3].max() == pytest.approx(0.8, rel=0.02)


def loudness(sound: Pcm) -> float:
    meter = pyebur128.R128State(1, 48_000, pyebur128.MeasurementMode.MODE_I)
    meter.add_frames(np.ascontiguousarray(sound), len(sound))
    return float(pyebur128.get_loudness_global(meter))


@pytest.mark.parametrize("factor", [0.4, 5.0])
def test_quiet_and_loud_speakers_are_brought_towards_minus_18_lufs(factor: float) -> None:
    voice = Voice()
    sound = babble(30) * np.float32(factor)
    out = [voice.process(one) for one in frames(sound)]
    whole = np.concatenate([one if one is not None else np.zeros(960, np.float32) for one in out])
    before, after = loudness(sound[-480_000:]), loudness(whole[-480_000:])
    assert abs(before - TARGET_LUFS) > 3
    assert after == pytest.approx(TARGET_LUFS, abs=2)


def test_the_gain_moves_by_3_db_a_second_and_stops_at_12() -> None:
    voice, gains = Voice(), []
    for one in frames(babble(40) * np.float32(0.05)):
        voice.process(one)
        gains.append(voice.gain_db)
    assert np.diff(gains).max() <= 3 / 50 + 1e-6
    assert max(gains) == pytest.approx(GAIN_DB_MAX, abs=0.01)


def test_silence_is_left_out_of_the_mix_and_a_voice_opens_at_once() -> None:
    voice = Voice()
    hiss = (np.random.default_rng(1).standard_normal(960) * 0.0005).astype(np.float32)
    assert voice.process(hiss) is None
    first = voice.process(tone(300, 0.02))
    assert first is not None
    assert level_db(first) > -30
    after = [voice.process(hiss) for _ in range(60)]
    assert after[0] is not None
    assert after[-1] is None


def test_speaking_lights_up_within_100_ms_and_goes_out_within_a_second() -> None:
    voice = Voice()
    lit = []
    for one in frames(np.concatenate([tone(220, 1), np.zeros(96_000, np.float32)])):
        voice.process(one)
        lit.append(voice.speaking)
    assert lit.index(True) <= 5
    assert True not in lit[100:]


def test_a_muted_voice_is_silent_at_once() -> None:
    voice = Voice()
    for one in frames(tone(220, 0.5)):
        voice.process(one)
    voice.silence()
    assert voice.level_db == -120
