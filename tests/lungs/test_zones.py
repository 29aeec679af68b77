import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konio.errors import RecordError
from konio.lungs.zones import sides_from_mask, zone_limits, zones_from_mask, zones_from_sides
from konio.tasks import ZONES

SHAPE = (96, 80)


def lung(row, column, height, width, recess=0):
    """Half an ellipse with a flat floor, and a pointed recess hanging from its lateral end."""
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    mask = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= 1
    mask &= rows <= row
    lateral = columns <= column - 0.6 * width if column < 40 else columns >= column + 0.6 * width
    return mask | (
        (rows > row) & (rows <= row + recess) & lateral & (abs(columns - column) < width)
    )


lungs = st.tuples(
    st.integers(50, 80),
    st.integers(12, 20),
    st.integers(9, 45),
    st.integers(5, 11),
    st.integers(0, 12),
)


@settings(max_examples=60, deadline=None)
@given(lungs, lungs)
def test_six_zones_part_the_mask_in_equal_heights(one, other):
    right = lung(*one)
    left = lung(other[0], SHAPE[1] - other[1], *other[2:])
    zones = zones_from_sides(right, left)
    assert np.array_equal(zones > 0, right | left)
    assert np.array_equal((zones >= 1) & (zones <= 3), right)
    for side in (right, left):
        apex, upper, middle, dome = zone_limits(side)
        heights = (upper - apex, middle - upper, dome - middle)
        assert max(heights) - min(heights) <= 1
        assert not side[:apex].any()
        levels = np.where(side, (zones - 1) % 3, 255)
        assert set(np.unique(levels[apex:upper])) <= {0, 255}
        assert set(np.unique(levels[upper:middle])) <= {1, 255}
        assert set(np.unique(levels[middle:])) <= {2, 255}


def test_lung_below_the_dome_belongs_to_the_lower_zone_and_moves_no_cut():
    plain, hanging = lung(60, 20, 40, 12), lung(60, 20, 40, 12, recess=12)
    assert hanging.sum() > plain.sum()
    assert zone_limits(plain) == zone_limits(hanging)
    left = lung(60, 60, 40, 12)
    assert (zones_from_sides(hanging, left)[61:, :40] == ZONES.index("rl") + 1).sum() > 0


def test_the_patients_right_is_on_the_films_left():
    zones = zones_from_mask(lung(60, 20, 40, 12) | lung(60, 60, 40, 12))
    assert ZONES[zones[30, 20] - 1] == "ru"
    assert ZONES[zones[55, 60] - 1] == "ll"


def test_sides_are_found_though_the_lungs_touch_and_crumbs_lie_about():
    right, left = lung(60, 20, 40, 12), lung(60, 60, 40, 12)
    bridge = np.zeros(SHAPE, bool)
    bridge[50, 20:60] = True
    bridge[90, 2] = True
    found = sides_from_mask(right | left | bridge)
    assert np.array_equal(found[0] | found[1], right | left | bridge)
    assert (found[0] & right).sum() == right.sum()
    assert (found[1] & left).sum() == left.sum()
    crumb = np.zeros(SHAPE, bool)
    crumb[90, 70] = True
    assert sides_from_mask(right | left | crumb)[1][90, 70]


@pytest.mark.parametrize("make", [lambda: np.zeros(SHAPE, bool), lambda: lung(60, 20, 40, 12)])
def test_fewer_than_two_lungs_have_no_zones(make):
    nothing = np.zeros(SHAPE, bool)
    with pytest.raises(RecordError):
        zones_from_sides(make(), nothing)
    with pytest.raises(RecordError):
        zones_from_mask(nothing)


def test_lungs_that_overlap_have_no_zones():
    with pytest.raises(RecordError, match="overlap"):
        zones_from_sides(lung(60, 20, 40, 12), lung(60, 25, 40, 12))
