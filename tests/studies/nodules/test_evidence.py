"""Scores over folds and seeds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from konio.studies.nodules.evidence import Evidence
from konio.studies.runner import Finished


def _trial(fold: int, auc: float) -> Finished:
    return Finished(
        name=f"multi-f{fold:02d}-s01",
        fingerprint="f" * 64,
        settings={"group": "multi", "fold": fold, "seed": 1},
        result={"scores": {"malignancy": {"auc": auc}}},
        folder=Path(),
        seconds=1.0,
    )


def test_the_interval_of_a_share_ends_at_one() -> None:
    evidence = Evidence([_trial(0, 0.90), _trial(1, 0.99), _trial(2, 1.0)], 3)
    found = evidence.interval("multi", "malignancy", "auc")
    assert found is not None
    assert found.estimate == pytest.approx(0.9633, abs=1e-4)
    assert 0 < found.low < 0.96
    assert found.high == 1


def test_one_training_has_no_bounds_and_none_has_nothing() -> None:
    evidence = Evidence([_trial(0, 0.9)], 3)
    found = evidence.interval("multi", "malignancy", "auc")
    assert found is not None
    assert (found.estimate, math.isnan(found.low), math.isnan(found.high)) == (0.9, True, True)
    assert evidence.interval("multi", "lobulation", "auc") is None


def test_the_interval_of_a_classical_score_ends_at_one() -> None:
    from konio.studies.nodules.classical import SCORES, _intervals

    runs = [dict.fromkeys(SCORES, value) for value in (1.0, 0.8, 1.0, 0.9, 1.0)]
    found = _intervals(runs, folds=5)["sensitivity"]
    assert found.high == 1.0
    assert 0 < found.low < found.estimate == pytest.approx(0.94)
