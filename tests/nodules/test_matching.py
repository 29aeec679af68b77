"""Which marks mean one nodule."""

from __future__ import annotations

import numpy as np
import pytest
from tests.nodules.marked import PIXEL, SLICE, ball, scan

from konio.errors import RecordError
from konio.io import Grid
from konio.nodules import match
from konio.nodules.lidc import joined
from konio.nodules.marks import Contour, Mark


def names(groups) -> list[list[str]]:
    return [[mark.name for mark in group] for group in groups]


def test_marks_that_touch_are_one_nodule():
    near = [ball(f"a{k}", (40 + k, 40, 0.0), 6) for k in range(3)]
    far = ball("b", (80, 80, 0.0), 6)
    other_slice = ball("c", (40, 40, 40.0), 6)
    assert names(match(scan(near[0], far, near[1], other_slice, near[2]))) == [
        ["a0", "a1", "a2"],
        ["b"],
        ["c"],
    ]


def test_two_groups_joined_by_chance_are_parted():
    first = [ball(f"a{k}", (30 + 0.3 * k, 40, 0.0), 6) for k in range(4)]
    second = [ball(f"b{k}", (43.0 + 0.3 * k, 40, 0.0), 5) for k in range(4)]
    assert len(match(scan(*first, *second, thickness=2.5))) == 2
    assert (
        len(match(scan(*first[:2], *second[:2], thickness=2.5))) == 1
    )  # four marks may be one nodule


def test_neighbours_whose_outlines_overlap_are_parted_by_their_centres():
    first = [ball(f"a{k}", (30 + 0.4 * k, 40, 0.0), 7) for k in range(4)]
    second = [ball(f"b{k}", (41 + 0.4 * k, 40, 0.0), 5) for k in range(4)]
    assert names(match(scan(*first, *second))) == [[f"{x}{k}" for k in range(4)] for x in "ab"]


def test_without_marks_there_is_nothing():
    assert match(scan()) == ()


def test_size_and_place_of_a_ball():
    (nodule,) = joined(
        [scan(ball("a", (50, 60, -100.0), 10), ball("b", (52, 60, -100.0), 10, malignancy=5))],
        {
            "1.2.3": Grid(
                (100, 120, 120),
                (-30.0, 20.0, -150.0),
                (PIXEL, PIXEL, SLICE),
                ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
            )
        },
    )
    assert nodule.diameter_mm == pytest.approx(2 * 10 * PIXEL, rel=0.06)
    assert nodule.at_mm == pytest.approx((-30 - 51 * PIXEL, 20 - 60 * PIXEL, -100.0), abs=0.1)
    assert nodule.ratings["malignancy"] == (3, 5)


def test_a_hole_makes_it_smaller():
    whole = ball("a", (50, 50, 0.0), 10)
    hole = Contour(0.0, whole.contours[len(whole.contours) // 2].points // 2 + 25, False)
    assert Mark("b", whole.ratings, (*whole.contours, hole)).diameter_mm(
        PIXEL, SLICE
    ) < whole.diameter_mm(PIXEL, SLICE)


def test_a_grade_outside_its_scale_says_nothing():
    assert ball("a", (50, 50, 0.0), 5, internal_structure=5).ratings["internal_structure"] is None
    with pytest.raises(RecordError, match="outline"):
        Mark("a", {}, (Contour(0.0, np.zeros((1, 2), np.int32), False),))
