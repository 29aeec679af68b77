"""Intervals for one number: a proportion, a mean.

References:
    Wilson EB, Journal of the American Statistical Association 1927;22:209-212. Dossier section 5, S3, S14.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from konio.errors import RecordError

#: A number that went through a handful of sums is known but for so many of its last digits.
_LAST_DIGITS: Final = 8


class Interval(NamedTuple):
    """An estimate between two bounds."""

    estimate: float
    low: float
    high: float


def normal_quantile(confidence: float) -> float:
    """Two-sided quantile of the normal distribution, 1.96 at 0.95.

    Raises:
        RecordError: if the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise RecordError(f"confidence must lie between 0 and 1, got {confidence}; try 0.95")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion; keeps its level where counts are small or all alike.

    Args:
        successes: 0..trials.
        trials: at least 1.
        confidence: level, 0..1.

    Raises:
        RecordError: on counts that are no proportion.

    Examples:
        >>> tuple(round(x, 4) for x in wilson(8, 10))
        (0.8, 0.4902, 0.9433)
    """
    if not 0 <= successes <= trials or trials < 1:
        raise RecordError(
            f"{successes} of {trials} is no proportion; give counts with 0 <= successes <= trials"
        )
    return score_interval(successes / trials, trials, confidence)


def score_interval(p: float, trials: float, confidence: float = 0.95) -> Interval:
    """`wilson` of a number of trials that need not be whole, such as an effective one.

    Args:
        p: share, 0..1.
        trials: more than 0.
        confidence: level, 0..1.
    """
    z2 = normal_quantile(confidence) ** 2
    middle = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (p * (1 - p) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    return Interval(p, 0.0 if p == 0 else middle - half, 1.0 if p == 1 else middle + half)


def two_sided_p(t: float, df: float) -> float:
    """Two-sided p value of Student's t.

    Examples:
        >>> round(two_sided_p(0.359, 39), 4)
        0.7215
    """
    from scipy.stats import t as student

    return float(2 * student.sf(abs(t), df))


def t_quantile(confidence: float, df: float) -> float:
    """Two-sided quantile of Student's t."""
    from scipy.stats import t as student

    normal_quantile(confidence)
    return float(student.ppf(0.5 + confidence / 2, df))


def sample(values: ArrayLike, least: int = 2) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A list of finite numbers, at least so many.

    Raises:
        RecordError: if it is not.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) < least or not np.isfinite(numbers).all():
        raise RecordError(
            f"a list of at least {least} finite numbers is needed, got shape {numbers.shape}; "
            "leave out failed runs"
        )
    return numbers


def moments(values: ArrayLike, size: float) -> tuple[float, float]:
    """Mean and standard deviation (divisor n - 1), each 0 where it is no more than rounding.

    Scores of runs that agree differ in their last digit or not at all; a test must not read anything into that.

    Args:
        values: two or more finite numbers, such as differences of scores.
        size: the largest number that they were computed from, which says where its last digit stands.

    Examples:
        >>> moments([0.1 + 0.2 - 0.3] * 3, 0.3)
        (0.0, 0.0)
    """
    numbers = sample(values)
    rounding = _LAST_DIGITS * np.finfo(np.float64).eps * size
    mean, deviation = float(numbers.mean()), float(numbers.std(ddof=1))
    return (mean if abs(mean) > rounding else 0.0, deviation if deviation > rounding else 0.0)


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean and t-interval of independent values: mean ± t · s / sqrt(n).

    Raises:
        RecordError: on fewer than two values.
    """
    numbers = sample(values)
    half = t_quantile(confidence, len(numbers) - 1) * numbers.std(ddof=1) / math.sqrt(len(numbers))
    return Interval(
        float(numbers.mean()), float(numbers.mean() - half), float(numbers.mean() + half)
    )
