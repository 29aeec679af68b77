"""Cost matrices and penalties: the thesis' numbers, the laws of costs, and matrices that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import RecordError
from konio.networks.costs import (
    LEAST_RATE,
    CostMatrix,
    normalised,
    penalties_from_confusion,
    penalties_from_recalls,
)

BAD = {
    "negative": ([[0, -1], [1, 0]], "negative"),
    "not square": ([[0, 1, 1], [1, 0, 1]], "as many columns as rows"),
    "ragged": ([[0, 1], [1]], "as many columns as rows"),
    "one class": ([[0]], "two or more"),
    "empty": ([], "two or more"),
    "right is not free": ([[1, 1], [1, 0]], "diagonal"),
    "all zero": ([[0, 0], [0, 0]], "every cost is zero"),
    "not a number": ([[0, float("nan")], [1, 0]], "finite"),
    "endless": ([[0, float("inf")], [1, 0]], "finite"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_cost_matrix_is_refused_with_its_reason(name: str) -> None:
    values, why = BAD[name]
    with pytest.raises(RecordError, match=f"cost matrix cannot be used: .*{why}.*correct it"):
        CostMatrix(tuple(map(tuple, values)))


def test_the_cheapest_answer_follows_the_costs_and_not_the_majority() -> None:
    even = CostMatrix(((0, 1, 1), (1, 0, 1), (1, 1, 0)))
    rows = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    assert even.cheapest(rows).tolist() == rows.argmax(axis=1).tolist()
    missing_is_dear = CostMatrix(((0, 1, 1), (1, 0, 1), (9, 9, 0)))
    assert missing_is_dear.cheapest(rows).tolist() == [2, 2]
    # By hand: calling the first film a 0 costs 0.3 * 1 + 0.2 * 9.
    assert missing_is_dear.expected(rows)[0] == pytest.approx([2.1, 2.3, 0.8])


def test_scaling_gives_errors_a_mean_of_one() -> None:
    scaled = CostMatrix(((0, 2, 4), (6, 0, 8), (10, 12, 0))).scaled()
    assert scaled.sum() / 6 == pytest.approx(1)
    assert scaled[2, 1] / scaled[0, 1] == pytest.approx(6)


def test_the_thesis_penalties() -> None:
    assert normalised([5, 8, 9]) == pytest.approx([15 / 22, 24 / 22, 27 / 22])
    own = penalties_from_recalls([0.99, 0.88, 0.58])
    assert [5 * p / own[0] for p in own] == pytest.approx([5, 5.625, 8.534], abs=1e-3)
    # A confusion matrix with these recalls says the same.
    assert penalties_from_confusion([[99, 1, 0], [10, 88, 2], [30, 12, 58]]) == pytest.approx(own)


def test_costs_from_a_confusion_are_its_rates_of_error() -> None:
    costs = CostMatrix.of_confusion([[90, 10, 0], [0, 50, 50], [0, 0, 4]]).array()
    assert costs[0].tolist() == pytest.approx([0, 0.1, LEAST_RATE])
    assert costs[1].tolist() == pytest.approx([LEAST_RATE, 0, 0.5])
    assert costs[2].tolist() == pytest.approx([LEAST_RATE, LEAST_RATE, 0])


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=8))
def test_penalties_keep_their_ratios_and_have_mean_one(values: list[float]) -> None:
    own = normalised(values)
    assert np.mean(own) == pytest.approx(1)
    assert [p / own[0] for p in own] == pytest.approx([v / values[0] for v in values])


@pytest.mark.parametrize("values", [[], [1], [1, 0], [1, -2], [1, float("nan")]])
def test_penalties_that_cannot_be_are_refused(values: list[float]) -> None:
    with pytest.raises(RecordError, match="above zero"):
        normalised(values)


def test_a_class_without_cases_has_no_recall() -> None:
    with pytest.raises(RecordError, match="without cases"):
        penalties_from_recalls([0.9, float("nan")])
    for matrix in ([[3, 0], [0, 0]], [[3, -1], [0, 1]]):
        with pytest.raises(RecordError, match="class has none"):
            penalties_from_confusion(matrix)
    with pytest.raises(RecordError, match="as many columns"):
        CostMatrix.of_confusion([[1, 2, 3], [4, 5, 6]])


def test_no_recall_at_all_is_dear_but_not_endless() -> None:
    assert penalties_from_recalls([1.0, 0.0])[1] == pytest.approx(2 * 20 / 21)
