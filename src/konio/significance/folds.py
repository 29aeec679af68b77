"""Intervals over the folds of a cross-validation, whose training sets overlap.

References:
    Nadeau C, Bengio Y, Inference for the generalization error, Machine Learning 2003;52:239-281.
    Bouckaert RR, Frank E, PAKDD 2004 (repeated cross-validation). Dossier section 5, S3, S4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.significance.intervals import (
    Interval,
    moments,
    sample,
    t_interval,
    t_quantile,
    two_sided_p,
)

Floats = NDArray[np.float64]


def fold_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean over folds ± t · s / sqrt(k), as papers print it; too narrow, since folds share training data."""
    return t_interval(values, confidence)


def nadeau_bengio_factor(folds: int, test_to_train: float) -> float:
    """How much wider the corrected interval is: sqrt(1/k + n_test/n_train) / sqrt(1/k).

    Examples:
        >>> round(nadeau_bengio_factor(10, 1 / 9), 4)
        1.453
    """
    return math.sqrt((1 / folds + test_to_train) * folds)


def nadeau_bengio_interval(
    values: ArrayLike, test_to_train: float, confidence: float = 0.95
) -> Interval:
    """Corrected interval over folds or repeats of a split.

    Args:
        values: ``(k,)`` one value for each fold (or each fold of each repeat).
        test_to_train: films on the test side per film on the training side (1/9 for ten folds).
        confidence: level, 0..1.
    """
    numbers = sample(values)
    error = math.sqrt(1 / len(numbers) + test_to_train) * numbers.std(ddof=1)
    half = t_quantile(confidence, len(numbers) - 1) * error
    return Interval(
        float(numbers.mean()), float(numbers.mean() - half), float(numbers.mean() + half)
    )


def nadeau_bengio_p(differences: ArrayLike, test_to_train: float, size: float = 1.0) -> float:
    """Two-sided p value of the corrected resampled t-test for paired differences over folds.

    Args:
        differences: ``(k,)`` one method minus the other, fold by fold.
        test_to_train: films on the test side per film on the training side.
        size: the largest score that the differences come from; 1 for accuracies and areas.

    Returns:
        1 where all differences are 0, 0 where they are all the same and not 0.
    """
    numbers = sample(differences)
    mean, deviation = moments(numbers, size)
    error = math.sqrt(1 / len(numbers) + test_to_train) * deviation
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return two_sided_p(mean / error, len(numbers) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class RocBand:
    """Mean ROC curve over folds with a pointwise band.

    Args:
        fpr: ``(points,)`` false positive rates, 0..1.
        tpr: mean true positive rate at each.
        low: lower edge of the band, clipped to 0..1.
        high: upper edge.
        auc: mean of the areas of the folds (not the area of the mean curve).
    """

    fpr: Floats
    tpr: Floats
    low: Floats
    high: Floats
    auc: Interval


def roc_band(
    curves: Sequence[tuple[Floats, Floats]], points: int = 101, confidence: float = 0.95
) -> RocBand:
    """Mean ROC curve of several folds.

    Args:
        curves: two or more pairs of ascending false and true positive rates (`konio.metrics.roc_curve`).
        points: of the common grid.
        confidence: level of the band, 0..1.

    References:
        Dossier section 5, S4; paper A, figures 2 and 3.
    """
    grid = np.linspace(0, 1, points)
    areas = sample([np.trapezoid(tpr, fpr) for fpr, tpr in curves])
    table = np.stack([np.interp(grid, fpr, tpr) for fpr, tpr in curves])
    table[:, 0], table[:, -1] = 0.0, 1.0
    mean = table.mean(axis=0)
    count = len(curves)
    half = t_quantile(confidence, count - 1) * table.std(axis=0, ddof=1) / math.sqrt(count)
    return RocBand(
        fpr=grid,
        tpr=mean,
        low=np.clip(mean - half, 0, 1),
        high=np.clip(mean + half, 0, 1),
        auc=t_interval(areas, confidence),
    )
