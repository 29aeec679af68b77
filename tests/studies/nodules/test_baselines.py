"""What needs no network: on the folds of the networks, with two classes and with three."""

from __future__ import annotations

import numpy as np
import pytest
from tests.learning.made_up_nodules import readings

from konio.cohort import Split
from konio.learning.nodule_parts import nodule_folds
from konio.studies.nodules.baselines import BASELINES, baseline_scores
from konio.tasks import MISSING


def folds(count: int) -> tuple[Split, ...]:
    return nodule_folds(readings(count), 3, np.random.default_rng(0))


def test_three_classes_have_baselines_too() -> None:
    table = readings(90)
    large = np.digitize(table.diameters, (7.0, 10.0))
    shapes = np.random.default_rng(0).normal(size=(90, 4))
    found = baseline_scores(table, shapes, {"margin": large}, folds(90), 3)
    assert tuple(found) == BASELINES
    for name in BASELINES:
        assert set(found[name]["margin"]) == {0, 1, 2}
    split = folds(90)[0]
    share = np.bincount(large[list(split.train)]).argmax()
    majority = found["majority"]["margin"][0]
    assert majority["accuracy"] == pytest.approx((large[list(split.test)] == share).mean())
    assert majority["balanced_accuracy"] == pytest.approx(1 / 3)
    assert set(majority) == {"accuracy", "balanced_accuracy"}
    # The diameter tells its own grades apart and noise does not.
    assert found["diameter"]["margin"][0]["accuracy"] > 0.85
    assert found["shape"]["margin"][0]["accuracy"] < 0.75


def test_a_fold_without_a_class_is_left_out_and_the_others_keep_their_number() -> None:
    table, known = readings(60), np.full(60, MISSING)
    split = folds(60)
    known[list(split[1].test)] = np.arange(len(split[1].test)) % 2
    known[list(split[2].test)] = np.arange(len(split[2].test)) % 2
    found = baseline_scores(table, None, {"margin": known, "diameter": known}, split)
    assert set(found["majority"]["margin"]) == {1, 2}
    assert found["shape"] == {}
    assert "diameter" not in found["diameter"]
