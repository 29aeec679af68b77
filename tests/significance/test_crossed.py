"""Patients and runs drawn together: wider than either alone, and right where theory knows the answer."""

from __future__ import annotations

import numpy as np
import pytest

from konio.errors import RecordError
from konio.significance import crossed_bootstrap, patient_bootstrap

FILMS, RUNS = 60, 12
PATIENTS = [f"p{i // 2}" for i in range(FILMS)]


def made(seed: int, runs: float, films: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers that vary by run and by patient, each with its own spread."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(rng.normal(0, films, FILMS // 2), 2)

    def method(shift: float) -> np.ndarray:
        return shift + rng.normal(0, runs, (RUNS, 1)) + patient * (1 + shift)

    return method(0.5), method(0.0)


def width(interval: tuple[float, float, float]) -> float:
    return interval[2] - interval[1]


def test_estimate_is_the_difference_of_means_and_the_generator_decides():
    first, second = made(0, 0.1, 0.2)
    found = crossed_bootstrap(first, second, PATIENTS, np.random.default_rng(1), draws=100)
    assert found.estimate == pytest.approx(first.mean() - second.mean())
    assert found == crossed_bootstrap(first, second, PATIENTS, np.random.default_rng(1), draws=100)
    turned = crossed_bootstrap(second, first, PATIENTS, np.random.default_rng(1), draws=100)
    assert turned.estimate == pytest.approx(-found.estimate)


def test_without_patient_noise_it_is_the_spread_of_two_means_of_runs():
    first, second = made(3, 0.4, 0.0)
    found = crossed_bootstrap(first, second, PATIENTS, np.random.default_rng(1), draws=4000)
    spread = np.sqrt(first[:, 0].var() / RUNS + second[:, 0].var() / RUNS)
    assert width(found) == pytest.approx(2 * 1.96 * spread, rel=0.08)


def test_with_one_run_it_is_the_patient_bootstrap():
    first, second = made(4, 0.2, 0.5)
    gap = (first - second)[0]
    found = crossed_bootstrap(first[:1], second[:1], PATIENTS, np.random.default_rng(1), draws=4000)
    theirs = patient_bootstrap(
        lambda films: float(gap[films].mean()), PATIENTS, np.random.default_rng(2), draws=4000, bca=False
    )  # fmt: skip
    assert width(found) == pytest.approx(width(theirs.percentile), rel=0.08)


def test_it_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(60):
        first, second = made(100 + seed, 0.3, 0.6)
        found = crossed_bootstrap(first, second, PATIENTS, np.random.default_rng(seed), draws=300)
        covered += found.low <= 0.5 <= found.high
    assert covered >= 50  # 57 expected; fewer than 50 has a chance below one in a thousand


@pytest.mark.parametrize(
    ("first", "patients"),
    [(np.zeros((2, 3)), ["a", "b"]), (np.zeros(3), ["a", "b", "c"]), (np.full((1, 2), np.nan), ["a", "b"]), (np.zeros((2, 2)), ["a", "a"])],
)  # fmt: skip
def test_what_does_not_fit_is_refused(first, patients):
    with pytest.raises(RecordError, match=r"give one finite number|add cases"):
        crossed_bootstrap(first, first, patients, np.random.default_rng(0), draws=5)
