"""Counts and rates against scikit-learn, by hand, and as laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from konio.errors import RecordError
from konio.metrics import (
    accuracy,
    balanced_accuracy,
    class_scores,
    confusion,
    macro_f1,
    macro_precision,
    macro_recall,
    macro_specificity,
    matthews_correlation,
    off_by_two_rate,
    ordinal_mae,
    over_rate,
    quadratic_weighted_kappa,
    relative_gain,
    under_rate,
    weighted_f1,
)

CLASSES = 4
#: Rows truth, columns prediction; every figure below is worked out by hand from it.
BY_HAND = np.array([[8, 2, 0, 0], [1, 6, 3, 0], [0, 2, 7, 1], [1, 0, 2, 7]])


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Truth with every class present, and a prediction of each case."""
    truth = [*range(CLASSES), *draw(st.lists(st.integers(0, CLASSES - 1), max_size=40))]
    size = st.lists(st.integers(0, CLASSES - 1), min_size=len(truth), max_size=len(truth))
    return truth, draw(size)


def test_by_hand():
    scores = class_scores(BY_HAND)
    assert accuracy(BY_HAND) == pytest.approx(28 / 40)
    assert scores.recall == pytest.approx([0.8, 0.6, 0.7, 0.7])
    assert scores.precision == pytest.approx([0.8, 0.6, 7 / 12, 7 / 8])
    assert scores.specificity == pytest.approx([28 / 30, 26 / 30, 25 / 30, 29 / 30])
    assert scores.f1 == pytest.approx([0.8, 0.6, 14 / 22, 14 / 18])
    assert macro_recall(BY_HAND) == pytest.approx(0.7)
    assert macro_f1(BY_HAND) == pytest.approx((0.8 + 0.6 + 14 / 22 + 14 / 18) / 4)
    assert macro_specificity(BY_HAND) == pytest.approx(0.9)
    assert under_rate(BY_HAND) == pytest.approx(6 / 40)
    assert over_rate(BY_HAND) == pytest.approx(6 / 40)
    assert off_by_two_rate(BY_HAND) == pytest.approx(1 / 40)
    assert ordinal_mae(BY_HAND) == pytest.approx((11 + 3) / 40)
    # margins 10 each by row, 10 10 12 8 by column; sum w E = 10/40 * (14*10 + 6*10 + 6*12 + 14*8)
    assert quadratic_weighted_kappa(BY_HAND) == pytest.approx(1 - (11 + 9) / 96)


@given(answers())
def test_equal_to_scikit_learn(pair):
    truth, predicted = pair
    matrix = confusion(truth, predicted, CLASSES)
    labels = list(range(CLASSES))
    assert matrix.tolist() == sk.confusion_matrix(truth, predicted, labels=labels).tolist()
    p, r, f, n = sk.precision_recall_fscore_support(
        truth, predicted, labels=labels, zero_division=0
    )
    scores = class_scores(matrix)
    assert scores.precision == pytest.approx(p)
    assert scores.recall == pytest.approx(r)
    assert scores.f1 == pytest.approx(f)
    assert scores.support.tolist() == n.tolist()
    assert macro_precision(matrix) == pytest.approx(p.mean())
    assert macro_f1(matrix) == pytest.approx(f.mean())
    assert balanced_accuracy(matrix) == pytest.approx(sk.balanced_accuracy_score(truth, predicted))
    assert accuracy(matrix) == pytest.approx(sk.accuracy_score(truth, predicted))
    kappa = sk.cohen_kappa_score(truth, predicted, weights="quadratic", labels=labels)
    assert quadratic_weighted_kappa(matrix) == pytest.approx(kappa)
    assert ordinal_mae(matrix) == pytest.approx(sk.mean_absolute_error(truth, predicted))


@given(answers())
def test_turning_the_scale_around_swaps_under_and_over(pair):
    truth, predicted = pair
    matrix = confusion(truth, predicted, CLASSES)
    turned = matrix[::-1, ::-1]
    assert under_rate(matrix) == pytest.approx(over_rate(turned))
    assert accuracy(matrix) + under_rate(matrix) + over_rate(matrix) == pytest.approx(1)
    assert quadratic_weighted_kappa(turned) == pytest.approx(quadratic_weighted_kappa(matrix))


@pytest.mark.parametrize(
    ("matrix", "kappa"),
    [
        (np.diag([3, 4, 5]), 1.0),
        (np.array([[0, 5], [5, 0]]), -1.0),
        (np.array([[4, 4], [4, 4]]), 0.0),
        (np.array([[9, 0], [0, 0]]), float("nan")),
        (np.zeros((2, 2), dtype=int), float("nan")),
    ],
)
def test_kappa_at_its_ends(matrix, kappa):
    assert quadratic_weighted_kappa(matrix) == pytest.approx(kappa, nan_ok=True)


def test_a_class_that_is_never_predicted_is_flagged_and_one_that_never_occurs_is_left_out():
    scores = class_scores(np.array([[5, 0, 1], [2, 0, 0], [0, 0, 0]]))
    assert scores.precision.tolist() == [5 / 7, 0.0, 0.0]
    assert scores.never_predicted.tolist() == [False, True, False]
    assert np.isnan(scores.recall[2])
    assert np.isnan(scores.f1[2])
    matrix = np.array([[5, 0, 1], [2, 0, 0], [0, 0, 0]])
    assert macro_recall(matrix) == pytest.approx((5 / 6 + 0) / 2)


def test_nothing_gives_nan_everywhere():
    empty = confusion([], [], 3)
    for score in (accuracy, macro_f1, macro_recall, ordinal_mae, under_rate, over_rate):
        assert np.isnan(score(empty))


@pytest.mark.parametrize(
    ("truth", "predicted"), [([0, 1], [0]), ([-1, 0], [0, 0]), ([0], [3]), ([[0]], [[0]])]
)
def test_missing_labels_and_uneven_lists_are_refused(truth, predicted):
    with pytest.raises(RecordError, match=";"):
        confusion(truth, predicted, 3)


@given(answers())
def test_matthews_and_weighted_f1_equal_scikit_learn(pair):
    truth, predicted = pair
    matrix = confusion(truth, predicted, CLASSES)
    assert matthews_correlation(matrix) == pytest.approx(sk.matthews_corrcoef(truth, predicted))
    theirs = sk.f1_score(truth, predicted, average="weighted", zero_division=0)
    assert weighted_f1(matrix) == pytest.approx(theirs)


def test_relative_gain_by_hand():
    new, old = {"a": 0.9, "loss": 0.3}, {"a": 0.8, "loss": 0.4}
    assert relative_gain(new, old, losses=["loss"]) == pytest.approx((0.1 / 0.8 + 0.1 / 0.4) / 2)
    assert relative_gain(old, old) == 0
    for wrong in ({"a": 1.0}, {"a": 0.0, "loss": 1.0}):
        with pytest.raises(RecordError, match="same names"):
            relative_gain(new, wrong)


def test_constant_answers_correlate_with_nothing():
    assert matthews_correlation(np.array([[5, 0], [3, 0]])) == 0
    assert np.isnan(matthews_correlation(np.zeros((2, 2), dtype=int)))
    assert np.isnan(weighted_f1(np.zeros((2, 2), dtype=int)))
