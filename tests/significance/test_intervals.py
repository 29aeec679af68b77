"""Intervals against SciPy, printed tables and the anchors of the papers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from konio.errors import RecordError
from konio.metrics import roc_curve
from konio.significance import (
    fold_interval,
    nadeau_bengio_factor,
    nadeau_bengio_interval,
    nadeau_bengio_p,
    roc_band,
    t_interval,
    two_sided_p,
    wilson,
)

TEN = [0.91, 0.89, 0.93, 0.90, 0.92, 0.88, 0.94, 0.91, 0.90, 0.92]


@pytest.mark.parametrize(
    ("t", "p"),
    [(0.359, 0.7215), (3.26, 0.00232), (3.30, 0.00207)],  # dossier section 5: 40 seeds
)
def test_anchors_of_paper_a(t, p):
    assert two_sided_p(t, 39) == pytest.approx(p, rel=2.5e-3)
    assert two_sided_p(-t, 39) == two_sided_p(t, 39)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)  # fmt: skip
def test_wilson_printed_values(hits, of, low, high):
    # 81 of 263: Newcombe RG, Statistics in Medicine 1998;17:857-872, table I
    interval = wilson(hits, of)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 400), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(of, data, confidence):
    hits = data.draw(st.integers(0, of))
    found = wilson(hits, of, confidence)
    theirs = stats.binomtest(hits, of).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= found.low <= found.estimate <= found.high <= 1


def test_thirty_cases_of_a_stage_leave_fifteen_points_of_doubt():
    found = wilson(24, 30)  # dossier section 5, S14: +-14-15 pp on sensitivity
    assert 0.13 < (found.high - found.low) / 2 < 0.15


def test_t_interval_equals_scipy():
    low, high = stats.t.interval(0.95, 9, np.mean(TEN), stats.sem(TEN))
    assert t_interval(TEN) == pytest.approx((np.mean(TEN), low, high))
    assert fold_interval(TEN) == t_interval(TEN)


def test_nadeau_bengio_is_wider_by_its_factor():
    assert nadeau_bengio_factor(10, 1 / 9) == pytest.approx(1.4530, abs=5e-5)
    plain, corrected = fold_interval(TEN), nadeau_bengio_interval(TEN, 1 / 9)
    assert (corrected.high - corrected.low) / (plain.high - plain.low) == pytest.approx(
        nadeau_bengio_factor(10, 1 / 9)
    )


def test_nadeau_bengio_p_is_that_of_the_shrunken_t():
    t, _ = stats.ttest_1samp(TEN, 0.9)
    shifted = np.array(TEN) - 0.9
    expected = 2 * stats.t.sf(abs(t) / nadeau_bengio_factor(10, 1 / 9), 9)
    assert nadeau_bengio_p(shifted, 1 / 9) == pytest.approx(expected)
    assert nadeau_bengio_p(shifted, 1 / 9) > stats.ttest_1samp(TEN, 0.9).pvalue
    assert nadeau_bengio_p([0.0, 0.0], 1 / 9) == 1
    assert nadeau_bengio_p([0.5, 0.5], 1 / 9) == 0


def test_roc_band_runs_through_the_mean_of_the_folds():
    step = (np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]))  # area 1
    chance = (np.array([0.0, 1.0]), np.array([0.0, 1.0]))  # area 1/2
    band = roc_band([step, chance], points=11)
    assert band.auc.estimate == pytest.approx(0.75)
    assert band.tpr[5] == pytest.approx((1 + 0.5) / 2)
    assert (band.tpr[0], band.tpr[-1]) == (0, 1)
    assert (band.low >= 0).all()
    assert (band.high <= 1).all()


def test_roc_band_of_equal_folds_has_no_width():
    fpr, tpr, _ = roc_curve([1, 0, 1, 0], [0.9, 0.7, 0.6, 0.2])
    band = roc_band([(fpr, tpr)] * 3)
    assert band.low == pytest.approx(band.high)
    assert len(band.fpr) == 101


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: wilson(3, 2),
        lambda: wilson(0, 0),
        lambda: wilson(1, 2, confidence=1.0),
        lambda: t_interval([0.5]),
        lambda: t_interval([0.5, float("nan")]),
        lambda: t_interval([[0.5, 0.6]]),
    ],
)
def test_what_is_no_sample_is_refused(wrong):
    with pytest.raises(RecordError, match=";"):
        wrong()
