"""Scores for ordered classes (stages, profusions), from a confusion matrix.

References:
    Cohen J, Weighted kappa, Psychological Bulletin 1968;70:213-220. Dossier section 5, S10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from konio.metrics.counts import Matrix


def _distance(matrix: Matrix) -> NDArray[np.int64]:
    """Prediction minus truth in classes, ``(classes, classes)``."""
    positions = np.arange(len(matrix))
    return np.asarray(positions[None, :] - positions[:, None])


def _rate(matrix: Matrix, where: NDArray[np.bool_]) -> float:
    total = matrix.sum()
    return float(matrix[where].sum() / total) if total else float("nan")


def quadratic_weighted_kappa(matrix: Matrix) -> float:
    """Agreement beyond chance with squared distances as weights, at most 1.

    1 - sum(w O) / sum(w E), w = (i - j)^2, O the counts, E the counts expected from the margins.

    Returns:
        ``nan`` where truth and prediction know one and the same class only.
    """
    total = matrix.sum()
    if not total:
        return float("nan")
    weights = _distance(matrix) ** 2
    expected = np.outer(matrix.sum(axis=1), matrix.sum(axis=0)) / total
    by_chance = (weights * expected).sum()
    return float(1 - (weights * matrix).sum() / by_chance) if by_chance else float("nan")


def ordinal_mae(matrix: Matrix) -> float:
    """Mean absolute error in classes."""
    total = matrix.sum()
    return float((np.abs(_distance(matrix)) * matrix).sum() / total) if total else float("nan")


def under_rate(matrix: Matrix) -> float:
    """Part of the cases called lower than they are (under-staging)."""
    return _rate(matrix, _distance(matrix) < 0)


def over_rate(matrix: Matrix) -> float:
    """Part of the cases called higher than they are (over-staging)."""
    return _rate(matrix, _distance(matrix) > 0)


def off_by_two_rate(matrix: Matrix) -> float:
    """Part of the cases called two or more classes away from the truth."""
    return _rate(matrix, np.abs(_distance(matrix)) >= 2)
