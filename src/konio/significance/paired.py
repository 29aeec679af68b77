"""Two methods on the same cases or seeds: paired t, McNemar, 5 x 2 folds, and corrections for many tests.

References:
    McNemar Q, Psychometrika 1947;12:153-157. Fagerland MW et al., BMC Medical Research Methodology
    2013;13:91 (exact and mid-p). Holm S, Scandinavian Journal of Statistics 1979;6:65-70. Benjamini Y, Hochberg Y,
    Journal of the Royal Statistical Society B 1995;57:289-300. Alpaydin E, Neural Computation 1999;11:1885-1892.
    Dossier section 5, S2, S3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError
from konio.significance.intervals import (
    Interval,
    moments,
    sample,
    t_interval,
    t_quantile,
    two_sided_p,
)


@dataclass(frozen=True, slots=True)
class PairedT:
    """A paired t-test with the size of its effect.

    Args:
        t: mean difference in standard errors; infinite where all differences are the same and not 0.
        df: degrees of freedom.
        p: two-sided.
        difference: mean of a - b with its t-interval.
        sd: standard deviation of the differences.
        cohen_dz: mean difference in these standard deviations.
    """

    t: float
    df: int
    p: float
    difference: Interval
    sd: float
    cohen_dz: float


def paired_t(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> PairedT:
    """Paired t-test, two-sided.

    Over training seeds that share one test set it measures the noise of training only, not that of the
    cases; say so beside the p value.

    Args:
        a: ``(n,)`` scores of one method.
        b: ``(n,)`` scores of the other, in the same order.
        confidence: level of the interval, 0..1.

    Raises:
        RecordError: on unequal lengths or fewer than two pairs.

    References:
        Paper A, section 1.4 and tables 4 and 5 (40 seeds).
    """
    first, second = sample(a), sample(b)
    if len(first) != len(second):
        raise RecordError(
            f"{len(first)} and {len(second)} values cannot be paired; give both methods the same runs"
        )
    differences = first - second
    mean, sd = moments(differences, max(abs(first).max(), abs(second).max()))
    if sd == 0:
        t = math.copysign(math.inf, mean) if mean else 0.0
        p = 0.0 if mean else 1.0
        effect = t
    else:
        t = mean / (sd / math.sqrt(len(first)))
        p, effect = two_sided_p(t, len(first) - 1), mean / sd
    return PairedT(t, len(first) - 1, p, t_interval(differences, confidence), sd, effect)


def welch_p(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p value of Welch's t-test, for runs whose pairing by seed is arbitrary.

    Args:
        a: ``(n,)`` scores of one method.
        b: ``(m,)`` scores of the other.

    Returns:
        Where neither method varies, 1 if both have the same score and 0 if not.

    Raises:
        RecordError: on fewer than two scores of either.

    References:
        Welch BL, Biometrika 1947;34:28-35 (degrees of freedom of Satterthwaite).
    """
    gap, error, df, size = _welch(a, b)
    if error == 0:
        return 1.0 if moments([gap, gap], size)[0] == 0 else 0.0
    return two_sided_p(gap / error, df)


def welch_interval(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Interval:
    """Difference of two means, a - b, of runs that nothing pairs, with Welch's t-interval.

    Args:
        a: ``(n,)`` scores of one method.
        b: ``(m,)`` scores of the other.
        confidence: level, 0..1.

    Returns:
        The difference alone, without width, where neither method varies.

    Raises:
        RecordError: on fewer than two scores of either.

    References:
        Welch 1947, as for `welch_p`.
    """
    gap, error, df, _ = _welch(a, b)
    half = t_quantile(confidence, df) * error if error else 0.0
    return Interval(gap, gap - half, gap + half)


def _welch(a: ArrayLike, b: ArrayLike) -> tuple[float, float, float, float]:
    """Difference of the means, its standard error and degrees of freedom, and the largest score."""
    first, second = sample(a), sample(b)
    size = float(max(abs(first).max(), abs(second).max()))
    parts = [moments(own, size)[1] ** 2 / len(own) for own in (first, second)]
    squared = sum(parts)
    df = math.inf
    if squared:
        df = squared**2 / sum(
            part**2 / (len(own) - 1) for part, own in zip(parts, (first, second), strict=True)
        )
    return float(first.mean() - second.mean()), math.sqrt(squared), df, size


class McNemar(NamedTuple):
    """McNemar's test on two sets of answers to the same cases.

    Attributes:
        only_first: cases that only the first method has right.
        only_second: cases that only the second has right.
        exact: two-sided exact p value.
        mid: two-sided mid-p value, less conservative.
    """

    only_first: int
    only_second: int
    exact: float
    mid: float


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Whether two methods err on different numbers of the same cases.

    Args:
        first_right: ``(N,)`` bool, where the first method is right.
        second_right: ``(N,)`` bool, where the second is.

    Raises:
        RecordError: on unequal lengths.
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape:
        raise RecordError(
            f"answers {first.shape} and {second.shape} differ in number; give both methods the same cases"
        )
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    n, fewer = b + c, min(b, c)
    if n == 0:
        return McNemar(b, c, 1.0, 1.0)
    if b == c:
        return McNemar(b, c, 1.0, 1 - math.comb(n, fewer) / 2 ** (n + 1))
    at_most = sum(math.comb(n, i) for i in range(fewer + 1))
    point = math.comb(n, fewer)
    return McNemar(b, c, min(1.0, 2 * at_most / 2**n), (2 * at_most - point) / 2**n)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p values, in the order given; compare them with the usual level.

    Examples:
        >>> holm([0.01, 0.04, 0.03, 0.005]).tolist()
        [0.03, 0.06, 0.06, 0.02]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Benjamini and Hochberg's adjusted p values (false discovery rate), in the order given.

    Less strict than `holm`: of the tests called significant, the expected part of false ones keeps the level.

    Examples:
        >>> [round(float(p), 4) for p in benjamini_hochberg([0.01, 0.04, 0.03, 0.005])]
        [0.02, 0.04, 0.04, 0.02]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[::-1]
    rank = np.arange(len(p), 0, -1)
    stepped = np.minimum.accumulate(p[order] * len(p) / rank)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def five_by_two_f(differences: ArrayLike) -> tuple[float, float]:
    """Combined F test over five repeats of two-fold cross-validation.

    F = sum of all squared differences / (2 x sum of the five variances), with 10 and 5 degrees of freedom.

    Args:
        differences: ``(5, 2)`` one method minus the other, repeat by repeat.

    Returns:
        F and its p value; an infinite F where the differences never vary.

    Raises:
        RecordError: if these are not five times two finite numbers.

    References:
        Alpaydin 1999, equation 3.
    """
    from scipy.stats import f as fisher

    table = np.asarray(differences, dtype=np.float64)
    if table.shape != (5, 2) or not np.isfinite(table).all():
        raise RecordError(
            f"this test needs five repeats of two folds, got shape {table.shape}; use `nadeau_bengio_p`"
        )
    variances = ((table - table.mean(axis=1, keepdims=True)) ** 2).sum()
    squares = (table**2).sum()
    if variances == 0:
        return (math.inf, 0.0) if squares else (0.0, 1.0)
    value = float(squares / (2 * variances))
    return value, float(fisher.sf(value, 10, 5))
