"""A cube is the scan's own place, on its own grid, whatever the scan's axes; only the slab it needs is read."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konio.errors import RefusedError, UsageError
from konio.io import Grid, Volume, open_mhd, write_mhd
from konio.nodules import admit, cube

SHAPE = (24, 40, 44)
ORIGIN, SPACING = (-20.0, 30.0, -200.0), (0.7, 0.8, 1.25)


def linear(grid: Grid, by=(3.0, -2.0, 5.0), level=-300.0) -> Volume:
    """A scan whose HU are a linear function of the world: interpolation must not change it."""
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    values = grid.to_world(index) @ np.array(by) + level
    values -= values.mean() + 100
    return Volume.from_array(np.rint(values).astype(np.int16), grid)


def plain() -> Grid:
    return Grid(SHAPE, ORIGIN, SPACING)


def middle(grid: Grid) -> tuple[float, float, float]:
    return tuple(grid.to_world((np.array(grid.shape) - 1) / 2).tolist())


@settings(max_examples=15)
@given(st.tuples(*[st.floats(-3, 3)] * 3), st.sampled_from([4, 7, 12]), st.floats(5, 12))
def test_a_linear_scan_stays_linear(off, voxels, side):
    grid = plain()
    volume = linear(grid)
    at = tuple(np.array(middle(grid)) + off)
    found = cube(volume, at, side, voxels)
    lines = [((np.arange(voxels) + 0.5) / voxels - 0.5) * side] * 3
    z, y, x = np.meshgrid(*lines, indexing="ij")
    whole = volume.image().pixels.astype(float)
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    world = grid.to_world(index).reshape(-1, 3)
    plane = np.linalg.lstsq(np.c_[world, np.ones(len(world))], whole.ravel(), rcond=None)[0]
    expected = plane[3] + (x + at[0]) * plane[0] + (y + at[1]) * plane[1] + (z + at[2]) * plane[2]
    assert np.abs(found - expected).max() < 1.0  # the scan itself is rounded to whole units


def test_voxels_on_the_scan_s_own_grid_are_the_scan():
    pixels = np.random.default_rng(0).integers(-1000, 400, SHAPE).astype(np.int16)
    grid = plain()
    at = tuple(grid.to_world([10.5, 20.5, 21.5]).tolist())
    side = (4 * 1.25, 6 * 0.8, 8 * 0.7)
    found = cube(Volume.from_array(pixels, grid), at, side, (4, 6, 8))
    assert np.allclose(found, pixels[9:13, 18:24, 18:26], atol=1e-2)


@pytest.mark.parametrize("flips", [(0,), (1, 2), (0, 1, 2)])
def test_the_same_patient_stored_the_other_way_gives_the_same_cube(flips):
    grid = plain()
    pixels = np.random.default_rng(1).integers(-1000, 400, SHAPE).astype(np.int16)
    last = [SHAPE[k] - 1 if k in flips else 0 for k in range(3)]
    signs = [-1.0 if 2 - k in flips else 1.0 for k in range(3)]
    other = Grid(
        SHAPE,
        tuple(grid.to_world(last).tolist()),
        SPACING,
        tuple(map(tuple, np.diag(signs).tolist())),
    )
    turned = Volume.from_array(np.flip(pixels, flips).copy(), other)
    at = middle(grid)
    first = cube(Volume.from_array(pixels, grid), at, (15, 12, 12), (12, 16, 16))
    assert np.allclose(first, cube(turned, at, (15, 12, 12), (12, 16, 16)), atol=1e-2)


def test_a_scan_with_exchanged_axes_gives_the_same_cube():
    grid = plain()
    volume = linear(grid)
    pixels = np.transpose(volume.image().pixels, (2, 1, 0)).copy()  # sagittal slices
    other = Grid(
        pixels.shape,
        ORIGIN,
        (SPACING[2], SPACING[1], SPACING[0]),
        ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    )
    at = middle(grid)
    assert np.allclose(
        cube(volume, at, 9, 9), cube(Volume.from_array(pixels, other), at, 9, 9), atol=1e-2
    )


def test_an_oblique_scan_gives_the_patient_s_axes():
    turn = np.radians(25)
    matrix = ((np.cos(turn), -np.sin(turn), 0), (np.sin(turn), np.cos(turn), 0), (0, 0, 1))
    grid = Grid(SHAPE, ORIGIN, SPACING, matrix)
    found = cube(linear(grid), middle(grid), 8.0, 8)
    assert np.allclose(np.diff(found, axis=2), 3, atol=0.9)
    assert np.allclose(np.diff(found, axis=1), -2, atol=0.9)
    assert np.allclose(np.diff(found, axis=0), 5, atol=0.9)


def test_a_coarse_cube_averages():
    pixels = np.random.default_rng(2).normal(-500, 100, (40, 80, 80)).astype(np.int16)
    grid = Grid(pixels.shape, (0, 0, 0), (0.5, 0.5, 0.5))
    fine, coarse = (cube(Volume.from_array(pixels, grid), (20, 20, 10), 16, n) for n in (32, 4))
    assert coarse.std() < fine.std() / 8
    assert coarse.mean() == pytest.approx(fine.mean(), abs=5)


def test_outside_is_air_and_far_outside_is_refused():
    volume = Volume.from_array(np.zeros(SHAPE, np.int16), plain())
    corner = cube(volume, ORIGIN, 10, 10, outside=-1000)
    assert corner[9, 9, 9] == pytest.approx(0)
    assert corner[0, 0, 0] == pytest.approx(-1000)
    with pytest.raises(RefusedError) as refused:
        cube(volume, (500, 0, 0), 10, 10)
    assert refused.value.code == "outside-scan"
    with pytest.raises(UsageError, match="empty"):
        cube(volume, ORIGIN, 0, 10)


def test_only_the_slab_is_read():
    boxes = []
    volume = Volume.from_array(
        np.zeros((300, 64, 64), np.int16), Grid((300, 64, 64), (0, 0, 0), (1, 1, 1))
    )
    inner = volume.reader
    spied = dataclasses.replace(volume, reader=lambda box: boxes.append(box) or inner(box))
    cube(spied, (32, 32, 150), 10, 10)
    (box,) = boxes
    assert [last - first for first, last in box] == [
        11,
        11,
        11,
    ]  # ten places between voxels touch eleven


def test_a_place_is_admitted_or_refused():
    def scan(spacing=1.0, thickness=1.0, **more):
        volume = Volume.from_array(
            np.zeros((50, 60, 60), np.int16), Grid((50, 60, 60), (0, 0, 0), (1, 1, spacing))
        )
        return dataclasses.replace(volume, thickness_mm=thickness, **more)

    assert admit(scan(notes=("SYNTHETIC",)), (30, 30, 25)) == ("SYNTHETIC",)
    assert "outside the scan" in admit(scan(), (3, 30, 25))[0]
    for volume, at, code in (
        (scan(), (-5, 30, 25), "outside-scan"),
        (scan(spacing=3.0), (30, 30, 25), "thick-slices"),
        (scan(thickness=5.0), (30, 30, 25), "thick-slices"),
        (scan(missing=frozenset({30})), (30, 30, 25), "missing-slices"),
    ):
        with pytest.raises(RefusedError) as refused:
            admit(volume, at)
        assert refused.value.code == code
    assert admit(scan(missing=frozenset({45})), (30, 30, 25)) == ()


def test_a_cube_from_a_file_is_the_cube_from_memory(tmp_path):
    pixels = np.random.default_rng(5).integers(-1000, 400, SHAPE).astype(np.int16)
    grid = plain()
    path = write_mhd(tmp_path / "s.mhd", pixels, grid, compressed=True)
    at = middle(grid)
    assert np.array_equal(
        cube(open_mhd(path), at, 9, 8), cube(Volume.from_array(pixels, grid), at, 9, 8)
    )
