"""DeLong: against the definition over all pairs, against chance, and as laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from konio.errors import RecordError
from konio.metrics import roc_auc
from konio.significance import delong_interval, delong_test


def by_definition(truth: np.ndarray, scores: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """DeLong 1988, equations 3 to 7: every positive case against every negative one."""
    won, lost = [], []
    for score in scores:
        gap = score[truth][:, None] - score[~truth][None, :]
        kernel = (gap > 0) + 0.5 * (gap == 0)
        won.append(kernel.mean(axis=1))
        lost.append(kernel.mean(axis=0))
    covariance = np.cov(won) / truth.sum() + np.cov(lost) / (~truth).sum()
    return np.array([w.mean() for w in won]), covariance


def made(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.ones(12, bool), np.zeros(15, bool)])
    first = np.round(rng.normal(0, 1, 27) + truth, 1)
    second = np.round(first / 2 + rng.normal(0, 1, 27) + truth / 2, 1)
    return truth, first, second


@given(st.integers(0, 2**32 - 1))
def test_equal_to_the_definition(seed):
    truth, first, second = made(seed)
    areas, covariance = by_definition(truth, [first, second])
    found = delong_test(truth, first, second)
    assert (found.first, found.second) == pytest.approx(tuple(areas))
    assert found.first == pytest.approx(roc_auc(truth, first))
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.z == pytest.approx((areas[0] - areas[1]) / error)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.z)))
    alone = delong_interval(truth, first)
    half = 1.959964 * math.sqrt(covariance[0, 0])
    assert alone.low == pytest.approx(max(0, areas[0] - half))
    assert alone.high == pytest.approx(min(1, areas[0] + half))


def test_small_example_by_hand():
    # positives 3 and 1, negatives 2 and 0: wins per positive 1 and 1/2, per negative 1/2 and 1
    found = delong_interval([1, 1, 0, 0], [3, 1, 2, 0])
    variance = 0.125 / 2 + 0.125 / 2
    assert found.estimate == 0.75
    assert found.low == pytest.approx(0.75 - 1.959964 * math.sqrt(variance))
    assert found.high == 1.0


def test_swapping_the_methods_turns_the_sign():
    truth, first, second = made(1)
    one, other = delong_test(truth, first, second), delong_test(truth, second, first)
    assert one.z == pytest.approx(-other.z)
    assert one.p == pytest.approx(other.p)
    assert one.difference.low == pytest.approx(-other.difference.high)


def test_the_same_score_twice():
    truth, first, _ = made(2)
    found = delong_test(truth, first, first)
    assert (found.z, found.p, found.difference) == (0.0, 1.0, (0.0, 0.0, 0.0))


def test_p_values_are_uniform_where_nothing_differs():
    rng = np.random.default_rng(8)
    truth = np.arange(80) < 40
    values = []
    for _ in range(200):
        common = rng.normal(0, 1, 80) + truth
        values.append(delong_test(truth, *(common + rng.normal(0, 1, (2, 80)))).p)
    assert stats.kstest(values, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("truth", "score"), [([1, 0, 0], [1, 2, 3]), ([1, 1, 0, 0], [1, 2, 3])])
def test_too_few_cases_are_refused(truth, score):
    with pytest.raises(RecordError, match=";"):
        delong_interval(truth, score)
