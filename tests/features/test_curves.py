"""Learning curves and searches: by patient, fitted inside the fold, defined where classes are missing."""

from __future__ import annotations

import numpy as np
import pytest

from konio.errors import UsageError
from konio.features import curves
from konio.features.classifiers import KINDS
from konio.features.curves import learning_curve, patient_folds, search

RNG = np.random.default_rng(2)
Y = np.arange(60) % 3
X = RNG.normal(size=(60, 4)) + 3 * Y[:, None]
PATIENTS = [f"p{i // 2}" for i in range(60)]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_curve_rises_to_what_can_be_had(kind: str) -> None:
    options = {"trees": 20} if kind == "forest" else {}
    curve = learning_curve(kind, X, Y, seed=0, folds=3, shares=(0.4, 1.0), components=2, **options)
    assert curve.training.shape == curve.validation.shape == (3, 2)
    assert curve.cases.tolist() == [16, 40]
    assert curve.validation[:, -1].mean() > 0.9


def test_no_patient_stands_on_both_sides_and_every_case_is_outside_once() -> None:
    outside = []
    for inside, out in patient_folds(Y, PATIENTS, 5, 0):
        assert not {PATIENTS[i] for i in inside} & {PATIENTS[i] for i in out}
        assert sorted([*inside, *out]) == list(range(60))
        outside.extend(out)
    assert sorted(outside) == list(range(60))


def test_the_other_side_of_a_fold_is_never_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fit sees inside cases only, and what stands outside does not move what was fitted."""
    seen: list[np.ndarray] = []
    real = curves.fit

    def spy(kind, x, y, **options):
        seen.append(x[:, 0].copy())
        return real(kind, x, y, **options)

    monkeypatch.setattr(curves, "fit", spy)
    learning_curve("logistic", X, Y, seed=1, patients=PATIENTS, folds=5, shares=(0.5, 1.0))
    for number, (inside, out) in enumerate(patient_folds(Y, PATIENTS, 5, 1)):
        for fitted in seen[2 * number : 2 * number + 2]:
            assert set(fitted) <= set(X[inside, 0])
            assert not set(fitted) & set(X[out, 0])
        assert set(seen[2 * number]) <= set(seen[2 * number + 1])


def test_a_class_missing_from_a_part_is_defined() -> None:
    y = np.where(np.arange(60) < 56, np.arange(60) % 2, 2)  # four cases of class 2
    curve = learning_curve("svm", X, y, seed=0, folds=4, shares=(0.03, 1.0))
    assert np.isnan(curve.training[:, 0]).all()
    assert np.isfinite(curve.validation[:, 1]).all()


def test_a_search_takes_the_best_and_the_first_of_equals() -> None:
    grid = ({"c": 1e-6}, {"c": 1.0}, {"c": 1.0, "balanced": True})
    best, means = search("svm", X, Y, grid, seed=0, patients=PATIENTS, folds=3)
    assert best == grid[1]
    assert means[1] == max(means) > means[0]


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="as many patients"):
        learning_curve("logistic", X, Y, seed=0, patients=PATIENTS[:-1])
    with pytest.raises(UsageError, match="folds"):
        learning_curve("logistic", X, Y, seed=0, folds=1)
    with pytest.raises(UsageError, match="folds"):
        learning_curve("logistic", X, Y, seed=0, patients=["same"] * 60)
    with pytest.raises(UsageError, match="two cases of every class"):
        learning_curve("logistic", X, np.r_[3, Y[1:]], seed=0)
    with pytest.raises(UsageError, match="shares"):
        learning_curve("logistic", X, Y, seed=0, shares=(1.0, 0.5))
    with pytest.raises(UsageError, match="at least one"):
        search("logistic", X, Y, (), seed=0)
