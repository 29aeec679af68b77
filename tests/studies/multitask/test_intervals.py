"""Intervals of unpaired runs and of patients with several films: the usual ones where every patient has one film."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from konio.significance import delong_interval, mcnemar, wilson
from konio.studies.multitask.report_intervals import apart, area, mean_share, share, welch_interval

RNG = np.random.default_rng(3)
FILMS = 60
ONE_EACH = [f"p{i}" for i in range(FILMS)]
TWICE = [f"p{i // 2}" for i in range(2 * FILMS)]
FIRST = RNG.random(FILMS) < 0.8
SECOND = RNG.random(FILMS) < 0.65
SICK = RNG.random(FILMS) < 0.4
SCORE = RNG.normal(0, 1, FILMS) + SICK


def test_welch_has_scipys_interval():
    a, b = RNG.normal(0.8, 0.02, 12), RNG.normal(0.79, 0.05, 9)
    theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = welch_interval(a, b)
    assert found == pytest.approx((a.mean() - b.mean(), theirs.low, theirs.high))
    assert welch_interval([0.5, 0.5], [0.4, 0.4]) == pytest.approx((0.1, 0.1, 0.1))


def test_one_film_a_patient_gives_the_usual_intervals():
    assert share(FIRST, ONE_EACH) == wilson(int(FIRST.sum()), FILMS)
    test = mcnemar(FIRST, SECOND)
    assert apart(FIRST, SECOND, ONE_EACH) == ((test.only_first, test.only_second), test.exact)
    assert area(SICK, SCORE, ONE_EACH) == delong_interval(SICK, SCORE)


def test_the_same_film_twice_is_worth_one_film():
    found, once = share(np.repeat(FIRST, 2), TWICE), wilson(int(FIRST.sum()), FILMS)
    assert found == pytest.approx(once, abs=2e-3)
    both, p = apart(np.repeat(FIRST, 2), np.repeat(SECOND, 2), TWICE)
    test = mcnemar(FIRST, SECOND)
    assert both == (2 * test.only_first, 2 * test.only_second)
    assert p == pytest.approx(test.exact)
    doubled = area(np.repeat(SICK, 2), np.repeat(SCORE, 2), TWICE)
    assert doubled == pytest.approx(delong_interval(SICK, SCORE), abs=3e-3)
    naive = delong_interval(np.repeat(SICK, 2), np.repeat(SCORE, 2))
    assert doubled.high - doubled.low > 1.3 * (naive.high - naive.low)


def test_answers_that_are_all_alike_are_worth_their_patients():
    assert share([True] * 20, [f"p{i // 4}" for i in range(20)]) == pytest.approx(wilson(5, 5))


def test_films_that_differ_within_patients_are_never_worth_more_than_films():
    right, patients = np.tile([True, False], 20), [f"p{i // 2}" for i in range(40)]
    assert share(right, patients) == pytest.approx(wilson(20, 40))


def test_the_exact_p_by_patients_counts_every_change_of_sides():
    first = np.array([1, 1, 1, 0, 1, 1, 0, 1, 1], bool)
    second = np.array([0, 0, 1, 1, 0, 0, 0, 0, 1], bool)
    patients = list("aabbccdde")
    gaps = [int((first.astype(int) - second)[[q == p for q in patients]].sum()) for p in "abcde"]
    sums = [abs(sum(s * g for s, g in zip(signs, gaps, strict=True))) for signs in itertools.product((1, -1), repeat=5)]  # fmt: skip
    assert apart(first, second, patients)[1] == pytest.approx(np.mean([s >= abs(sum(gaps)) for s in sums]))  # fmt: skip


def test_mean_share_is_the_macro_mean_and_widens_with_patients():
    truth, said = RNG.integers(0, 3, 120), RNG.integers(0, 3, 120)
    classes = np.arange(3)[:, None]
    found = mean_share(said == classes, truth == classes, [str(i) for i in range(120)])
    assert found.estimate == pytest.approx(sk.recall_score(truth, said, average="macro"))
    parts = [sk.recall_score(truth == k, said == k) for k in range(3)]
    error = np.sqrt(sum(p * (1 - p) / (truth == k).sum() for k, p in enumerate(parts))) / 3
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.01)
    twice = mean_share(np.repeat(said == classes, 2, 1), np.repeat(truth == classes, 2, 1), [str(i // 2) for i in range(240)])  # fmt: skip
    assert twice == pytest.approx(found)
