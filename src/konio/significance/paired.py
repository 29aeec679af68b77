"""Two methods on the same cases or seeds: paired t, McNemar, and Holm's correction for many tests.

References:
    McNemar Q, Psychometrika 1947;12:153-157. Fagerland MW et al., BMC Medical Research Methodology
    2013;13:91 (exact and mid-p). Holm S, Scandinavian Journal of Statistics 1979;6:65-70. Dossier section 5, S2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError
from konio.significance.intervals import Interval, sample, t_interval, two_sided_p


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
    sd, mean = float(differences.std(ddof=1)), float(differences.mean())
    if sd == 0:
        t = math.copysign(math.inf, mean) if mean else 0.0
        p = 0.0 if mean else 1.0
        effect = t
    else:
        t = mean / (sd / math.sqrt(len(first)))
        p, effect = two_sided_p(t, len(first) - 1), mean / sd
    return PairedT(t, len(first) - 1, p, t_interval(differences, confidence), sd, effect)


def welch_p(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p value of Welch's t-test, for runs whose pairing by seed is arbitrary."""
    from scipy.stats import ttest_ind

    return float(ttest_ind(sample(a), sample(b), equal_var=False).pvalue)


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
