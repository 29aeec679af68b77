"""Exposure, low-pass and noise: laws that do not depend on the person."""

from __future__ import annotations

import numpy as np
import pytest

from konio.phantom.physics import TUBES, Detector, expose, primary
from konio.phantom.smooth import low_pass, power_noise, resample


def test_nothing_in_the_beam_weakens_nothing() -> None:
    empty = np.zeros((4, 4), np.float32)
    for tube in TUBES.values():
        np.testing.assert_allclose(primary(empty, empty, tube), 1.0, rtol=1e-6)


def test_more_tissue_weakens_more_and_hardens_the_beam() -> None:
    depth = np.linspace(0, 300, 7, dtype=np.float32)[None]
    signal = -np.log(primary(depth, np.zeros_like(depth), TUBES["120kV"]))
    steps = np.diff(signal[0])
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_bone_weakens_more_than_soft_tissue_and_most_at_low_voltage() -> None:
    zero, ten = np.zeros((1, 1), np.float32), np.full((1, 1), 10, np.float32)
    for tube in TUBES.values():
        assert primary(zero, ten, tube)[0, 0] < primary(ten, zero, tube)[0, 0]
    ratio = [primary(zero, ten, t)[0, 0] / primary(ten, zero, t)[0, 0] for t in TUBES.values()]
    assert ratio[1] < ratio[0]


def test_noise_falls_with_dose() -> None:
    soft = np.full((96, 96), 120, np.float32)
    bone, lungs = np.zeros_like(soft), np.ones(soft.shape, bool)
    spread = [
        float(expose(np.random.default_rng(0), soft, bone, lungs, 0.84, Detector(quanta=q)).std())
        for q in (10_000, 40_000)
    ]
    assert spread[0] / spread[1] == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("size", [96, 101, 192])
@pytest.mark.parametrize("sigma", [0.2, 0.9, 3.0, 14.0])
def test_a_low_pass_keeps_a_constant_and_the_mean(size: int, sigma: float) -> None:
    np.testing.assert_allclose(low_pass(np.full((size, size), 3, np.float32), sigma), 3, rtol=1e-5)
    spot = np.zeros((size, size), np.float32)
    spot[size // 2, size // 2] = 1
    blurred = low_pass(spot, sigma)
    assert blurred.sum() == pytest.approx(1, rel=0.02)
    if sigma in (0.9, 3.0):
        grid = np.arange(size) - size // 2
        assert (blurred.sum(0) * grid**2).sum() == pytest.approx(sigma**2, rel=0.05)


def test_resampling_keeps_a_ramp() -> None:
    ramp = np.tile(np.arange(64, dtype=np.float32), (64, 1))
    fine = resample(ramp, 128)
    wanted = (np.arange(128) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(fine[60, 6:-6], wanted[6:-6], atol=1e-3)


def test_noise_has_unit_variance_and_only_its_band() -> None:
    noise = power_noise(np.random.default_rng(0), 512, 0.84, (6, 60), 3.0)
    assert noise.std() == pytest.approx(1, rel=0.05)
    power = np.abs(np.fft.rfft2(noise)) ** 2
    f = np.hypot(np.fft.fftfreq(512, 0.84)[:, None], np.fft.rfftfreq(512, 0.84)[None])
    assert power[f > 1 / 4].sum() < 0.01 * power.sum()
    assert power[f < 1 / 90].sum() < 0.01 * power.sum()
