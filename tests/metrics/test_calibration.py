"""Calibration: tables by hand, laws, and a temperature that is found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from konio.errors import RecordError
from konio.metrics import (
    brier_loss,
    expected_calibration_error,
    fit_temperature,
    log_loss,
    reliability,
    softmax,
)

seeds = st.integers(0, 2**32 - 1)


def made(seed: int, cases: int = 400, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true probability of each class, and labels drawn from it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (cases, classes))
    chance = softmax(logits)
    labels = np.array([rng.choice(classes, p=row) for row in chance])
    return logits, labels


def test_reliability_by_hand():
    table = [[0.95, 0.05], [0.9, 0.1], [0.3, 0.7], [0.35, 0.65], [0.5, 0.5]]
    diagram = reliability(table, [0, 1, 1, 1, 0], bins=2)  # bins (0, .5] and (.5, 1]
    assert diagram.count.tolist() == [1, 4]
    assert diagram.confidence == pytest.approx([0.5, (0.95 + 0.9 + 0.7 + 0.65) / 4])
    assert diagram.accuracy == pytest.approx([1.0, 0.75])
    ece = expected_calibration_error(table, [0, 1, 1, 1, 0], bins=2)
    assert ece == pytest.approx((1 * 0.5 + 4 * abs(0.75 - 0.8)) / 5)


def test_adaptive_bins_hold_equally_many_cases():
    logits, labels = made(0, cases=60)
    assert reliability(softmax(logits), labels, 15, adaptive=True).count.tolist() == [4] * 15


@pytest.mark.parametrize("adaptive", [False, True])
def test_error_at_its_ends(adaptive):
    sure_and_right = np.eye(3)
    assert expected_calibration_error(sure_and_right, [0, 1, 2], adaptive=adaptive) == 0
    assert expected_calibration_error(sure_and_right, [1, 2, 0], adaptive=adaptive) == 1


def test_brier_by_hand():
    assert brier_loss([[0.7, 0.3], [0.2, 0.8]], [0, 0]) == pytest.approx(
        ((0.3**2 + 0.3**2) + (0.8**2 + 0.8**2)) / 2
    )


@given(seeds)
def test_losses_equal_scikit_learn(seed):
    logits, labels = made(seed, cases=30)
    chance = softmax(logits)
    assert chance.sum(axis=1) == pytest.approx(np.ones(30))
    expected = sk.log_loss(labels, chance, labels=[0, 1, 2])
    assert log_loss(logits, labels) == pytest.approx(expected)
    by_class = [sk.brier_score_loss(labels == k, chance[:, k], pos_label=True) for k in range(3)]
    assert brier_loss(chance, labels) == pytest.approx(sum(by_class))


@pytest.mark.parametrize("too_sure", [0.25, 1.0, 4.0])
def test_temperature_is_found_again(too_sure):
    logits, labels = made(11, cases=4000)
    found = fit_temperature(logits * too_sure, labels)
    assert found == pytest.approx(too_sure, rel=0.1)
    assert log_loss(logits * too_sure, labels, found) <= log_loss(logits * too_sure, labels)


def test_fitted_temperature_is_the_lowest_point():
    logits, labels = made(3)
    found = fit_temperature(logits, labels)
    best = log_loss(logits, labels, found)
    for other in (0.9 * found, 1.1 * found):
        assert best < log_loss(logits, labels, other)


def test_perfectly_parted_cases_keep_the_temperature_bounded():
    assert 0.05 <= fit_temperature(np.eye(3) * 5, [0, 1, 2]) < 0.2
    assert 19 < fit_temperature(np.eye(3) * 5, [1, 2, 0]) <= 20


def test_huge_logits_stay_finite():
    assert softmax([[1e6, 0.0]]).tolist() == [[1.0, 0.0]]
    assert np.isfinite(log_loss([[1e6, 0.0]], [1]))


@pytest.mark.parametrize(
    ("table", "truth"), [([[1.0, 0.0]], [0, 1]), ([[1.0, 0.0]], [-1]), ([[1.0, 0.0]], [2])]
)
def test_what_does_not_fit_is_refused(table, truth):
    with pytest.raises(RecordError, match=";"):
        brier_loss(table, truth)
