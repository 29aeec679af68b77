"""Malignancy told from all answers of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from konio.networks.rated import RatedLoss
from konio.studies.nodules.from_answers import from_answers
from konio.tasks import NODULE_TASKS

TASKS = NODULE_TASKS.subset("spiculation", "malignancy")
LOSS = RatedLoss("votes", 2)


def answered(truth: np.ndarray, told: float, seed: int) -> dict[str, np.ndarray]:
    """Five grades each: spiculation follows the truth, malignancy as far as it is told."""
    rng = np.random.default_rng(seed)
    grades = np.linspace(-1, 1, 5)
    strength = {"spiculation": 1.0, "malignancy": told}
    return {
        name: ((2 * truth - 1) * by + rng.normal(0, 0.7, len(truth)))[:, None] * grades * 3
        for name, by in strength.items()
    }


def test_other_answers_add_what_the_one_about_malignancy_does_not_know() -> None:
    rng = np.random.default_rng(0)
    known, asked = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
    found = {
        told: from_answers((answered(known, told, 1), known), (answered(asked, told, 2), asked), TASKS, LOSS)
        for told in (0.0, 1.0)
    }  # fmt: skip
    assert found[0.0] is not None and found[1.0] is not None
    # One sign of strength 1 in noise of 0.7 tells two classes with an area of 0.978, two of them with 0.998.
    assert found[0.0]["auc"] == pytest.approx(0.978, abs=0.02)
    assert found[1.0]["auc"] > found[0.0]["auc"] and found[1.0]["accuracy"] > 0.95


@pytest.mark.parametrize("truth", [[1, 1, 1, 1], [0, 1, 1, 1]])
def test_two_nodules_of_each_class_are_needed(truth: list[int]) -> None:
    known = np.array(truth)
    asked = np.array([0, 1])
    own: Any = (answered(known, 1.0, 1), known)
    assert from_answers(own, (answered(asked, 1.0, 2), asked), TASKS, LOSS) is None


def test_one_question_tells_nothing_of_others() -> None:
    known = np.array([0, 0, 1, 1])
    own = (answered(known, 1.0, 1), known)
    for tasks in (NODULE_TASKS.subset("malignancy"), NODULE_TASKS.subset("spiculation", "margin")):
        assert from_answers(own, own, tasks, LOSS) is None
    nobody = np.zeros(0, np.int64)
    assert from_answers(own, (answered(nobody, 1.0, 2), nobody), TASKS, LOSS) is None
