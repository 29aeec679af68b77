"""Case stability by hand, by counting pairs, and for review."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import RecordError
from konio.studies.stability import for_review, stability


def test_by_hand():
    answers = [[0, 1, -1, 2], [0, 1, -1, 0], [0, 0, 1, 1], [0, 1, -1, 2]]
    found = stability(answers, [0, 0, 1, -1], 3)
    assert [case.position for case in found] == [0, 1, 2]
    first, second, third = found
    assert (first.flips, first.right, first.answer, first.agreement) == (0, 1, 0, 1)
    assert second.counts == (1, 3, 0)
    assert second.flips == pytest.approx(3 / 6)  # three of the six pairs differ
    assert (second.answer, second.agreement, second.right) == (1, 0.75, 0.25)
    assert third.runs == 1
    assert math.isnan(third.flips)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=12), st.integers(0, 3))
def test_flips_is_the_share_of_pairs_of_runs_that_differ(answers, truth):
    (case,) = stability([[a] for a in answers], [truth], 4)
    pairs = list(itertools.combinations(answers, 2))
    assert case.flips == pytest.approx(sum(a != b for a, b in pairs) / len(pairs))
    assert case.right == pytest.approx(answers.count(truth) / len(answers))


def test_review_lists_unsteady_cases_first_and_leaves_room_for_both_kinds():
    steady = [1] * 10
    answers = np.array(
        [steady, [0] * 10, [0] * 5 + [1] * 5, [0] * 9 + [1], [1] * 9 + [0], [0] * 4 + [1] * 6]
    ).T
    found = stability(answers, [1, 1, 0, 1, 1, 0], 2)
    listed = for_review(found)
    assert [(case.position, case.reason) for case in listed] == [(5, "unsteady"), (2, "unsteady"), (1, "label"), (3, "label")]  # fmt: skip
    assert [case.position for case in for_review(found, most=2)] == [5, 1]  # one of each
    assert [case.position for case in for_review(found, most=3)] == [5, 2, 1]


def test_places_that_one_kind_leaves_over_go_to_the_other():
    doubted = stability(np.zeros((5, 6), int), [1] * 6, 2)
    assert len(for_review(doubted, most=4)) == 4
    unsteady = stability([[0] * 6, [1] * 6], [1] * 6, 2)
    assert len(for_review(unsteady, most=4)) == 4


def test_one_run_alone_contradicts_no_label():
    assert for_review(stability([[0, 1]], [1, 1], 2)) == ()


@pytest.mark.parametrize(
    ("answers", "truth", "classes"), [([[0, 1]], [0], 2), ([[2]], [0], 2), ([[0]], [-2], 2), ([0], [0], 2)]
)  # fmt: skip
def test_what_does_not_fit_is_refused(answers, truth, classes):
    with pytest.raises(RecordError, match=";"):
        stability(answers, truth, classes)
