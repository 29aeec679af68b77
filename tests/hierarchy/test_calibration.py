"""Temperatures of the levels: found again where they are known, and no verdict moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from konio import metrics
from konio.hierarchy import StagingPlan, build_staging, decide
from konio.hierarchy.bundle import Staging
from konio.hierarchy.calibration import fit_temperatures, temperatures_of, warmed
from konio.networks.classifier import ClassifierPlan


def levels(seed: int, films: int, heat: tuple[float, float] = (1.0, 1.0)):
    """Both levels' probabilities and stages drawn from them; then each level is made too sure by a factor."""
    rng = np.random.default_rng(seed)
    first = metrics.softmax(rng.normal(0, 2, (films, 2)))
    second = metrics.softmax(rng.normal(0, 2, (films, 3)))
    ill = rng.random(films) < first[:, 1]
    stage = 1 + (rng.random(films)[:, None] > second.cumsum(axis=1)[:, :2]).sum(axis=1)
    said = [warmed(own, 1 / factor) for own, factor in zip((first, second), heat, strict=True)]
    return said, np.where(ill, stage, 0).astype(np.int64)


def test_each_level_gets_back_the_factor_that_made_it_too_sure():
    said, truth = levels(0, 6000, (3.0, 0.5))
    found = fit_temperatures(said, truth)
    assert found["level-1"] == pytest.approx(3.0, rel=0.1)
    assert found["level-2"] == pytest.approx(0.5, rel=0.1)
    warm = [warmed(own, t) for own, t in zip(said, temperatures_of(found, 2), strict=True)]
    ill = truth > 0
    for raw, own, label in (
        (said[0], warm[0], ill.astype(np.int64)),
        (said[1][ill], warm[1][ill], truth[ill] - 1),
    ):
        before = metrics.expected_calibration_error(raw, label)
        assert metrics.expected_calibration_error(own, label) < before / 2


def test_one_level_has_one_temperature():
    rng = np.random.default_rng(1)
    sure = metrics.softmax(rng.normal(0, 1.5, (4000, 4)))
    truth = (rng.random(4000)[:, None] > sure.cumsum(axis=1)[:, :3]).sum(axis=1)
    found = fit_temperatures([warmed(sure, 0.4)], truth)
    assert found == {"level-1": pytest.approx(2.5, rel=0.1)}


def test_half_a_calibration_is_none():
    said, truth = levels(2, 40)
    assert fit_temperatures(said, np.zeros_like(truth)) == {}
    assert fit_temperatures([own[:0] for own in said], truth[:0]) == {}
    assert temperatures_of({}, 2) == (1.0, 1.0)


@given(st.integers(0, 10_000), st.floats(0.05, 20), st.floats(0.05, 20), st.floats(0, 1))
def test_no_verdict_moves_and_the_calibrated_cut_point_parts_the_same_films(
    seed: int, first: float, second: float, cut: float
) -> None:
    said, _ = levels(seed, 30)
    plan = StagingPlan(tuple(ClassifierPlan(n, "resnet-mini") for n in (2, 3)))
    network = _network(plan)
    warm = Staging(network, cut, (first, second))
    plain = decide(said[0][:, 1], said[1], cut)
    found = warm.verdicts(*said)
    assert found.stage.tolist() == plain.stage.tolist()
    assert found.level.tolist() == plain.level.tolist()
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    disease, own = 1 - found.probabilities[:, 0], warm.calibrated_cut_point
    assert (disease[plain.passed] >= own - 1e-12).all()
    assert (disease[~plain.passed] <= own + 1e-12).all()


def _network(plan: StagingPlan):
    if plan not in _MADE:
        _MADE[plan] = build_staging(plan, torch.Generator().manual_seed(0)).eval()
    return _MADE[plan]


_MADE: dict[StagingPlan, object] = {}


def test_without_temperatures_probabilities_stay_as_they_are_to_the_bit():
    said, _ = levels(3, 20)
    plan = StagingPlan(tuple(ClassifierPlan(n, "resnet-mini") for n in (2, 3)))
    staging = Staging(_network(plan), 0.4)
    plain = decide(said[0][:, 1], said[1], 0.4)
    assert np.array_equal(staging.verdicts(*said).probabilities, plain.probabilities)
    assert staging.calibrated_cut_point == 0.4
