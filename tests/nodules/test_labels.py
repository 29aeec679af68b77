"""Rules of paper C and their alternatives, as tables."""

from __future__ import annotations

import numpy as np
import pytest

from konio.errors import UsageError
from konio.nodules import labels

NAN = float("nan")


def test_two_classes_leave_the_middle_out():
    assert labels.two_classes([1, 2.74, 2.75, 3, 3.25, 3.26, 5, NAN]).tolist() == [
        0,
        0,
        -1,
        -1,
        -1,
        1,
        1,
        -1,
    ]
    with pytest.raises(UsageError, match="low"):
        labels.two_classes([1.0], low=4, high=3)


def test_three_classes_differ_where_a_mean_of_three_is_no_agreement():
    ratings = [[2, 4, 3, NAN], [3, 3, 3, NAN], [3, 3, 3, 3], [1, 2, 2, 3], [4, 3, 3, 3], [NAN] * 4]
    assert labels.three_classes(ratings).tolist() == [1, 1, 1, 0, 2, -1]
    assert labels.three_classes(ratings, "unanimous").tolist() == [-1, 1, 1, 0, 2, -1]
    with pytest.raises(UsageError, match="unanimous"):
        labels.three_classes(ratings, "median")


CODES = np.array([[6, 6, 6, NAN], [6, 6, 3, NAN], [6, 3, 6, 3], [3, 3, 5, 6], [NAN] * 4])


def test_calcification_is_nominal():
    assert labels.calcification(CODES).tolist() == [0, 0, -1, 1, -1]
    assert labels.calcification(CODES, by="any").tolist() == [0, 1, 1, 1, -1]
    assert labels.calcification(CODES, "nominal").tolist() == [5, 5, -1, 2, -1]
    assert labels.calcification(CODES, "paper_average").tolist() == [1, 1, 1, 1, -1]
    for wrong in ({"mode": "mean"}, {"by": "best"}):
        with pytest.raises(UsageError, match="unknown"):
            labels.calcification(CODES, **wrong)


def test_large_nodules():
    assert labels.large([7.9, 8.0, NAN]).tolist() == [0, 1, -1]
