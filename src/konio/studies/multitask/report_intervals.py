"""Intervals that a page needs besides those of `konio.significance`: of runs that are not paired, and of patients with several films.

Films of one person resemble one another. Wilson's interval, McNemar's test and DeLong's variance take every film for a new person
and promise too much there; each has a form below that counts patients, and that is the usual one where every patient has one film.

References:
    Welch BL, Biometrika 1947;34:28-35. Rao JNK, Scott AJ, Biometrics 1992;48:577-585 (effective number of films). Obuchowski
    NA, Biometrics 1997;53:567-578 (areas) and Statistics in Medicine 1998;17:1495-1507 (pairs of answers).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.significance import Interval, delong_interval, mcnemar, wilson
from konio.significance.intervals import moments, normal_quantile, sample, t_quantile

Floats = NDArray[np.float64]


def welch_interval(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Interval:
    """Difference of two means, a - b, of runs that nothing pairs.

    Args:
        a: ``(n,)`` scores of one method.
        b: ``(m,)`` scores of the other.
        confidence: level, 0..1.

    Raises:
        RecordError: on fewer than two scores of either.
    """
    first, second = sample(a), sample(b)
    size = max(abs(first).max(), abs(second).max())
    parts = [moments(own, size)[1] ** 2 / len(own) for own in (first, second)]
    gap, squared = float(first.mean() - second.mean()), sum(parts)
    if squared == 0:
        return Interval(gap, gap, gap)
    freedom = squared**2 / sum(
        part**2 / (len(own) - 1) for part, own in zip(parts, (first, second), strict=True)
    )
    half = t_quantile(confidence, freedom) * math.sqrt(squared)
    return Interval(gap, gap - half, gap + half)


def share(right: ArrayLike, patients: Sequence[str]) -> Interval:
    """Share of right answers with Wilson's interval, of the number of films that as many independent ones would be worth.

    The effective number is that of films over the design effect; never more than films. Where all answers are alike it is that of patients.

    Args:
        right: ``(N,)`` bool, one film or more.
        patients: ``(N,)`` of each film.
    """
    answers = np.asarray(right, dtype=bool)
    films, hits = len(answers), int(answers.sum())
    owner, many = _owners(patients)
    if many in (1, films):
        return wilson(hits, films)
    p = hits / films
    if hits in (0, films):
        worth = float(many)
    else:
        off = np.bincount(owner, answers - p, many)
        variance = many / (many - 1) * float((off**2).sum()) / films**2
        worth = min(float(films), p * (1 - p) / variance) if variance else float(films)
    return _score_interval(p, worth)


def _score_interval(p: float, trials: float, confidence: float = 0.95) -> Interval:
    """`konio.significance.wilson` of a number of trials that need not be whole."""
    z2 = normal_quantile(confidence) ** 2
    middle = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (p * (1 - p) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    return Interval(p, 0.0 if p == 0 else middle - half, 1.0 if p == 1 else middle + half)


def mean_share(right: ArrayLike, counted: ArrayLike, patients: Sequence[str]) -> Interval:
    """Mean of several shares of the same films, with an interval by patients: the sum of what each one's films pull it by.

    Args:
        right: ``(K, N)`` bool, what counts as right in each share.
        counted: ``(K, N)`` bool, the films that belong to each share, one or more of each.
        patients: ``(N,)`` of each film, two or more.

    Returns:
        The mean over the K shares with its normal interval, cut at 0 and 1.
    """
    inside = np.asarray(counted, dtype=bool)
    answers = np.asarray(right, dtype=bool) & inside
    films = inside.sum(axis=1, keepdims=True)  # (K, 1)
    shares = answers.sum(axis=1, keepdims=True) / films
    pull = (np.where(inside, answers - shares, 0.0) / films).mean(axis=0)  # (N,)
    owner, many = _owners(patients)
    squares = float((np.bincount(owner, pull, many) ** 2).sum())
    half = normal_quantile(0.95) * math.sqrt(many / (many - 1) * squares)
    mean = float(shares.mean())
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half))


def apart(
    first: ArrayLike, second: ArrayLike, patients: Sequence[str]
) -> tuple[tuple[int, int], float]:
    """Films that only one of two methods has right, and the exact P of their difference; each patient's films change sides together.

    Args:
        first: ``(N,)`` bool, where the first method is right.
        second: ``(N,)`` bool, where the second is.
        patients: ``(N,)`` of each film.

    Returns:
        Films that only the first and only the second has right; two-sided P.
    """
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    owner, many = _owners(patients)
    test = mcnemar(one, other)
    both = test.only_first, test.only_second
    if many == len(one):
        return both, test.exact
    gaps = np.bincount(owner, one.astype(np.float64) - other, many).round().astype(np.int64)
    weights = np.abs(gaps[gaps != 0])
    reach = int(weights.sum())
    chance = np.zeros(
        2 * reach + 1
    )  # of every sum that random signs of the patients' differences can have
    chance[reach] = 1.0
    for weight in weights:
        chance = (np.roll(chance, weight) + np.roll(chance, -weight)) / 2
    far = abs(int(gaps.sum()))
    sums = np.abs(np.arange(-reach, reach + 1))
    return both, min(1.0, float(chance[sums >= far].sum()))


def area(positive: ArrayLike, score: ArrayLike, patients: Sequence[str]) -> Interval:
    """Area under the ROC curve with DeLong's interval, its variance summed by patients.

    Args:
        positive: ``(N,)`` bool.
        score: ``(N,)``, higher means more likely positive.
        patients: ``(N,)`` of each film.

    Raises:
        RecordError: with fewer than two positive or two negative films.
    """
    found = delong_interval(positive, score)
    owner, many = _owners(patients)
    if many == len(owner) or many < 2:
        return found
    truth, values = np.asarray(positive, dtype=bool), np.asarray(score, dtype=np.float64)
    won = _wins(values[truth], values[~truth])
    lost = 1 - _wins(values[~truth], values[truth])
    pull = np.empty(len(truth))
    pull[truth] = (won - found.estimate) / truth.sum()
    pull[~truth] = (lost - found.estimate) / (~truth).sum()
    by_patient = np.bincount(owner, pull, many)
    half = normal_quantile(0.95) * math.sqrt(many / (many - 1) * float((by_patient**2).sum()))
    estimate = found.estimate
    return Interval(estimate, max(0.0, estimate - half), min(1.0, estimate + half))


def _wins(mine: Floats, others: Floats) -> Floats:
    """For each of mine the share of others that it exceeds; equals count half."""
    ranked = np.sort(others)
    below = np.searchsorted(ranked, mine, "left") + np.searchsorted(ranked, mine, "right")
    return np.asarray(below / (2 * len(others)), dtype=np.float64)


def _owners(patients: Sequence[str]) -> tuple[NDArray[np.intp], int]:
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    return owner, len(names)
