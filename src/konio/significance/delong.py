"""DeLong's variance of areas under ROC curves, for one and for two scores on the same cases.

References:
    DeLong ER et al., Biometrics 1988;44:837-845. Sun X, Xu W, IEEE Signal Processing Letters
    2014;21:1389-1393 (mid-ranks instead of all pairs).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError
from konio.significance.intervals import Interval, normal_quantile

Floats = NDArray[np.float64]


class DelongTest(NamedTuple):
    """Two areas under ROC curves of the same cases.

    Attributes:
        first: area of the first score.
        second: area of the second.
        difference: first minus second with its interval.
        z: difference in standard errors.
        p: two-sided.
    """

    first: float
    second: float
    difference: Interval
    z: float
    p: float


def delong_interval(truth: ArrayLike, score: ArrayLike, confidence: float = 0.95) -> Interval:
    """Area under the ROC curve with DeLong's interval, clipped to 0..1.

    Args:
        truth: ``(N,)`` true where the case is positive.
        score: ``(N,)`` higher means more likely positive.
        confidence: level, 0..1.

    Raises:
        RecordError: with fewer than two positive or two negative cases.
    """
    areas, covariance = _areas(truth, [score])
    half = normal_quantile(confidence) * math.sqrt(covariance[0, 0])
    area = float(areas[0])
    return Interval(area, max(0.0, area - half), min(1.0, area + half))


def delong_test(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, confidence: float = 0.95
) -> DelongTest:
    """Whether two scores rank the same cases differently well.

    Args:
        truth: ``(N,)`` true where the case is positive.
        first: ``(N,)`` scores of one method.
        second: ``(N,)`` scores of the other.
        confidence: level of the interval, 0..1.

    Raises:
        RecordError: with fewer than two positive or two negative cases.
    """
    areas, covariance = _areas(truth, [first, second])
    gap = float(areas[0] - areas[1])
    error = math.sqrt(max(0.0, covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    half = normal_quantile(confidence) * error
    z = gap / error if error > 0 else math.copysign(math.inf, gap) if gap else 0.0
    p = 2 * NormalDist().cdf(-abs(z))
    return DelongTest(float(areas[0]), float(areas[1]), Interval(gap, gap - half, gap + half), z, p)


def _areas(truth: ArrayLike, scores: list[ArrayLike]) -> tuple[Floats, Floats]:
    """Areas ``(methods,)`` and their covariance ``(methods, methods)``."""
    won, lost = placements(truth, scores)
    covariance = (
        np.atleast_2d(np.cov(won)) / won.shape[1] + np.atleast_2d(np.cov(lost)) / lost.shape[1]
    )
    return won.mean(axis=1), covariance


def placements(truth: ArrayLike, scores: Sequence[ArrayLike]) -> tuple[Floats, Floats]:
    """Of every case the share of the other side that it is ranked rightly against; ties count half.

    The mean of either is the area under the ROC curve.

    Args:
        truth: ``(N,)`` true where the case is positive.
        scores: of each method ``(N,)``, higher means more likely positive.

    Returns:
        ``(methods, positives)`` and ``(methods, negatives)``, 0..1: the structural components V10 and V01 of DeLong 1988.

    Raises:
        RecordError: with fewer than two positive or two negative cases, or if the lists differ in length.
    """
    positive = np.asarray(truth).astype(bool)
    table = np.stack([np.asarray(score, dtype=np.float64) for score in scores])
    if table.shape[1:] != positive.shape:
        raise RecordError(
            f"scores of shape {table.shape[1:]} do not fit {positive.shape} cases; give one for each"
        )
    many, few = int(positive.sum()), int((~positive).sum())
    if many < 2 or few < 2:
        raise RecordError(
            f"DeLong's variance needs two positive and two negative cases, got {many} and {few}; add cases"
        )
    outranked = np.stack([_midranks(row)[positive] - _midranks(row[positive]) for row in table])
    outranking = np.stack([_midranks(row)[~positive] - _midranks(row[~positive]) for row in table])
    return outranked / few, 1 - outranking / many


def _midranks(values: Floats) -> Floats:
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[inverse])
