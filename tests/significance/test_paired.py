"""Paired tests against SciPy, printed examples and hand calculation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from konio.errors import RecordError
from konio.significance import (
    benjamini_hochberg,
    five_by_two_f,
    holm,
    mcnemar,
    nadeau_bengio_p,
    paired_t,
    welch_interval,
    welch_p,
)


def right(both: int, first: int, second: int, neither: int) -> tuple[list[bool], list[bool]]:
    pairs = (
        [(True, True)] * both + [(True, False)] * first + [(False, True)] * second
        + [(False, False)] * neither
    )  # fmt: skip
    return [a for a, _ in pairs], [b for _, b in pairs]


def test_paired_t_equals_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.94, 0.008, 40), rng.normal(0.90, 0.007, 40)
    found, theirs = paired_t(a, b), stats.ttest_rel(a, b)
    assert (found.t, found.p, found.df) == pytest.approx((theirs.statistic, theirs.pvalue, 39))
    interval = theirs.confidence_interval(0.95)
    assert found.difference[1:] == pytest.approx((interval.low, interval.high))
    assert found.cohen_dz == pytest.approx(found.t / math.sqrt(40))
    assert welch_p(a, b) == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


def test_paper_a_implies_its_spread_of_differences():
    # table 4: accuracy 94.13 - 90.03 with t = 22.54 over 40 seeds implies a spread of 1.15 points
    spread = (94.13 - 90.03) * math.sqrt(40) / 22.54
    assert spread == pytest.approx(1.15, abs=0.005)
    pattern = np.resize([-1.0, 1.0], 40)
    differences = 4.10 + spread * pattern / pattern.std(ddof=1)
    found = paired_t(90 + differences, np.full(40, 90.0))
    assert found.t == pytest.approx(22.54, abs=0.005)
    assert found.sd == pytest.approx(spread)
    assert found.p < 0.001


def test_equal_runs():
    assert paired_t([1, 2], [1, 2]).p == 1
    assert paired_t([1, 2], [0, 1]).t == math.inf
    assert paired_t([0, 1], [1, 2]).p == 0


@pytest.mark.parametrize("many", [2, 3, 40])
def test_scores_that_never_vary_have_a_defined_result_and_warn_of_nothing(many):
    """0.1 + 0.2 and 0.3 differ in the last digit of a double; nobody has measured that."""
    rounded, plain = np.full(many, 0.1 + 0.2), np.full(many, 0.3)
    assert rounded[0] != plain[0]
    for a, b in ((rounded, plain), (plain, rounded), (plain, plain)):
        same = paired_t(a, b)
        assert (same.t, same.p, same.sd, same.cohen_dz) == (0, 1, 0, 0)
        assert welch_p(a, b) == 1
        assert nadeau_bengio_p(a - b, 1 / 9) == 1
    better = np.linspace(0.5, 0.7, many)  # every difference is 0.1, but for its last digit
    found = paired_t(better + 0.1, better)
    assert (found.t, found.p, found.sd) == (math.inf, 0, 0)
    assert found.difference == pytest.approx((0.1, 0.1, 0.1))
    assert welch_p(rounded + 0.1, plain) == 0
    assert nadeau_bengio_p(better + 0.1 - better, 1 / 9) == 0


def test_welch_has_scipys_interval():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.8, 0.02, 12), rng.normal(0.79, 0.05, 9)
    for confidence in (0.95, 0.8):
        theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval(confidence)
        found = welch_interval(a, b, confidence)
        assert found == pytest.approx((a.mean() - b.mean(), theirs.low, theirs.high))
    edge = welch_interval(a, b, 1 - welch_p(a, b))
    assert min(abs(edge.low), abs(edge.high)) == pytest.approx(0, abs=1e-12)
    assert welch_interval([0.5, 0.5], [0.4, 0.4]) == pytest.approx((0.1, 0.1, 0.1))


def test_welch_of_one_constant_method_equals_scipy():
    varied = np.array([0.61, 0.64, 0.60, 0.66, 0.63])
    constant = np.full(
        4, 0.62
    )  # which is then no more than a number that the others are held against
    assert welch_p(varied, constant) == pytest.approx(stats.ttest_1samp(varied, 0.62).pvalue)
    uneven = np.array([0.5, 0.7, 0.6])
    assert welch_p(uneven, varied) == pytest.approx(
        stats.ttest_ind(uneven, varied, equal_var=False).pvalue
    )


@pytest.mark.parametrize(
    ("table", "exact", "mid"),
    [
        ((1, 1, 7, 12), 0.0703, 0.0391),  # Fagerland 2013, airway hyper-responsiveness
        ((59, 6, 16, 80), 0.0525, 0.0347),  # Fagerland 2013, complications of wisdom teeth
        ((5, 0, 0, 5), 1.0, 1.0),
        ((0, 2, 2, 0), 1.0, 1 - 6 / 32),
    ],
)
def test_mcnemar_printed_examples(table, exact, mid):
    found = mcnemar(*right(*table))
    assert (found.only_first, found.only_second) == table[1:3]
    assert found.exact == pytest.approx(exact, abs=6e-5)
    assert found.mid == pytest.approx(mid, abs=6e-5)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_the_binomial_test(b, c):
    found = mcnemar(*right(3, b, c, 3))
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert found.exact == pytest.approx(expected)
    assert found.mid <= found.exact
    assert mcnemar(*right(3, c, b, 3))[2:] == found[2:]


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_plain_and_bonferroni_and_keeps_the_order(p):
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-15).all()
    ranked = adjusted[np.argsort(p, kind="stable")]
    assert (np.diff(ranked) >= 0).all()


def test_uneven_runs_are_refused():
    with pytest.raises(RecordError, match="cannot be paired"):
        paired_t([1, 2, 3], [1, 2])
    with pytest.raises(RecordError, match="differ in number"):
        mcnemar([True], [True, False])


def test_benjamini_hochberg_printed_example():
    # Benjamini and Hochberg 1995, section 4.1: at 0.05 the four smallest of fifteen are rejected
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    assert (benjamini_hochberg(p) <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert (holm(p) <= 0.05).sum() == 3  # as they print for Bonferroni's way


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_benjamini_hochberg_equals_scipy_and_never_exceeds_holm(p):
    found = benjamini_hochberg(p)
    assert found == pytest.approx(stats.false_discovery_control(p, method="bh"))
    assert (found <= holm(p) + 1e-12).all()


def test_five_by_two_by_hand():
    differences = np.array([[0.02, 0.04], [0.03, 0.01], [0.00, 0.02], [0.05, 0.03], [0.02, 0.02]])
    variances = sum(np.var(row, ddof=1) for row in differences)
    f, p = five_by_two_f(differences)
    assert f == pytest.approx((differences**2).sum() / (2 * variances))
    assert p == pytest.approx(stats.f.sf(f, 10, 5))
    assert five_by_two_f(-differences) == pytest.approx((f, p))
    assert five_by_two_f(np.full((5, 2), 0.1)) == (float("inf"), 0.0)
    assert five_by_two_f(np.zeros((5, 2))) == (0.0, 1.0)
    with pytest.raises(RecordError, match="five repeats"):
        five_by_two_f(differences[:, :1])
