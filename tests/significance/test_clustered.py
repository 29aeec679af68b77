"""Patients with several films: the printed formulas film by film, laws of copies, and how often an interval holds the truth."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from konio.errors import RecordError
from konio.significance import (
    clustered_delong_interval,
    clustered_mcnemar,
    clustered_mean_share,
    clustered_wilson,
    delong_interval,
    mcnemar,
    wilson,
)

Z = NormalDist().inv_cdf(0.975)
SEEDS = st.integers(0, 2**32 - 1)
CLASSES = np.arange(3)[:, None]


class Films:
    """Films of patients who have one to five each: two methods' answers, a finding, a score, three classes."""

    def __init__(self, seed: int, patients: int = 14, most: int = 5, least: int = 1) -> None:
        rng = np.random.default_rng(seed)
        owner = np.repeat(np.arange(patients), rng.integers(least, most + 1, patients))
        films, bent = len(owner), rng.normal(0, 1, (3, patients))[:, owner]
        self.patients = [f"p{k}" for k in rng.permutation(patients)[owner]]
        self.first, self.second = rng.normal(0, 1, (2, films)) + bent[:2] < 0.6
        self.sick = rng.permutation(np.arange(films) % 5 < 2)
        self.score = np.round(rng.normal(0, 1, films) + bent[2] + self.sick, 1)
        self.truth = rng.permutation(np.arange(films) % 3)
        self.said = np.where(self.first, self.truth, rng.integers(0, 3, films))

    def of(self, values: np.ndarray) -> list[np.ndarray]:
        """The values of one patient after the other."""
        found = defaultdict(list)
        for name, value in zip(self.patients, values, strict=True):
            found[name].append(value)
        return [np.array(own) for own in found.values()]


def width(interval: tuple[float, float, float]) -> float:
    return interval[2] - interval[1]


def ends(middle: float, variance: float) -> tuple[float, float, float]:
    half = Z * math.sqrt(variance)
    return middle, max(0.0, middle - half), min(1.0, middle + half)


