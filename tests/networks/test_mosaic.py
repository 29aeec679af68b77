"""A mosaic is a permutation of pixels: exact both ways, for every geometry."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from konio.errors import RecordError
from konio.networks.mosaic import Mosaic

#: Dossier 4.3 B1: picture, grid, slices, in-plane.
PUBLISHED = ((224, 14, 196, 16), (224, 7, 49, 32), (384, 24, 576, 16), (64, 4, 16, 16))


@pytest.mark.parametrize(("side", "grid", "slices", "patch"), PUBLISHED)
def test_geometries_of_published_transformers(
    side: int, grid: int, slices: int, patch: int
) -> None:
    mosaic = Mosaic(grid, patch)
    assert (mosaic.side, mosaic.slices) == (side, slices)


@given(grid=st.integers(1, 6), patch=st.integers(1, 7), batch=st.integers(1, 3))
def test_untile_is_the_exact_inverse_of_tile(grid: int, patch: int, batch: int) -> None:
    mosaic = Mosaic(grid, patch)
    count = batch * mosaic.slices * patch**2
    cube = torch.arange(count, dtype=torch.float64).reshape(batch, mosaic.slices, patch, patch)
    picture = mosaic.tile(cube)
    assert picture.shape == (batch, mosaic.side, mosaic.side)
    assert torch.equal(mosaic.untile(picture), cube)
    assert torch.equal(mosaic.tile(mosaic.untile(picture)), picture)


def test_each_patch_is_one_whole_slice_in_row_order() -> None:
    mosaic = Mosaic(3, 4)
    cube = torch.arange(9.0)[:, None, None].expand(9, 4, 4)
    picture = mosaic.tile(cube)
    for number in range(9):
        top, left = mosaic.corner(number)
        assert (picture[top : top + 4, left : left + 4] == number).all()


def test_other_shapes_are_refused() -> None:
    with pytest.raises(RecordError, match="crop the cube"):
        Mosaic(2, 4).tile(torch.zeros(5, 4, 4))
    with pytest.raises(RecordError, match="crop the cube"):
        Mosaic(2, 4).untile(torch.zeros(9, 9))
    with pytest.raises(RecordError, match="at least one"):
        Mosaic(0, 4)
