"""Everything that follows from a confusion matrix of named classes.

A rate without cases is ``nan``, never a guess; precision of a class that is never predicted is 0, as in
the papers, and is told apart by `ClassScores.never_predicted`. Macro means run over the classes that
occur in the truth.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError

Matrix = NDArray[np.int64]


def confusion(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Matrix:
    """Count how often each class was called what.

    Args:
        truth: ``(N,)`` class positions 0..classes-1.
        predicted: ``(N,)`` class positions.
        classes: number of classes.

    Returns:
        ``(classes, classes)`` counts; rows are the truth, columns the prediction.

    Raises:
        RecordError: on unequal lengths or a position outside the classes (missing labels included).

    Examples:
        >>> confusion([0, 1, 1], [0, 1, 0], 2).tolist()
        [[1, 0], [1, 1]]
    """
    rows, columns = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if rows.shape != columns.shape or rows.ndim != 1:
        raise RecordError(
            f"truth {rows.shape} and prediction {columns.shape} must be two equally long lists; "
            "give one class for each case"
        )
    both = np.concatenate([rows, columns])
    if both.size and (both.min() < 0 or both.max() >= classes):
        raise RecordError(
            f"class positions must lie in 0..{classes - 1}, got {both.min()}..{both.max()}; "
            "leave out cases without a label first"
        )
    return np.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


def accuracy(matrix: Matrix) -> float:
    """Part of the cases called right, 0..1."""
    return _ratio(np.trace(matrix), matrix.sum())


def balanced_accuracy(matrix: Matrix) -> float:
    """Mean recall of the classes that occur, 0..1; the same as `macro_recall`."""
    return macro_recall(matrix)


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """One-against-the-rest scores of every class, each ``(classes,)`` in 0..1 or ``nan``.

    Args:
        precision: TP / (TP + FP); 0 where the class is never predicted.
        recall: TP / (TP + FN), the sensitivity; ``nan`` where the class does not occur.
        specificity: TN / (TN + FP); ``nan`` where nothing else occurs.
        f1: 2 TP / (2 TP + FP + FN); ``nan`` where the class does not occur.
        support: number of cases of the class.
        never_predicted: whether the precision of 0 stands for 0 / 0.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    specificity: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]
    never_predicted: NDArray[np.bool_]


def class_scores(matrix: Matrix) -> ClassScores:
    """Scores of every class from a confusion matrix.

    References:
        Dossier section 5, S1; paper A, section 1.4.
    """
    hits = np.diagonal(matrix)
    support, called = matrix.sum(axis=1), matrix.sum(axis=0)
    rest = matrix.sum() - support
    false_alarms = called - hits
    occurs = support > 0
    return ClassScores(
        precision=_divide(hits, called, called > 0, otherwise=0.0),
        recall=_divide(hits, support, occurs),
        specificity=_divide(rest - false_alarms, rest, rest > 0),
        f1=_divide(2 * hits, support + called, occurs),
        support=support,
        never_predicted=called == 0,
    )


def macro_precision(matrix: Matrix) -> float:
    """Mean precision of the classes that occur."""
    scores = class_scores(matrix)
    return _mean(scores.precision[scores.support > 0])


def macro_recall(matrix: Matrix) -> float:
    """Mean recall of the classes that occur (宏查全率)."""
    scores = class_scores(matrix)
    return _mean(scores.recall[scores.support > 0])


def macro_specificity(matrix: Matrix) -> float:
    """Mean specificity of the classes that occur."""
    scores = class_scores(matrix)
    return _mean(scores.specificity[scores.support > 0])


def macro_f1(matrix: Matrix) -> float:
    """Mean of the F1 of the classes that occur, as in paper A; not the F1 of macro precision and recall."""
    scores = class_scores(matrix)
    return _mean(scores.f1[scores.support > 0])


def weighted_f1(matrix: Matrix) -> float:
    """Mean F1 of the classes, each weighted with its number of cases."""
    scores = class_scores(matrix)
    occurs = scores.support > 0
    total = scores.support.sum()
    return (
        float((scores.f1[occurs] * scores.support[occurs]).sum() / total) if total else float("nan")
    )


def matthews_correlation(matrix: Matrix) -> float:
    """Correlation between truth and prediction over all classes, -1..1; 0 for a constant answer.

    References:
        Gorodkin J, Computational Biology and Chemistry 2004;28:367-374, equation 8.
    """
    counts = matrix.astype(np.float64)
    truth, called, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    if not total:
        return float("nan")
    spread = (total**2 - (truth**2).sum()) * (total**2 - (called**2).sum())
    return float((np.trace(counts) * total - truth @ called) / spread**0.5) if spread else 0.0


def relative_gain(
    new: Mapping[str, float], old: Mapping[str, float], losses: Collection[str] = ()
) -> float:
    """Mean relative improvement over several tasks or scores: mean of (new - old) / old, losses turned around.

    Args:
        new: score by name.
        old: the same names, none of them 0.
        losses: names that are better low.

    Returns:
        Above 0 where the new method is better on average.

    Raises:
        RecordError: if the names differ or an old score is 0.

    References:
        Dossier section 5, S13. Maninis KK et al., CVPR 2019 (average per-task drop).

    Examples:
        >>> round(relative_gain({"a": 0.9, "b": 0.5}, {"a": 0.8, "b": 0.5}), 4)
        0.0625
    """
    if set(new) != set(old) or not new or any(value == 0 for value in old.values()):
        raise RecordError(
            f"gains need the same names with old scores other than 0, got {sorted(new)} and {dict(old)}; correct them"
        )
    gains = [(-1 if k in losses else 1) * (new[k] - old[k]) / old[k] for k in new]
    return float(np.mean(gains))


def _ratio(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else float("nan")


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _divide(
    part: NDArray[np.int64],
    whole: NDArray[np.int64],
    where: NDArray[np.bool_],
    otherwise: float = float("nan"),
) -> NDArray[np.float64]:
    result = np.full(part.shape, otherwise, dtype=np.float64)
    np.divide(part, whole, out=result, where=where)
    return result