def pairs_won(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Every positive film against every negative one, ``(positives, negatives)``."""
    gap = score[truth][:, None] - score[~truth][None, :]
    return (gap > 0) + 0.5 * (gap == 0)


def obuchowski(films: Films) -> tuple[float, float, float]:
    """Area, and its variance as printed in Obuchowski 1997 and with one factor for all three parts."""
    won = pairs_won(films.sick, films.score)
    area, (many, few) = won.mean(), won.shape
    v = np.empty(len(films.sick))
    v[films.sick], v[~films.sick] = won.mean(axis=1), won.mean(axis=0)
    parts = [0.0, 0.0, 0.0]
    having = [0, 0]
    for sick, own in zip(films.of(films.sick), films.of(v), strict=True):
        x, y = ((own[sick == side] - area).sum() for side in (True, False))
        having = [having[0] + sick.any(), having[1] + (~sick).any()]
        parts = [parts[0] + x * x / many**2, parts[1] + y * y / few**2, parts[2] + 2 * x * y / many / few]  # fmt: skip
    whole = len(set(films.patients))
    factors = [k / (k - 1) for k in (*having, whole)]
    printed = sum(f * part for f, part in zip(factors, parts, strict=True))
    return area, printed, factors[2] * sum(parts)


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_one_film_a_patient_gives_the_usual_ones(seed):
    films = Films(seed, patients=30, most=1)
    for confidence in (0.95, 0.8):
        hits = int(films.first.sum())
        assert clustered_wilson(films.first, films.patients, confidence) == wilson(hits, 30, confidence)  # fmt: skip
        own = clustered_delong_interval(films.sick, films.score, films.patients, confidence)
        assert own == delong_interval(films.sick, films.score, confidence)
    assert clustered_mcnemar(films.first, films.second, films.patients) == mcnemar(films.first, films.second)  # fmt: skip
    right, counted = films.said == CLASSES, films.truth == CLASSES
    found = clustered_mean_share(right, counted, films.patients)
    shares = [right[k][counted[k]].mean() for k in range(3)]  # each film in one of them
    variance = sum(p * (1 - p) / counted[k].sum() for k, p in enumerate(shares)) / 9
    assert found == pytest.approx(ends(np.mean(shares), 30 / 29 * variance))


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_a_share_has_the_variance_of_rao_and_scott(seed):
    films = Films(seed)
    p, many = films.first.mean(), len(films.first)
    own = films.of(films.first)
    variance = len(own) / (len(own) - 1) * sum((x.sum() - len(x) * p) ** 2 for x in own) / many**2
    found = clustered_wilson(films.first, films.patients)
    effect = variance / (p * (1 - p) / many)
    worth = many / max(1.0, effect)
    low, high = (p + Z**2 / (2 * worth) + s * Z * math.sqrt(p * (1 - p) / worth + (Z / worth / 2) ** 2) for s in (-1, 1))  # fmt: skip
    assert found == pytest.approx((p, low / (1 + Z**2 / worth), high / (1 + Z**2 / worth)))
    one = clustered_mean_share([films.first], [np.ones(many, bool)], films.patients)
    assert one == pytest.approx(ends(p, variance))


@given(SEEDS)
@settings(deadline=None, max_examples=30)
def test_a_mean_of_shares_varies_as_the_weights_of_patients_do(seed):
    """Macro-recall, and its variance from small changes of the weight of every patient instead of from the formula."""
    films = Films(seed, patients=25)
    found = clustered_mean_share(films.said == CLASSES, films.truth == CLASSES, films.patients)
    names, hit = np.unique(films.patients), films.said == films.truth

    def macro(name: str = "", more: float = 0.0) -> float:
        weight = 1 + more * (np.array(films.patients) == name)
        kinds = [films.truth == k for k in range(3)]
        return float(np.mean([np.average(hit[kind], weights=weight[kind]) for kind in kinds]))

    slopes = [(macro(name, 1e-4) - macro(name, -1e-4)) / 2e-4 for name in names]
    variance = 25 / 24 * sum(slope**2 for slope in slopes)
    assert macro() == pytest.approx(sk.recall_score(films.truth, films.said, average="macro"))
    assert found == pytest.approx(ends(macro(), variance), rel=1e-5)


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_the_p_value_counts_every_change_of_signs(seed):
    films = Films(seed, patients=9)
    gaps = [int(own.sum()) for own in films.of(films.first.astype(int) - films.second)]
    sums = [abs(sum(s * g for s, g in zip(signs, gaps, strict=True))) for signs in itertools.product((1, -1), repeat=9)]  # fmt: skip
    seen, found = abs(sum(gaps)), clustered_mcnemar(films.first, films.second, films.patients)
    assert found[:2] == mcnemar(films.first, films.second)[:2]
    assert found.exact == pytest.approx(np.mean([s >= seen for s in sums]))
    if any(gaps):
        assert found.mid == pytest.approx(found.exact - np.mean([s == seen for s in sums]) / 2)
    turned = clustered_mcnemar(films.second, films.first, films.patients)
    assert turned[2:] == pytest.approx(found[2:])


def test_many_patients_have_the_p_value_of_yang():
    """Their statistic, as chi squared; those of Obuchowski 1998 and Durkalski 2003 are others."""
    films = Films(3, patients=400)
    films.second = films.second & (np.random.default_rng(0).random(len(films.second)) < 0.93)
    gaps = films.of(films.first.astype(int) - films.second)
    d, n = np.array([own.sum() for own in gaps]), np.array([len(own) for own in gaps])
    yang, durkalski = ((x.sum()) ** 2 / (x**2).sum() for x in (d, d / n))
    found = clustered_mcnemar(films.first, films.second, films.patients).mid
    assert found == pytest.approx(stats.chi2.sf(yang, 1), rel=0.02)
    assert abs(found / stats.chi2.sf(durkalski, 1) - 1) > 0.1


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_an_area_has_obuchowskis_variance_with_one_factor(seed):
    films = Films(seed)
    area, printed, ours = obuchowski(films)
    found = clustered_delong_interval(films.sick, films.score, films.patients)
    assert found == pytest.approx(ends(area, ours))
    assert found.estimate == pytest.approx(sk.roc_auc_score(films.sick, films.score))
    assert printed >= ours - 1e-12


def test_where_every_patient_has_both_kinds_it_is_obuchowskis_to_the_last():
    for seed in range(20):
        films = Films(seed, patients=20, least=2)
        firsts = {films.patients.index(name): True for name in films.patients}
        lasts = {k + 1: False for k in firsts}  # films of one patient stand side by side
        for k, sick in {**firsts, **lasts}.items():
            films.sick[k] = sick
        area, printed, _ = obuchowski(films)
        found = clustered_delong_interval(films.sick, films.score, films.patients)
        assert found == pytest.approx(ends(area, printed))


def test_where_no_patient_has_both_kinds_obuchowskis_is_hardly_larger():
    for seed in range(20):
        films = Films(seed, patients=20)
        films.sick = np.array([int(name[1:]) % 3 == 0 for name in films.patients])
        _, printed, ours = obuchowski(films)
        rarer = len({name for name, sick in zip(films.patients, films.sick, strict=True) if sick})
        assert 1 < printed / ours < 1 + 1 / (rarer - 1)


@pytest.mark.parametrize("times", [2, 3])
def test_copies_of_every_film_promise_nothing_more(times):
    """The usual intervals shrink with the root of the number of copies."""
    for seed in range(10):
        films = Films(seed, patients=40, most=1)
        first, second, sick, score = (np.repeat(own, times) for own in (films.first, films.second, films.sick, films.score))  # fmt: skip
        patients = [name for name in films.patients for _ in range(times)]
        hits = int(films.first.sum())
        once, more = wilson(hits, 40), clustered_wilson(first, patients)
        assert width(once) <= width(more) < 1.03 * width(once)
        assert width(wilson(times * hits, times * 40)) < 0.8 * width(more)
        found = clustered_mcnemar(first, second, patients)
        test = mcnemar(films.first, films.second)
        assert found[:2] == (times * test.only_first, times * test.only_second)
        assert found[2:] == pytest.approx(test[2:])
        # DeLong counts 16 sick and 24 others, where all 40 patients count here
        once, more = delong_interval(films.sick, films.score), clustered_delong_interval(sick, score, patients)  # fmt: skip
        least = math.sqrt(40 / 39 * 15 / 16)
        assert least < width(more) / width(once) < 1
        assert width(delong_interval(sick, score)) < 0.8 * width(more)


@given(SEEDS)
@settings(deadline=None, max_examples=40)
def test_copies_within_patients_who_have_several_films_change_nothing(seed):
    films = Films(seed, patients=12, least=2)
    twice = [name for name in films.patients for _ in range(2)]
    answers, classes, cells, sick, score = (np.repeat(own, 2, axis=-1) for own in (films.said == CLASSES, films.truth == CLASSES, films.first, films.sick, films.score))  # fmt: skip
    once = clustered_mean_share(films.said == CLASSES, films.truth == CLASSES, films.patients)
    assert clustered_mean_share(answers, classes, twice) == pytest.approx(once)
    once = clustered_delong_interval(films.sick, films.score, films.patients)
    assert clustered_delong_interval(sick, score, twice) == pytest.approx(once)
    own = films.of(films.first)
    p = films.first.mean()
    variance = 12 / 11 * sum((x.sum() - len(x) * p) ** 2 for x in own) / len(films.first) ** 2
    if variance > p * (1 - p) / len(films.first):  # films of a patient are alike
        once = clustered_wilson(films.first, films.patients)
        assert clustered_wilson(cells, twice) == pytest.approx(once)


def test_answers_that_are_all_alike_are_worth_their_patients():
    patients = [f"p{i // 4}" for i in range(20)]
    for answer in (True, False):
        assert clustered_wilson([answer] * 20, patients) == wilson(5 * answer, 5)


def test_films_that_differ_within_patients_are_never_worth_more_than_films():
    right, patients = np.tile([True, False], 20), [f"p{i // 2}" for i in range(40)]
    assert clustered_wilson(right, patients) == wilson(20, 40)


def test_patients_whose_films_cancel_settle_nothing():
    first, patients = np.tile([True, False], 4), list("aabbccdd")
    assert clustered_mcnemar(first, ~first, patients) == (4, 4, 1.0, 1.0)
    assert clustered_mcnemar([True] * 3, [False] * 3, "aaa").exact == 1
    assert clustered_mcnemar(first, first, patients) == (0, 0, 1.0, 1.0)


def test_a_true_null_is_rejected_in_about_one_of_twenty():
    """Films of a patient are right together; film by film McNemar finds a difference that is not there."""
    rng, found = np.random.default_rng(5), []
    owner = np.repeat(np.arange(60), np.resize([1, 2, 3, 4, 5], 60))
    patients = [f"p{k}" for k in owner]
    for _ in range(500):
        leaning = rng.normal(0, 1.5, (2, 60))[:, owner]
        first, second = leaning + rng.normal(0, 0.7, leaning.shape) < 0.8
        own = clustered_mcnemar(first, second, patients)
        found.append((own.exact, own.mid, mcnemar(first, second).exact))
    exact, mid, naive = (np.array(found) < 0.05).mean(axis=0)
    assert 0.02 < exact < 0.07  # 0.05 at most, and 0.01 of chance in 500 turns
    assert exact <= mid < 0.075
    assert naive > 0.15


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng, held = np.random.default_rng(6), []
    owner = np.repeat(np.arange(90), np.resize([1, 2, 3, 4, 5], 90))
    patients, sick = [f"p{k}" for k in owner], owner % 2 == 0
    normal = NormalDist()
    share, area = normal.cdf(0.8 / math.sqrt(2)), normal.cdf(1 / math.sqrt(2 * 2))
    for _ in range(400):
        leaning = rng.normal(0, 1, (2, 90))[:, owner] + rng.normal(0, 1, (2, len(owner)))
        right, score = leaning[0] < 0.8, leaning[1] + sick
        kinds = np.stack([sick, ~sick])
        own = (
            clustered_wilson(right, patients),
            clustered_mean_share(np.stack([right, right]), kinds, patients),
            clustered_delong_interval(sick, score, patients),
            wilson(int(right.sum()), len(right)),
            delong_interval(sick, score),
        )
        truths = (share, share, area, share, area)
        held.append([i.low <= t <= i.high for i, t in zip(own, truths, strict=True)])
    ours, usual = np.split(np.mean(held, axis=0), [3])
    # 0.94 in 2,000 turns, since 90 patients are not many; 400 turns leave 0.012 of chance
    assert (ours > 0.91).all() and (ours < 0.98).all()
    assert (usual < 0.89).all()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda: clustered_wilson([True, False], "aa"), "needs two of them, got 1"),
        (lambda: clustered_wilson([True, False], "abc"), "name one for each film"),
        (lambda: clustered_wilson([], ""), "no proportion"),
        (lambda: clustered_wilson([True, True, False], "aab", confidence=95), "try 0.95"),
        (lambda: clustered_mean_share([[True, False]], [[True, True]], "aa"), "got 1"),
        (lambda: clustered_mean_share([[True, False]], [[False, False]], "ab"), "leave out shares"),
        (lambda: clustered_mean_share([True, False], [True, True], "ab"), "shares by films"),
        (lambda: clustered_mean_share([[True, False]], [[True, True]], "abc"), "name one"),
        (lambda: clustered_mcnemar([True], [True, False], "ab"), "differ in number"),
        (lambda: clustered_mcnemar([True, False], [True, False], "abc"), "name one"),
        (lambda: clustered_delong_interval([1, 1, 0, 0], [4, 3, 2, 1], "aaaa"), "got 1"),
        (lambda: clustered_delong_interval([1, 1, 0, 0], [4, 3, 2, 1], "abc"), "name one"),
        (lambda: clustered_delong_interval([1, 0, 0, 0], [4, 3, 2, 1], "aabb"), "two positive"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, why):
    with pytest.raises(RecordError, match=why):
        wrong()
