"""How well scores rank cases: ROC curves and the areas under them.

References:
    Hanley JA, McNeil BJ, Radiology 1982;143:29-36. Hand DJ, Till RJ, Machine Learning 2001;45:171-186.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError

Floats = NDArray[np.float64]


def _checked(truth: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    positive = np.asarray(truth).astype(bool)
    scores = np.asarray(score, dtype=np.float64)
    if positive.shape != scores.shape or positive.ndim != 1:
        raise RecordError(
            f"truth {positive.shape} and score {scores.shape} must be two equally long lists; "
            "give one score for each case"
        )
    if not np.isfinite(scores).all():
        raise RecordError("scores must be finite, got nan or inf; look for failed predictions")
    return positive, scores


def roc_curve(truth: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Receiver operating characteristic.

    Args:
        truth: ``(N,)`` true where the case is positive.
        score: ``(N,)`` higher means more likely positive.

    Returns:
        False and true positive rates, each ascending from 0 to 1, and the threshold (``score >= threshold``
        is called positive) of every point; the first threshold is infinite. Rates are ``nan`` where one of
        the two kinds of cases does not occur.
    """
    positive, scores = _checked(truth, score)
    order = np.argsort(-scores, kind="stable")
    ranked, called = scores[order], positive[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.concatenate([[0], np.cumsum(called)[last_of_tie]])
    alarms = np.concatenate([[0], np.cumsum(~called)[last_of_tie]])
    with np.errstate(invalid="ignore"):
        return (
            alarms / np.float64(alarms[-1]),
            hits / np.float64(hits[-1]),
            np.concatenate([[np.inf], ranked[last_of_tie]]),
        )


def roc_auc(truth: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive case outranks a negative one, ties counting half.

    Args:
        truth: ``(N,)`` true where the case is positive.
        score: ``(N,)`` higher means more likely positive.

    Returns:
        0..1, or ``nan`` where one of the two kinds of cases does not occur.
    """
    positive, scores = _checked(truth, score)
    pairs = positive.sum() * (~positive).sum()
    if not pairs:
        return float("nan")
    _, inverse, count = np.unique(scores, return_inverse=True, return_counts=True)
    midrank = (np.cumsum(count) - (count - 1) / 2)[inverse]
    hits = positive.sum()
    return float((midrank[positive].sum() - hits * (hits + 1) / 2) / pairs)


def one_vs_rest_auc(truth: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Area under the ROC curve of every class against all others.

    Args:
        truth: ``(N,)`` class positions.
        probabilities: ``(N, classes)``.

    Returns:
        ``(classes,)``, ``nan`` for a class that does not occur. Their mean is the macro AUC.
    """
    labels, table = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    return np.array([roc_auc(labels == k, table[:, k]) for k in range(table.shape[1])])


def hand_till_auc(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Multi-class AUC that does not depend on how common the classes are.

    The mean over all pairs of classes of (A(i|j) + A(j|i)) / 2, each measured on the cases of the two
    classes only.

    Args:
        truth: ``(N,)`` class positions.
        probabilities: ``(N, classes)``.

    Returns:
        0..1, or ``nan`` where a class does not occur.

    References:
        Hand and Till 2001, equation 7.
    """
    labels, table = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    areas = []
    for i, j in itertools.combinations(range(table.shape[1]), 2):
        among = (labels == i) | (labels == j)
        areas.append(roc_auc(labels[among] == i, table[among, i]))
        areas.append(roc_auc(labels[among] == j, table[among, j]))
    return float(np.mean(areas))
