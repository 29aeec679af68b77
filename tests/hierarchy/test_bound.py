"""The bound of two levels: the thesis' arithmetic, and that no result can break it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hierarchy.test_cut import films

from konio.errors import RecordError
from konio.hierarchy import decide, hierarchical_recall_bound, recall_bound


def test_the_thesis_cannot_be_right() -> None:
    # Dossier 0.2 and 4.2 B4: 0.863 and, with cost, 0.868; reported are 0.9016 to 0.9162.
    assert hierarchical_recall_bound([0.8173] * 3) == pytest.approx(0.863, abs=5e-4)
    assert hierarchical_recall_bound([0.8242] * 3) == pytest.approx(0.868, abs=5e-4)
    assert hierarchical_recall_bound([0.99, 0.88, 0.58]) == pytest.approx(0.8625)
    # What level 2 would have to reach for the reported figures.
    assert hierarchical_recall_bound([0.8688] * 3) == pytest.approx(0.9016, abs=1e-4)


def test_level_one_can_only_lower_it() -> None:
    assert hierarchical_recall_bound([0.9] * 3, 0.8) == pytest.approx(0.875)
    assert hierarchical_recall_bound([0.9] * 3, 1.0, [0.9, 0.5, 1.0]) == pytest.approx(0.825)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_no_result_breaks_its_bound(seed: int, cut: float) -> None:
    disease, staging, truth = films(seed)
    found = decide(disease, staging, cut)
    bound = recall_bound(truth, found.stage, found.passed, 1 + staging.argmax(axis=1))
    assert bound.slack >= -1e-9
    assert bound.bound <= bound.ceiling + 1e-12


def test_it_is_said_in_one_sentence() -> None:
    truth = np.array([0, 0, 1, 2, 3])
    staged = np.array([1, 1, 1, 3, 3])
    passed = np.array([False, True, True, True, False])
    bound = recall_bound(truth, np.where(passed, staged, 0), passed, staged)
    assert bound.macro_recall == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert bound.bound == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert bound.ceiling == pytest.approx((1 + 1 + 0 + 1) / 4)
    assert bound.sentence == (
        "macro-recall 0.3750; these two levels allow at most 0.3750 and this level 2 at most 0.7500"
    )


def test_what_cannot_be_is_refused() -> None:
    for arguments in (([],), ([1.2],), ([0.5], 2.0), ([0.5, 0.5], 1.0, [1.0]), ([float("nan")],)):
        with pytest.raises(RecordError, match=r"one recall in 0\.\.1 for each stage"):
            hierarchical_recall_bound(*arguments)
    truth = np.array([0, 1, 2, 2])
    with pytest.raises(RecordError, match=r"class \[3\] has none"):
        recall_bound(truth, truth, truth > 0, np.maximum(truth, 1))
    truth = np.array([0, 1, 2, 3])
    with pytest.raises(RecordError, match="score both levels on the same films"):
        recall_bound(truth, truth, truth > 0, np.array([1, 2, 2, 2]))
