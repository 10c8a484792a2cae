import numpy as np
import pytest

from csm_server.resample import upsample

COUNT = 8_000
"""Samples of a tone at 8 kHz: one second."""

EDGE = 100
"""Samples at each end that the silence around the tone may change."""


def tone(hertz, rate, count):
    return np.sin(2 * np.pi * hertz * np.arange(count) / rate + 0.3)


def spectrum(samples):
    """The level in dB of each hertz, where one second is whole; a tone at full scale is 0."""
    window = np.blackman(len(samples))
    return 20 * np.log10(np.abs(np.fft.rfft(samples * window)) / (window.sum() / 2) + 1e-12)


@pytest.mark.parametrize("hertz", [50, 300, 1000, 3400, 3600])
def test_a_tone_keeps_its_level_and_its_place(hertz):
    out = upsample(tone(hertz, 8_000, COUNT).astype(np.float32))
    expected = tone(hertz, 24_000, COUNT * 3)
    assert out.dtype == np.float32
    assert np.abs(out - expected)[EDGE:-EDGE].max() < 1e-3


@pytest.mark.parametrize("hertz", [300, 1000, 3400, 3600])
def test_the_images_of_a_tone_are_60_db_down(hertz):
    levels = spectrum(upsample(tone(hertz, 8_000, COUNT).astype(np.float32)))
    assert len(levels) == 12_001 and abs(levels[hertz]) < 0.1
    assert levels[4_400:].max() < -60


def test_what_does_not_change_stays_as_it_is():
    assert np.abs(upsample(np.full(COUNT, 0.5, dtype=np.float32)) - 0.5)[EDGE:-EDGE].max() < 1e-3


def test_a_click_stays_in_its_place_and_spreads_alike_to_both_sides():
    click = np.zeros(101, dtype=np.float32)
    click[50] = 1
    out = upsample(click)
    assert out.argmax() == 150 and out[150] == 1
    assert np.array_equal(out[:150], out[151:301][::-1])


@pytest.mark.parametrize("count", [0, 1, 2, 7, 46, 47, 1000])
def test_each_sample_becomes_three(count):
    samples = np.random.default_rng(1).uniform(-1, 1, count).astype(np.float32)
    out = upsample(samples)
    assert len(out) == count * 3 and out.dtype == np.float32
    assert np.array_equal(out[::3], samples)
