"""From people's readings of the characteristics to malignancy: the paper's classical model, without its leak.

Eight predictors: the characteristics without internal structure, and never malignancy itself. What the readers of
the characteristics say is compared with what the same readers say about malignancy, so that the accuracy tells how
consistent people are rather than how well a machine reads: 93 % is an upper reference, not a target.

References:
    Paper C, section 1.2 ("MVC", read as a support vector classifier); dossier 4.3 V8, B10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio import metrics
from konio.cohort import Split
from konio.features.classifiers import fit
from konio.learning.nodule_parts import nodule_folds
from konio.nodules import Readings, labels
from konio.significance import Interval, nadeau_bengio_interval
from konio.studies.nodules.relevance import values_of

#: The eight predictors.
PREDICTORS: Final = (
    "subtlety",
    "lobulation",
    "spiculation",
    "sphericity",
    "margin",
    "texture",
    "calcification",
    "diameter",
)
#: Model to (kind of classifier, predictors, options).
MODELS: Final[Mapping[str, tuple[str, tuple[str, ...], Mapping[str, Any]]]] = {
    "svm": ("svm", PREDICTORS, {}),
    "logistic": ("logistic", PREDICTORS, {}),
    "diameter": ("logistic", ("diameter",), {}),
    "svm-without-diameter": ("svm", PREDICTORS[:-1], {}),
}
SCORES: Final = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc")


@dataclass(frozen=True, slots=True)
class ClassicalResult:
    """What came of it.

    Args:
        nodules: with a class and every predictor.
        patients: of them.
        prevalence: share of the upper class.
        scores: model to score to interval over folds and repeats (corrected after Nadeau and Bengio, cut at 0 and 1); ``majority`` too.
        folds: of each repeat.
        repeats: of the cross-validation, each with a split of its own.
        unrated: predictors that nobody rated, which every model goes without.
    """

    nodules: int
    patients: int
    prevalence: float
    scores: Mapping[str, Mapping[str, Interval]]
    folds: int
    repeats: int
    unrated: tuple[str, ...] = ()


def predictors(readings: Readings, names: Sequence[str]) -> NDArray[np.float64]:
    """``(n, len(names))``: mean grades, share of readers who see calcification, logarithm of the diameter."""
    columns = [
        np.log(values_of(readings, name)) if name == "diameter" else values_of(readings, name)
        for name in names
    ]
    return np.stack(columns, axis=1)


def classical_model(
    readings: Readings,
    rng: np.random.Generator,
    *,
    folds: int = 5,
    repeats: int = 5,
    models: Sequence[str] = tuple(MODELS),
) -> ClassicalResult:
    """Patient-wise cross-validation of malignancy above 3.25 against below 2.75.

    Args:
        readings: the nodules; those in the middle or with a predictor missing are left out.
        rng: of the splits.
        folds: of each repeat.
        repeats: each parts the patients anew.
        models: names of `MODELS`.

    Raises:
        CohortError: if there are fewer patients than folds.
    """
    classes = labels.two_classes(readings.mean("malignancy"))
    table = predictors(readings, PREDICTORS)
    rated = np.asarray(np.isfinite(table).any(axis=0), np.bool_)
    complete = np.isfinite(table[:, rated]).all(axis=1) & (classes >= 0)
    part = readings.subset(np.flatnonzero(complete).tolist())
    truth = classes[complete]
    unrated = tuple(name for name, any_ in zip(PREDICTORS, rated, strict=True) if not any_)
    known = {name: tuple(p for p in MODELS[name][1] if p not in unrated) for name in models}
    known = {name: given for name, given in known.items() if given}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in (*known, "majority")}
    for _ in range(repeats):
        for split in nodule_folds(part, folds, rng):
            for name, scores in _fold(part, truth, split, known).items():
                runs[name].append(scores)
    return ClassicalResult(
        nodules=len(part),
        patients=len(set(part.patients)),
        prevalence=float(truth.mean()),
        scores={name: _intervals(found, folds) for name, found in runs.items()},
        folds=folds,
        repeats=repeats,
        unrated=unrated,
    )


def _fold(
    part: Readings,
    truth: NDArray[np.int64],
    split: Split,
    models: Mapping[str, tuple[str, ...]],
) -> dict[str, dict[str, float]]:
    """Scores of every model, by name, with the predictors that it is given."""
    train, test = list(split.train), list(split.test)
    commonest = int(truth[train].mean() > 0.5)
    share = np.full(len(test), truth[train].mean())
    found = {"majority": two_class_scores(truth[test], np.full(len(test), commonest), share)}
    for name, names in models.items():
        kind, _, options = MODELS[name]
        x = predictors(part, names)
        model = fit(kind, x[train], truth[train], seed=0, **options)
        upper = model.probabilities(x[test])[:, 1]
        found[name] = two_class_scores(truth[test], (upper > 0.5).astype(np.int64), upper)
    return found


def two_class_scores(
    truth: NDArray[np.int64], called: NDArray[np.int64], score: NDArray[np.float64]
) -> dict[str, float]:
    """Accuracy, balanced accuracy, sensitivity, specificity and AUC; NaN where a class is absent.

    Args:
        truth: ``(n,)`` 0 or 1.
        called: ``(n,)`` 0 or 1.
        score: ``(n,)`` higher for class 1.
    """
    matrix = metrics.confusion(truth, called, 2)
    both = len(np.unique(truth)) == 2
    per_class = np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)
    nothing = float("nan")
    return {
        "accuracy": metrics.accuracy(matrix),
        "balanced_accuracy": metrics.balanced_accuracy(matrix) if both else nothing,
        "sensitivity": float(per_class[1]) if (truth == 1).any() else nothing,
        "specificity": float(per_class[0]) if (truth == 0).any() else nothing,
        "auc": metrics.roc_auc(truth, score) if both else nothing,
    }


def _intervals(runs: Sequence[Mapping[str, float]], folds: int) -> dict[str, Interval]:
    found = {}
    for name in SCORES:
        values = np.array([run[name] for run in runs])
        values = values[np.isfinite(values)]
        if len(values) > 1:
            own = nadeau_bengio_interval(values, 1 / (folds - 1))
            found[name] = Interval(own.estimate, max(0.0, own.low), min(1.0, own.high))
        elif len(values) == 1:
            found[name] = Interval(float(values[0]), float("nan"), float("nan"))
    return found
