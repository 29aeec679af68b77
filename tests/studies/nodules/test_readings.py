"""Relevance and the classical model: known dependences are found, constants are not, the cosine cannot tell them apart."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from konio.errors import CohortError
from konio.nodules import RATED, SCALES, Nodule, Readings
from konio.studies.nodules.classical import PREDICTORS, classical_model, two_class_scores
from konio.studies.nodules.relevance import (
    _centred,
    _cosines,
    _draws,
    _informations,
    _spearmans,
    centred_cosine,
    cosine,
    mutual_information,
    relevance,
    spearman,
)
from konio.studies.nodules.report_readings import classical_table, relevance_figure
from konio.studies.reported import read


def readings(count: int = 120, seed: int = 3) -> Readings:
    """Spiculation and diameter follow malignancy, margin runs against it, internal structure never varies."""
    rng = np.random.default_rng(seed)
    nodules = []
    for row in range(count):
        grade = int(rng.integers(1, 6))
        ratings = {
            name: tuple(int(rng.integers(1, len(SCALES[name]) + 1)) for _ in range(4))
            for name in RATED
        }
        ratings |= {
            "malignancy": (grade,) * 4,
            "spiculation": (grade,) * 4,
            "margin": (6 - grade,) * 4,
            "internal_structure": (1,) * 4,
        }
        diameter = 4.0 * grade + float(rng.normal(0, 0.2))
        nodules.append(Nodule(str(row), f"p{row // 2}", ratings, diameter_mm=diameter, index=row))
    return Readings(tuple(nodules))


def test_constants_have_a_high_cosine_and_no_relevance() -> None:
    found = {one.name: one for one in relevance(readings(), np.random.default_rng(0), 50)}
    constant = found["internal_structure"]
    assert constant.cosine.estimate > 0.85
    assert constant.centred == constant.spearman == constant.information == (0, 0, 0)
    assert found["spiculation"].centred.estimate == pytest.approx(1)
    assert found["margin"].spearman.estimate == pytest.approx(-1)
    assert found["spiculation"].information.estimate == pytest.approx(math.log2(5), abs=0.3)
    for measure in ("cosine", "centred", "spearman", "information"):
        estimate, low, high = getattr(found["diameter"], measure)
        assert low < estimate < high, measure
    assert found["texture"].information.low == 0


def test_intervals_are_those_of_drawing_patients_anew() -> None:
    """The measures of weighted nodules are those of nodules written down as often as they were drawn."""
    table, rng = readings(40), np.random.default_rng(2)
    x, y = table.mean("texture"), table.mean("malignancy")
    taken = _draws(list(table.patients), rng, 25)
    assert taken.shape == (25, 40) and (taken[:, ::2] == taken[:, 1::2]).all()  # two nodules each
    for measure, drawn, left, right in (
        (cosine, _cosines, x, y),
        (centred_cosine, _centred, x, y),
        (lambda a, b: stats.spearmanr(a, b).statistic, _spearmans, x, y),
        (mutual_information, _informations, np.rint(x), np.rint(y)),
    ):
        whole = drawn(taken, left, right)
        for one, times in zip(whole, taken.astype(int), strict=True):
            again = measure(np.repeat(left, times), np.repeat(right, times))
            assert max(one, 0.0 if drawn is _informations else -1.0) == pytest.approx(again)


def test_one_patient_has_no_interval() -> None:
    nodules = [dataclasses.replace(nodule, patient_id="p") for nodule in readings(20)]
    for one in relevance(Readings(tuple(nodules)), np.random.default_rng(0), 10):
        assert one.spearman.low == one.spearman.estimate == one.spearman.high


def test_the_figure_speaks_of_internal_structure_only_where_it_is_there() -> None:
    table = readings()
    found = relevance(table, np.random.default_rng(0), 5)
    some = [one for one in found if one.name != "internal_structure"]
    assert "internal structure" in relevance_figure(found).caption.en
    shown = relevance_figure(some)
    assert "internal" not in shown.caption.en and "内部结构" not in shown.caption.zh


def test_measures_on_values_worked_out_by_hand() -> None:
    assert cosine([3, 4], [4, 3]) == pytest.approx(24 / 25)
    assert centred_cosine([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert spearman([1, 2, 3, 4], [1, 8, 27, 64]) == pytest.approx(1)
    assert mutual_information([0, 0, 1, 1] * 100, [0, 0, 1, 1] * 100) == pytest.approx(1, abs=0.01)
    assert mutual_information([0, 1, 0, 1] * 100, [0, 0, 1, 1] * 100) == 0
    with pytest.raises(CohortError, match="at least 3"):
        relevance(readings(2), np.random.default_rng(0), 5)


def test_malignancy_is_no_predictor_and_the_model_finds_what_is_there() -> None:
    assert "malignancy" not in PREDICTORS and len(PREDICTORS) == 8
    found = classical_model(
        readings(), np.random.default_rng(1), repeats=1, models=("logistic", "diameter")
    )
    assert found.scores["logistic"]["accuracy"].estimate > 0.97
    assert found.scores["diameter"]["auc"].estimate > 0.97
    assert found.scores["majority"]["auc"].estimate == 0.5
    assert found.nodules == sum(g[0] != 3 for g in (n.ratings["malignancy"] for n in readings()))


def test_what_nobody_rated_is_left_out_and_named() -> None:
    """The collection of cubes has no calcification and no internal structure."""
    silent = ("calcification", "internal_structure")
    table = Readings(
        tuple(
            dataclasses.replace(
                nodule, ratings={n: g for n, g in nodule.ratings.items() if n not in silent}
            )
            for nodule in readings()
        )
    )
    names = [one.name for one in relevance(table, np.random.default_rng(0), 5)]
    assert not set(silent) & set(names) and "spiculation" in names
    found = classical_model(
        table, np.random.default_rng(1), repeats=1, models=("logistic", "diameter")
    )
    assert found.unrated == ("calcification",)
    assert found.scores["logistic"]["accuracy"].estimate > 0.97
    shown = classical_table(found, read("nodules"))
    assert shown.note.en.startswith("Nobody rated: calcification. ")
    assert shown.note.zh.startswith("未评：钙化。")


def test_nothing_is_found_where_nothing_is() -> None:
    rng = np.random.default_rng(5)
    shuffled = [
        dataclasses.replace(
            nodule,
            diameter_mm=float(rng.uniform(4, 20)),
            ratings={**nodule.ratings, "spiculation": (3,) * 4, "margin": (3,) * 4},
        )
        for nodule in readings()
    ]
    found = classical_model(
        Readings(tuple(shuffled)), np.random.default_rng(1), repeats=1, models=("logistic",)
    )
    assert found.scores["logistic"]["auc"].estimate < 0.7


def test_scores_of_two_classes() -> None:
    truth, called = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    found = two_class_scores(truth, called, np.array([0.1, 0.6, 0.7, 0.8]))
    assert found == {
        "accuracy": 0.75,
        "balanced_accuracy": 0.75,
        "sensitivity": 1.0,
        "specificity": 0.5,
        "auc": 1.0,
    }
    assert math.isnan(two_class_scores(truth[:2], called[:2], np.zeros(2))["auc"])
