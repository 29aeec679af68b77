import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from konio.lungs.clean import (
    THRESHOLD,
    convex_border,
    fill_holes,
    fill_lateral,
    largest_part,
    solid,
)

masks = arrays(bool, (12, 14))


def disc(row, column, radius, shape=(64, 64)):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, st.integers(1, 12), elements=st.integers(-20, 20).map(float)))
def test_the_hull_is_the_lowest_concave_curve_above_the_border(border):
    hull = convex_border(border)
    n = len(border)
    brute = border.copy()
    for i in range(n):
        for j in range(i + 1, n):
            line = border[i] + (border[j] - border[i]) * (np.arange(i, j + 1) - i) / (j - i)
            brute[i : j + 1] = np.maximum(brute[i : j + 1], line)
    np.testing.assert_allclose(hull, brute, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(masks)
def test_filling_only_adds_and_is_done_once(mask):
    for fill in (fill_holes, lambda m: fill_lateral(m, "right"), lambda m: fill_lateral(m, "left")):
        filled = fill(mask)
        assert not (mask & ~filled).any()
        assert np.array_equal(fill(filled), filled)


@settings(max_examples=60, deadline=None)
@given(masks)
def test_the_largest_part_is_part_of_the_mask(mask):
    part = largest_part(mask)
    assert not (part & ~mask).any()
    assert part.any() == mask.any()


@pytest.mark.parametrize(("side", "lateral"), [("right", 12), ("left", 52)])
def test_disease_inside_or_at_the_wall_stays_lung(side, lateral):
    lung = disc(32, 32, 24)
    disease = disc(20, 32, 6) | disc(38, lateral, 7)
    seen = np.where(lung & ~disease, 0.95, 0.05).astype(np.float32)
    found = solid(seen, side) > THRESHOLD
    assert (found & lung).sum() / lung.sum() > 0.98
    assert (found & ~lung).sum() / lung.sum() < 0.02


def test_a_long_shallow_bay_is_the_lungs_own_shape():
    rows, columns = np.ogrid[:64, :64]
    bay = 10 + 5 * np.sin(np.pi * (rows - 5) / 55)
    lung = (rows >= 5) & (rows <= 60) & (columns >= bay) & (columns < 45)
    assert np.array_equal(fill_lateral(lung, "right"), lung)
    assert np.array_equal(fill_lateral(lung[:, ::-1], "left"), lung[:, ::-1])


def test_the_hilum_is_not_filled():
    bay = disc(32, 54, 9)
    seen = np.where(disc(32, 32, 24) & ~bay, 0.95, 0.05).astype(np.float32)
    assert not (solid(seen, "right") > THRESHOLD)[32, 50]


def test_islands_are_dropped_and_a_clean_lung_is_left_alone():
    lung, island = disc(32, 26, 20), disc(6, 56, 4)
    probability = np.where(lung, 0.9, 0.1).astype(np.float32)
    assert np.array_equal(solid(probability, "right"), probability)
    seen = np.where(island, 0.9, probability).astype(np.float32)
    assert np.array_equal(solid(seen, "right") > THRESHOLD, lung)


def test_nothing_stays_nothing():
    assert solid(np.full((16, 16), 0.2, np.float32), "left").max() < THRESHOLD
