"""The patient bootstrap: laws, SciPy's bootstrap, and films that stay together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from konio.errors import RecordError
from konio.metrics import confusion, quadratic_weighted_kappa
from konio.significance import patient_bootstrap

VALUES = np.random.default_rng(5).exponential(1.0, 40)
PATIENTS = [f"p{i}" for i in range(40)]


def mean(positions: np.ndarray) -> float:
    return float(VALUES[positions].mean())


def test_both_intervals_agree_with_scipy():
    found = patient_bootstrap(mean, PATIENTS, np.random.default_rng(1), draws=6000)
    for method, ours in (("percentile", found.percentile), ("bca", found.bca)):
        theirs = stats.bootstrap(
            (VALUES,), np.mean, n_resamples=6000, method=method, rng=np.random.default_rng(2)
        )
        interval = theirs.confidence_interval
        assert ours is not None
        assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), abs=0.025)
        assert ours.estimate == pytest.approx(VALUES.mean())
        assert found.error == pytest.approx(theirs.standard_error, rel=0.05)
    # the mean of a right-skewed sample: BCa reaches further up than percentiles do
    assert found.bca is not None
    assert found.bca.high > found.percentile.high + 0.01


def test_bca_is_the_printed_formula():
    drawn = []

    def recorded(positions: np.ndarray) -> float:
        drawn.append(mean(positions))
        return drawn[-1]

    found = patient_bootstrap(recorded, PATIENTS, np.random.default_rng(3), draws=999)
    draws = np.array(drawn[1:1000])  # first the estimate, last the patients left out one by one
    gaps = VALUES - VALUES.mean()
    acceleration = (gaps**3).sum() / (6 * (gaps**2).sum() ** 1.5)  # of a mean, Efron 1987
    bias = stats.norm.ppf((draws < VALUES.mean()).mean())
    z = bias + stats.norm.ppf([0.025, 0.975])
    low, high = np.quantile(draws, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    assert found.bca == pytest.approx((VALUES.mean(), low, high))


def test_same_generator_same_interval():
    first, second, other = (
        patient_bootstrap(mean, PATIENTS, np.random.default_rng(seed), draws=50)
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_films_of_a_patient_are_drawn_together():
    patients = ["b", "a", "a", "c", "b", "b"]
    seen = []

    def record(positions: np.ndarray) -> float:
        seen.append(np.bincount(positions, minlength=6))
        return float(len(positions))

    patient_bootstrap(record, patients, np.random.default_rng(0), draws=60, bca=False)
    for count in seen:
        assert count[1] == count[2]
        assert count[0] == count[4] == count[5]
        assert count[0] + count[1] + count[3] == 3


def test_repeated_films_do_not_narrow_the_interval():
    twice = np.repeat(np.arange(40), 2)
    found = patient_bootstrap(
        lambda positions: float(VALUES[twice[positions]].mean()),
        [PATIENTS[i] for i in twice],
        np.random.default_rng(1),
        draws=2000,
        bca=False,
    )
    once = patient_bootstrap(mean, PATIENTS, np.random.default_rng(2), draws=2000, bca=False)
    assert found.error == pytest.approx(once.error, rel=0.1)


def test_strata_keep_their_numbers():
    strata = ["healthy"] * 30 + ["III"] * 10

    def sick(positions: np.ndarray) -> float:
        return float((positions >= 30).sum())

    kept = patient_bootstrap(
        sick, PATIENTS, np.random.default_rng(0), draws=30, strata=strata, bca=False
    )
    assert kept.percentile == (10.0, 10.0, 10.0)
    free = patient_bootstrap(sick, PATIENTS, np.random.default_rng(0), draws=30, bca=False)
    assert free.error > 0


def test_undefined_draws_are_counted_and_left_out():
    truth = np.array([0] * 9 + [1])

    def kappa(positions: np.ndarray) -> float:
        return quadratic_weighted_kappa(confusion(truth[positions], truth[positions], 2))

    found = patient_bootstrap(kappa, PATIENTS[:10], np.random.default_rng(0), draws=300)
    assert 60 < found.undefined < 150  # (9/10)^10 = 0.35 of the draws lack the one sick patient
    assert found.percentile == (1.0, 1.0, 1.0)
    assert found.bca is None


@pytest.mark.parametrize(
    ("statistic", "patients"),
    [(lambda p: 1.0, ["one", "one"]), (lambda p: float("nan"), ["a", "b"])],
)
def test_too_little_is_refused(statistic, patients):
    with pytest.raises(RecordError, match="add cases"):
        patient_bootstrap(statistic, patients, np.random.default_rng(0), draws=5)
