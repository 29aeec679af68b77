"""World and voxel are two names of one place, whatever the directions of the axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from konio.errors import RefusedError
from konio.io import Grid

NUMBERS = st.floats(-500, 500)


def rotated(seed: int, flip: bool = False) -> tuple[tuple[float, ...], ...]:
    matrix = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    if flip:
        matrix[:, 0] *= -1
    return tuple(tuple(row) for row in matrix.tolist())


@given(
    st.tuples(NUMBERS, NUMBERS, NUMBERS),
    st.tuples(*[st.floats(0.3, 5)] * 3),
    st.integers(0, 1000),
    st.booleans(),
)
def test_there_and_back_is_the_same_place(at, spacing, seed, flip):
    grid = Grid((10, 20, 30), (-11.0, 22.0, -333.0), spacing, rotated(seed, flip))
    assert np.allclose(grid.to_world(grid.to_voxel(at)), at, atol=1e-8)


def test_the_axes_of_arrays_and_of_the_world_by_hand():
    grid = Grid(
        (4, 5, 6), (100.0, 50.0, -300.0), (0.5, 0.7, 2.0), ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
    )
    assert grid.to_world([1, 2, 3]).tolist() == pytest.approx([98.5, 48.6, -298.0])
    assert grid.to_voxel([98.5, 48.6, -298.0]).tolist() == pytest.approx([1, 2, 3])
    assert grid.contains((98.5, 48.6, -298.0))
    assert not grid.contains((101.5, 48.6, -298.0))


def test_a_sheared_grid_of_a_tilted_gantry_keeps_its_places():
    lean = np.radians(20)
    direction = ((1.0, 0.0, 0.0), (0.0, 1.0, np.sin(lean)), (0.0, 0.0, np.cos(lean)))
    grid = Grid((4, 5, 6), (0.0, 0.0, 0.0), (1.0, 1.0, 2.0), direction)
    assert grid.to_world([1, 0, 0]).tolist() == pytest.approx(
        [0, 2 * np.sin(lean), 2 * np.cos(lean)]
    )
    assert np.allclose(grid.to_voxel(grid.to_world([3, 1, 2])), [3, 1, 2])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shape": (0, 5, 5)}, "bad-header"),
        ({"shape": (5000, 5000, 5000)}, "too-large"),
        ({"spacing_mm": (1.0, 0.0, 1.0)}, "bad-header"),
        ({"origin_mm": (float("nan"), 0.0, 0.0)}, "bad-header"),
        ({"direction": ((1, 0, 0), (1, 0, 0), (0, 0, 1))}, "bad-header"),
        ({"direction": ((2, 0, 0), (0, 1, 0), (0, 0, 1))}, "bad-header"),
    ],
)
def test_a_grid_without_places_is_refused(change, code):
    good = {"shape": (5, 5, 5), "origin_mm": (0.0, 0.0, 0.0), "spacing_mm": (1.0, 1.0, 1.0)}
    with pytest.raises(RefusedError) as refused:
        Grid(**{**good, **change})
    assert refused.value.code == code
