"""Algorithm 2.1 and its cut point: the thesis' table, laws of the sweep, ties, and cut points that are refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import BundleError, CohortError, RecordError
from konio.hierarchy import CUT_POINTS, CutCurve, CutPoint, choose, decide, sweep

COST = (
    .9098, .9110, .9107, .9154, .9140, .9133, .9157, .9162, .9089, .9050,
    .9099, .9078, .9072, .9045, .9018, .8965, .8851, .8697, .8497,
)  # fmt: skip


def films(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities that know a little of the truth."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(4), rng.integers(0, 4, count - 4)])
    disease = np.clip(0.3 * (truth > 0) + rng.random(count) * 0.7, 0, 1)
    staging = rng.dirichlet((1, 1, 1), count)
    staging[np.arange(count), np.maximum(truth - 1, 0)] += 0.5
    return disease, staging / staging.sum(axis=1, keepdims=True), truth


def test_nineteen_cut_points() -> None:
    assert CUT_POINTS[0] == 0.05
    assert CUT_POINTS[-1] == 0.95
    assert len(CUT_POINTS) == 19
    assert np.diff(CUT_POINTS) == pytest.approx(np.full(18, 0.05))


def test_the_thesis_table_gives_the_thesis_cut_point() -> None:
    # Table 2.6 with cost (dossier 4.2 T9): 0.40.
    assert choose(CutCurve(CUT_POINTS, COST, (), (), ())) == 0.40


def test_ties_go_to_the_more_sensitive_cut_point() -> None:
    assert choose(CutCurve((0.2, 0.4, 0.6), (0.7, 0.9, 0.9), (), (), ())) == 0.4
    assert choose(CutCurve((0.2, 0.4, 0.6), (0.9, 0.9 + 1e-15, 0.8), (), (), ())) == 0.2


def test_a_film_at_the_cut_point_passes() -> None:
    found = decide(np.array([0.4, 0.39]), np.array([[0.1, 0.1, 0.8]] * 2), 0.4)
    assert found.stage.tolist() == [3, 0]
    assert found.level.tolist() == [2, 1]
    # The verdict need not be the most probable class.
    assert found.probabilities[0].argmax() == 0
    assert found.probabilities.sum(axis=1) == pytest.approx([1, 1])


@given(st.integers(0, 10_000))
def test_laws_of_the_sweep(seed: int) -> None:
    disease, staging, truth = films(seed)
    curve = sweep(disease, staging, truth)
    for values in (curve.coverage, curve.sensitivity, [row[3] for row in curve.recalls]):
        assert all(a >= b for a, b in itertools.pairwise(values))
    zero = [row[0] for row in curve.recalls]
    assert all(a <= b for a, b in itertools.pairwise(zero))
    chosen = curve.macro_recall[curve.points.index(choose(curve))]
    assert chosen == pytest.approx(max(curve.macro_recall), abs=1e-12)


def test_nobody_passing_is_a_result_and_no_error() -> None:
    _, staging, truth = films(0)
    curve = sweep(np.zeros(len(truth)), staging, truth)
    assert set(curve.macro_recall) == {0.25}
    assert set(curve.coverage) == {0.0}
    assert set(curve.recalls) == {(1.0, 0.0, 0.0, 0.0)}
    assert choose(curve) == 0.05


def test_a_class_missing_from_the_validation_part_is_refused() -> None:
    disease, staging, truth = films(1)
    keep = (truth != 3) & (truth != 0)
    with pytest.raises(CohortError, match="no film of class 0, 3; hold out more patients"):
        sweep(disease[keep], staging[keep], truth[keep])


@pytest.mark.parametrize("cut", [-0.1, 1.1, float("nan")])
def test_a_cut_point_outside_is_refused(cut: float) -> None:
    with pytest.raises(RecordError, match=r"lies in 0\.\.1"):
        decide(np.array([0.5]), np.array([[1.0, 0.0, 0.0]]), cut)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RecordError, match="three for each film"):
        decide(np.array([0.5, 0.5]), np.array([[1.0, 0.0, 0.0]]), 0.5)


def test_a_cut_point_belongs_to_its_weights() -> None:
    plain = CutPoint(0.4, "a" * 64, {"films": 9}, sweep(*films(2))).to_json()
    assert CutPoint.for_weights(plain, "a" * 64, "m") == 0.4
    with pytest.raises(
        BundleError, match=r"chosen for the weights aaaaaaaaaaaa\.\.\..*sweep it anew"
    ):
        CutPoint.for_weights(plain, "b" * 64, "m")
    for broken in (None, {}, {"value": 2, "weights_sha256": "a" * 64}, {"value": "x"}):
        with pytest.raises(BundleError, match="no cut point"):
            CutPoint.for_weights(broken, "a" * 64, "m")
