"""ROC curves and areas against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from konio.errors import RecordError
from konio.metrics import hand_till_auc, one_vs_rest_auc, roc_auc, roc_curve

TRUTH = [1, 1, 0, 1, 0, 0]
SCORE = [0.9, 0.8, 0.8, 0.4, 0.3, 0.2]  # 9 pairs: 7 won, 1 tied, 1 lost


@st.composite
def ranked(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    truth = [0, 1, *draw(st.lists(st.integers(0, 1), max_size=30))]
    coarse = st.integers(0, 8).map(lambda k: k / 8)
    return truth, draw(st.lists(coarse, min_size=len(truth), max_size=len(truth)))


def test_by_hand():
    assert roc_auc(TRUTH, SCORE) == pytest.approx(7.5 / 9)
    fpr, tpr, thresholds = roc_curve(TRUTH, SCORE)
    assert fpr == pytest.approx([0, 0, 1 / 3, 1 / 3, 2 / 3, 1])
    assert tpr == pytest.approx([0, 1 / 3, 2 / 3, 1, 1, 1])
    assert thresholds.tolist() == [np.inf, 0.9, 0.8, 0.4, 0.3, 0.2]


@given(ranked())
def test_equal_to_scikit_learn_and_to_the_area_of_the_curve(pair):
    truth, score = pair
    fpr, tpr, thresholds = roc_curve(truth, score)
    other = sk.roc_curve(truth, score, drop_intermediate=False)
    assert fpr == pytest.approx(other[0])
    assert tpr == pytest.approx(other[1])
    assert thresholds.tolist() == other[2].tolist()
    assert roc_auc(truth, score) == pytest.approx(sk.roc_auc_score(truth, score))
    assert np.trapezoid(tpr, fpr) == pytest.approx(roc_auc(truth, score))


@given(ranked())
def test_turning_the_truth_turns_the_area_and_order_alone_counts(pair):
    truth, score = pair
    area = roc_auc(truth, score)
    assert roc_auc([1 - t for t in truth], score) == pytest.approx(1 - area)
    assert roc_auc(truth, [np.expm1(3 * s) for s in score]) == pytest.approx(area)


@given(st.integers(0, 2**32 - 1))
def test_several_classes_equal_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(4), rng.integers(0, 4, 20)])
    table = rng.dirichlet(np.ones(4), len(truth))
    each = one_vs_rest_auc(truth, table)
    assert each.mean() == pytest.approx(sk.roc_auc_score(truth, table, multi_class="ovr"))
    ovo = sk.roc_auc_score(truth, table, multi_class="ovo", average="macro")
    assert hand_till_auc(truth, table) == pytest.approx(ovo)


def test_one_kind_of_case_only_has_no_area():
    assert np.isnan(roc_auc([1, 1], [0.1, 0.2]))
    fpr, tpr, _ = roc_curve([1, 1], [0.1, 0.2])
    assert np.isnan(fpr).all()
    assert tpr.tolist() == [0, 0.5, 1]
    assert np.isnan(one_vs_rest_auc([0, 1], np.eye(3)[:2])[2])


@pytest.mark.parametrize(("truth", "score"), [([0, 1], [0.5]), ([0, 1], [0.5, np.nan])])
def test_what_cannot_be_ranked_is_refused(truth, score):
    with pytest.raises(RecordError, match=";"):
        roc_auc(truth, score)
