"""Masks from outlines, and real outlines filled by the phantom."""

from __future__ import annotations

import numpy as np
import pytest
from tests.nodules.marked import PIXEL, SLICE, ball, outline, scan

from konio.errors import UsageError
from konio.nodules.marks import Contour, Mark
from konio.nodules.masks import consensus, mark_mask, slice_mask, surroundings
from konio.nodules.shapes import real_shapes
from konio.phantom import NoduleTruth, draw_truth, nodule


@pytest.mark.parametrize("radius", [2.2, 4.0, 9.5])
def test_the_outline_itself_lies_outside(radius):
    contour = Contour(0.0, outline((30, 40), radius))
    y, x = np.mgrid[:60, :50]
    disc = (x - 30) ** 2 + (y - 40) ** 2 < radius**2
    mask = slice_mask([contour], (60, 50), (0, 0))
    assert np.array_equal(mask, disc)
    assert contour.pixels == disc.sum()
    assert np.array_equal(slice_mask([contour], (30, 30), (25, 15)), disc[25:55, 15:45])


def test_a_hole_is_taken_out_and_a_dot_counts_itself():
    outer, hole = Contour(0.0, outline((30, 40), 9)), Contour(0.0, outline((30, 40), 3), False)
    mask = slice_mask([hole, outer], (60, 60), (0, 0))
    assert not mask[40, 30]
    assert mask[40, 36]
    dot = Contour(0.0, np.array([[5, 7]], np.int32))
    assert np.argwhere(slice_mask([dot], (10, 10), (0, 0))).tolist() == [[7, 5]]


def test_volume_of_a_ball_and_agreement_of_readers():
    marks = [ball("a", (50, 60, 0.0), 9), ball("b", (52, 60, 0.0), 9), ball("c", (50, 60, 0.0), 6)]
    levels, shape, corner = surroundings(marks[0], SLICE)
    masks = [mark_mask(mark, levels, shape, corner) for mark in marks]
    volume = masks[0].sum() * PIXEL**2 * SLICE
    assert volume == pytest.approx(4 / 3 * np.pi * (9 * PIXEL) ** 3, rel=0.1)
    most = consensus(masks)
    assert masks[2].sum() < most.sum() < (masks[0] | masks[1]).sum()
    with pytest.raises(UsageError, match="at least one"):
        consensus([])


def test_a_real_outline_keeps_its_size_and_its_reader_s_grades():
    drawn = ball("a", (50, 60, 0.0), 10, grade=4, texture=1, malignancy=None)
    thick = scan(ball("b", (50, 60, 0.0), 10))
    (shape,) = real_shapes([scan(drawn)])
    far = type(thick)("P", "1", PIXEL, 5.0, 5.0, thick.marks)
    assert len(list(real_shapes([thick, far]))) == 2
    assert len(list(real_shapes([thick, far], thickest_mm=2.5))) == 1
    assert shape.outlined().diameter_mm == pytest.approx(2 * 10 * PIXEL, rel=0.08)
    truth = shape.truth(NoduleTruth(5.0, malignancy=2.5))
    assert (truth.sphericity, truth.texture, truth.malignancy) == (4.0, 1.0, 2.5)
    rng = np.random.default_rng(4)
    made = nodule(
        rng,
        shape.truth(draw_truth(rng)),
        shape=shape.outlined(),
        spacing_mm=(1.0, 0.7, 0.7),
        field_mm=40,
    )
    volume = made.mask.sum() * np.prod(made.spacing_mm)
    if not made.truth.pleural:
        assert (6 * volume / np.pi) ** (1 / 3) == pytest.approx(2 * 10 * PIXEL, rel=0.1)


def test_a_real_shape_bears_what_all_its_readers_said():
    at = (60.0, 60.0, 0.0)
    first = ball("a", at, 6, lobulation=5, calcification=3)
    others = [ball(name, at, 7, lobulation=1) for name in "bc"]
    alone = ball("d", (20.0, 20.0, 0.0), 6, lobulation=4)
    shapes = {shape.name: shape for shape in real_shapes([scan(first, *others, alone)])}
    together = [shapes[f"P-1/{name}"] for name in "abc"]
    assert {shape.ratings["lobulation"] for shape in together} == {7 / 3}
    assert {shape.ratings["calcification"] for shape in together} == {6}
    assert together[0].mask.sum() < together[1].mask.sum()
    assert together[0].truth(NoduleTruth(5.0)).lobulation == pytest.approx(7 / 3)
    assert shapes["P-1/d"].ratings["lobulation"] == 4


def test_an_empty_mask_is_no_shape():
    from konio.phantom import Outlined

    with pytest.raises(UsageError, match="without a voxel"):
        Outlined.from_mask(np.zeros((3, 3, 3), bool), (1, 1, 1))
    point = Mark("a", {}, (Contour(0.0, np.array([[5, 7]], np.int32)),))
    assert next(real_shapes([scan(point)])).mask.sum() == 1
