r"""Patients with several films: intervals and tests that count people, not films.

Films of one person resemble one another. Wilson's interval, McNemar's test and DeLong's variance take every film for a new person
and promise too much there. Each has a form here that counts patients: :math:`K` of them, of whom the k-th has :math:`n_k` of the
:math:`N` films. Where every patient has one film these are the usual ones.

The variances are those of large numbers of patients; with a dozen or two the normal intervals are somewhat too narrow. The test is
exact for any number.

References:
    Rao JNK, Scott AJ, Biometrics 1992;48:577-585 (shares). Woodruff RS, Journal of the American Statistical Association
    1971;66:411-414 (functions of several shares). Obuchowski NA, Biometrics 1997;53:567-578 (areas). Yang Z, Sun X, Hardin JW,
    Biometrical Journal 2010;52:638-652 (pairs of answers, and how the tests of Obuchowski 1998 and Durkalski 2003 differ).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError
from konio.significance.delong import delong_interval, placements
from konio.significance.intervals import Interval, normal_quantile, score_interval, wilson
from konio.significance.paired import McNemar, mcnemar

Floats = NDArray[np.float64]
Owners = NDArray[np.intp]


def clustered_wilson(
    right: ArrayLike, patients: Sequence[str], confidence: float = 0.95
) -> Interval:
    r"""Share of right answers with Wilson's interval, at the number of independent films that these would be worth.

    With :math:`x_k` right answers of patient k, the share p has the variance

    .. math:: v = \frac{K}{K - 1} \sum_k \frac{(x_k - n_k p)^2}{N^2}

    and the films are worth :math:`p (1 - p) / v`, which is N over the design effect, but never more than N. Where all answers
    are alike v says nothing and they are worth K, one for each patient.

    Args:
        right: ``(N,)`` bool, one film or more.
        patients: ``(N,)`` of each film.
        confidence: level, 0..1.

    Raises:
        RecordError: without a film, if the lists differ in length, or if all of several films are of one patient.

    References:
        Rao and Scott 1992 (v, design effect and effective number). Franco C et al., Journal of Survey Statistics
        and Methodology 2019;7:334-364 (Wilson's interval at that number, and that it covers somewhat too seldom).

    Examples:
        >>> tuple(round(x, 4) for x in clustered_wilson([1, 1, 1, 0], ["a", "b", "c", "d"]))
        (0.75, 0.3006, 0.9544)
        >>> tuple(round(x, 4) for x in clustered_wilson([1, 1, 1, 1, 1, 1, 0, 0], list("aabbccdd")))
        (0.75, 0.2561, 0.9632)
    """
    answers = np.asarray(right, dtype=bool)
    owner, many = _owners(patients, answers.shape)
    films, hits = len(answers), int(answers.sum())
    if many == films:
        return wilson(hits, films, confidence)
    _several(many)
    p = hits / films
    if hits in (0, films):
        return score_interval(p, many, confidence)
    off = np.bincount(owner, answers - p, many)
    variance = many / (many - 1) * float((off**2).sum()) / films**2
    worth = min(float(films), p * (1 - p) / variance) if variance else float(films)
    return score_interval(p, worth, confidence)


def clustered_mean_share(
    right: ArrayLike, counted: ArrayLike, patients: Sequence[str], confidence: float = 0.95
) -> Interval:
    r"""Mean of several shares of the same films, such as the macro-recall, with an interval by patients.

    A film i pulls the mean of the S shares by :math:`u_i = \frac{1}{S} \sum_s (x_{si} - p_s) / N_s` over those shares that count it,
    and the variance is :math:`\frac{K}{K - 1} \sum_k (\sum_{i \in k} u_i)^2`.

    Args:
        right: ``(S, N)`` bool, what counts as right in each share.
        counted: ``(S, N)`` bool, the films that belong to each share, one or more of each; a film may belong to several.
        patients: ``(N,)`` of each film, two patients or more.
        confidence: level, 0..1.

    Returns:
        The mean over the S shares with its normal interval, cut at 0 and 1.

    Raises:
        RecordError: on tables that do not fit, a share without a film, or fewer than two patients.

    References:
        Woodruff 1971 (linear terms first, then sums by patients); with one share the variance of Rao and Scott 1992.
    """
    inside, answers = np.asarray(counted, dtype=bool), np.asarray(right, dtype=bool)
    if inside.ndim != 2 or inside.shape != answers.shape or not inside.any(axis=1).all():
        raise RecordError(
            f"shares need two tables of shares by films, got {answers.shape} and {inside.shape}; leave out shares without a film"
        )
    owner, many = _owners(patients, inside.shape[1:])
    _several(many)
    answers = answers & inside
    films = inside.sum(axis=1, keepdims=True)  # (S, 1)
    shares = answers.sum(axis=1, keepdims=True) / films
    pull = (np.where(inside, answers - shares, 0.0) / films).mean(axis=0)  # (N,)
    half = normal_quantile(confidence) * _error(pull, owner, many)
    mean = float(shares.mean())
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half))


def clustered_mcnemar(
    first_right: ArrayLike, second_right: ArrayLike, patients: Sequence[str]
) -> McNemar:
    r"""Whether two methods err on different numbers of the same films; the films of a patient change sides together.

    Of patient k the first method alone has :math:`b_k` films right and the second alone :math:`c_k`. Where the methods are as good as
    each other, every :math:`d_k = b_k - c_k` could as well have been :math:`-d_k`. The P value is the share of all such
    changes of signs that give :math:`|\sum_k d_k|` as large as seen, counted exactly.

    In large samples this is the test of Yang 2010, :math:`(\sum_k d_k)^2 / \sum_k d_k^2` as :math:`\chi^2`, which is that of
    Obuchowski 1998 without her :math:`(K - 1) / K`. Durkalski 2003 takes :math:`d_k / n_k`, where a patient counts once; here a
    film does.

    Args:
        first_right: ``(N,)`` bool, where the first method is right.
        second_right: ``(N,)`` bool, where the second is.
        patients: ``(N,)`` of each film; of one patient alone P is 1.

    Returns:
        Films that one method alone has right, and the P values by patients. Time and memory grow with the sum of all
        :math:`|d_k|`.

    Raises:
        RecordError: on unequal lengths.

    References:
        Fisher RA, The design of experiments, 1935, section 21 (changes of signs). Yang et al. 2010. Obuchowski NA, Statistics in
        Medicine 1998;17:1495-1507. Durkalski VL et al., Statistics in Medicine 2003;22:2417-2428.

    Examples:
        >>> clustered_mcnemar([1, 1, 1, 0], [0, 0, 0, 1], ["a", "a", "b", "c"])
        McNemar(only_first=3, only_second=1, exact=0.75, mid=0.5)
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    test = mcnemar(first, second)
    owner, many = _owners(patients, first.shape)
    if many == len(first):
        return test
    gaps = np.bincount(owner, first.astype(np.float64) - second, many).round().astype(np.int64)
    exact, mid = _sign_changes(gaps)
    return McNemar(test.only_first, test.only_second, exact, mid)


def _sign_changes(gaps: NDArray[np.int64]) -> tuple[float, float]:
    """Two-sided exact and mid-p value of a sum of whole numbers whose signs are chance."""
    weights = np.abs(gaps[gaps != 0])
    if not len(weights):
        return 1.0, 1.0
    reach = int(weights.sum())
    chance = np.zeros(2 * reach + 1)  # of every sum from -reach to reach
    chance[reach] = 1.0
    for weight in weights:
        chance = (np.roll(chance, weight) + np.roll(chance, -weight)) / 2
    far = abs(int(gaps.sum()))
    sums = np.abs(np.arange(-reach, reach + 1))
    exact = min(1.0, float(chance[sums >= far].sum()))
    return exact, exact - float(chance[sums == far].sum()) / 2


def clustered_delong_interval(
    truth: ArrayLike, score: ArrayLike, patients: Sequence[str], confidence: float = 0.95
) -> Interval:
    r"""Area under the ROC curve with DeLong's interval, its variance summed by patients.

    Every positive film pulls the area A by :math:`(V_{10} - A) / P`, every negative one by :math:`(V_{01} - A) / Q`, where P and Q are
    their numbers and V the share of the other side that a film is ranked rightly against. With :math:`u_k` the sum over the films
    of a patient, who may have both kinds, the variance is :math:`\frac{K}{K - 1} \sum_k u_k^2`.

    This is Obuchowski's variance with one factor :math:`K / (K - 1)` for its three parts. She has it for the covariance of the two
    kinds alone, and counts for the other two parts those patients who have a positive, or a negative, film. The two agree where
    every patient has both kinds; else hers is larger, where nobody has both by a share of less than 1 / (k - 1), of k patients with
    the rarer kind.

    Args:
        truth: ``(N,)`` true where the film is positive.
        score: ``(N,)`` higher means more likely positive.
        patients: ``(N,)`` of each film.
        confidence: level, 0..1.

    Returns:
        The area, which is that of all pairs of films, those of one patient too; bounds cut at 0 and 1.

    Raises:
        RecordError: with fewer than two positive or two negative films, if the lists differ in length, or if all films are of one
            patient.

    References:
        Obuchowski 1997. DeLong ER et al., Biometrics 1988;44:837-845.
    """
    positive = np.asarray(truth).astype(bool)
    won, lost = (rows[0] for rows in placements(positive, [score]))
    owner, many = _owners(patients, positive.shape)
    if many == len(positive):
        return delong_interval(positive, score, confidence)
    _several(many)
    estimate = float(won.mean())
    pull = np.empty(len(positive))
    pull[positive] = (won - estimate) / len(won)
    pull[~positive] = (lost - estimate) / len(lost)
    half = normal_quantile(confidence) * _error(pull, owner, many)
    return Interval(estimate, max(0.0, estimate - half), min(1.0, estimate + half))


def _error(pull: Floats, owner: Owners, many: int) -> float:
    """Standard error of an estimate from what every film pulls it by."""
    by_patient = np.bincount(owner, pull, many)
    return math.sqrt(many / (many - 1) * float((by_patient**2).sum()))


def _owners(patients: Sequence[str], shape: tuple[int, ...]) -> tuple[Owners, int]:
    """Number of the patient of every film, and how many patients there are."""
    if shape != (len(patients),):
        raise RecordError(
            f"{len(patients)} patients do not fit films of shape {shape}; name one for each film"
        )
    names, owner = np.unique(np.asarray(list(patients)), return_inverse=True)
    return owner, len(names)


def _several(many: int) -> None:
    if many < 2:
        raise RecordError(
            f"an interval by patients needs two of them, got {many}; add cases or count films"
        )
